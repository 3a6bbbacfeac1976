/**
 * Milliseconds of convolutions by their widths, measured at few widths and interpolated between, and what a network takes by its widths.
 *
 * The table is filled as it is asked: a time that is not there is estimated, and measured by the next `measure`. So a search runs, lets
 * what it asked for be measured, and runs again until nothing is missing (Yang et al. 2018, "NetAdapt", build their table beforehand).
 *
 * @module
 */

import { type LayerMeter, type LayerShape, layerText } from "../meter.ts";
import type { CostModel } from "./select.ts";
import type { WidthModel, Widths } from "./widths.ts";

/** Widths at which layers are measured, besides the whole ones: few enough to be measured, in steps of at most a half. */
export const GRID: readonly number[] = [
  ...[4, 8, 12, 16, 24, 32, 48, 64, 80, 96, 128, 160, 192, 256, 320, 384, 512, 640, 768, 1024, 1536, 2048],
];

/** What is assumed of a layer as long as nothing of its kind is measured: a first guess that only orders what is measured first. */
const MACS_PER_MILLISECOND = 2e7;

/** Neighbouring widths that are measured, and the way from the first to the second, 0..1. */
interface Bracket {
  readonly low: number;
  readonly high: number;
  readonly part: number;
}

/** Widths of a layer that are measured, rising; with groups, multiples of their number. */
function pointsOf(whole: number, unit: number): number[] {
  const rounded = GRID.map((one) => Math.ceil(one / unit) * unit).filter((one) => one < whole);
  return [...new Set([...rounded, whole])];
}

function bracketOf(width: number, points: readonly number[]): Bracket {
  const low = points.findLast((one) => one <= width) ?? points[0];
  const high = points.find((one) => one >= width) ?? low;
  return { low, high, part: high > low ? (width - low) / (high - low) : 0 };
}

function macsOf({ kernel, strides, groups, map: [batch, height, width] }: LayerShape, inputs: number, outputs: number) {
  const pixels = batch * Math.ceil(height / strides[0]) * Math.ceil(width / strides[1]);
  const read = groups === "each" ? 1 : inputs / groups;
  return pixels * kernel[0] * kernel[1] * read * outputs;
}

/** Layers that differ in widths alone. */
class Family {
  readonly shape: LayerShape;
  /** Milliseconds by inputs and outputs. */
  readonly #measured = new Map<string, { inputs: number; outputs: number; milliseconds: number }>();
  readonly #wanted = new Map<string, LayerShape>();
  readonly #smooth = new Map<string, number>();

  constructor(shape: LayerShape) {
    this.shape = shape;
  }

  get wanted(): readonly LayerShape[] {
    return [...this.#wanted.values()];
  }

  set({ inputs, outputs }: LayerShape, milliseconds: number): void {
    const key = `${inputs},${outputs}`;
    this.#wanted.delete(key);
    this.#smooth.clear();
    this.#measured.set(key, { inputs, outputs, milliseconds });
  }

  /** The time at measured widths: never more than at larger ones, since noise only ever makes a measurement longer. */
  at(inputs: number, outputs: number): number {
    const key = `${inputs},${outputs}`, known = this.#smooth.get(key);
    if (known !== undefined) return known;
    const isMeasured = this.#measured.has(key);
    if (!isMeasured) this.#wanted.set(key, { ...this.shape, inputs, outputs });
    const value = isMeasured ? this.#least(inputs, outputs) : this.#estimate(inputs, outputs);
    this.#smooth.set(key, value);
    return value;
  }

  #least(inputs: number, outputs: number): number {
    let least = Infinity;
    for (const one of this.#measured.values()) {
      if (one.inputs >= inputs && one.outputs >= outputs) least = Math.min(least, one.milliseconds);
    }
    return least;
  }

  /** From the measured widths of the nearest work, in proportion. */
  #estimate(inputs: number, outputs: number): number {
    const macs = macsOf(this.shape, inputs, outputs);
    let best = macs / MACS_PER_MILLISECOND, distance = Infinity;
    for (const one of this.#measured.values()) {
      const ratio = macs / macsOf(this.shape, one.inputs, one.outputs);
      if (Math.abs(Math.log(ratio)) >= distance) continue;
      [best, distance] = [one.milliseconds * ratio, Math.abs(Math.log(ratio))];
    }
    return best;
  }
}

/** Times of layers by their widths. */
export class LatencyTable {
  readonly #meter: LayerMeter;
  readonly #families = new Map<string, Family>();
  /** How often it was measured: numbers of before may have been guesses. */
  version = 0;

  /** Measures by the meter; `memoisedLayers` makes one that remembers. */
  constructor(meter: LayerMeter) {
    this.#meter = meter;
  }

  /**
   * Milliseconds of a layer with other widths than the shape's, which are the whole ones: interpolated linearly along both between widths
   * of `GRID`. What has not been measured is estimated, and `measure` will measure it.
   */
  time(shape: LayerShape, inputs: number, outputs: number): number {
    const family = this.#familyOf(shape);
    if (shape.groups === "each") {
      const { low, high, part } = bracketOf(outputs, pointsOf(shape.outputs, 1));
      return (1 - part) * family.at(low, low) + (part > 0 ? part * family.at(high, high) : 0);
    }
    const across = bracketOf(inputs, pointsOf(shape.inputs, shape.groups));
    const up = bracketOf(outputs, pointsOf(shape.outputs, shape.groups));
    const row = (width: number) =>
      (1 - up.part) * family.at(width, up.low) + (up.part > 0 ? up.part * family.at(width, up.high) : 0);
    return (1 - across.part) * row(across.low) + (across.part > 0 ? across.part * row(across.high) : 0);
  }

  /** How many times were asked for and not measured yet. */
  get missing(): number {
    return [...this.#families.values()].reduce((sum, { wanted }) => sum + wanted.length, 0);
  }

  /** Measures what was asked for, in one go; false where there was nothing. */
  async measure(): Promise<boolean> {
    const wanted = [...this.#families.values()].flatMap((family) => family.wanted.map((shape) => ({ family, shape })));
    if (wanted.length === 0) return false;
    const times = await this.#meter.milliseconds(wanted.map(({ shape }) => shape));
    wanted.forEach(({ family, shape }, i) => family.set(shape, times[i]));
    this.version++;
    return true;
  }

  #familyOf(shape: LayerShape): Family {
    const key = layerText({ ...shape, inputs: 0, outputs: 0 });
    const known = this.#families.get(key);
    if (known) return known;
    const made = new Family(shape);
    this.#families.set(key, made);
    return made;
  }
}

/** What a network's time is made of. */
export interface NetworkTimes {
  /** Layers that the table times, by name, with their whole widths. */
  readonly shapes: ReadonlyMap<string, LayerShape>;
  /** Milliseconds of everything else, which counts as constant. */
  readonly rest: number;
}

/** Milliseconds of a network by its widths, as `prune` wants them: those of its layers by a table, and of all the rest. */
export function latencyModel(table: LatencyTable, { shapes, rest }: NetworkTimes): (model: WidthModel) => CostModel {
  return (model) => {
    const timed = model.layers(model.whole).map(({ name }) => shapes.get(name));
    // Searches ask for the same again and again.
    let known = timed.map(() => new Map<string, number>()), version = table.version;
    let costs = new WeakMap<Widths, number>();
    const timeOf = (layer: number, widths: Widths): number => {
      const shape = timed[layer];
      if (!shape) return 0;
      const { inputs, outputs } = model.extents(layer, widths), key = `${inputs},${outputs}`;
      const found = known[layer].get(key);
      if (found !== undefined) return found;
      // A weight counts the inputs of one group.
      const read = shape.groups === "each" ? outputs : inputs * shape.groups;
      const made = table.time(shape, read, outputs);
      known[layer].set(key, made);
      return made;
    };
    const refresh = () => {
      if (version === table.version) return;
      [known, costs, version] = [timed.map(() => new Map<string, number>()), new WeakMap(), table.version];
    };
    return {
      cost(widths) {
        refresh();
        const found = costs.get(widths);
        if (found !== undefined) return found;
        const cost = timed.reduce((sum, _, layer) => sum + timeOf(layer, widths), rest);
        costs.set(widths, cost);
        return cost;
      },
      saving(widths, bundle, fewer) {
        refresh();
        const after = widths.with(bundle, widths[bundle] - fewer);
        return model.layersOf(bundle).reduce((sum, i) => sum + timeOf(i, widths) - timeOf(i, after), 0);
      },
      layers(widths) {
        refresh();
        return timed.map((shape, layer) => shape && timeOf(layer, widths));
      },
      get missing() {
        return table.missing;
      },
      settle: () => table.measure(),
    };
  };
}

/**
 * Runs a search over a table until everything that it asked for is measured, and hands back its last result. An error of the search
 * counts only once all is measured.
 */
export async function settle<T>(table: LatencyTable, search: () => T | Promise<T>): Promise<T> {
  for (;;) {
    let result: T | undefined, error: unknown;
    try {
      result = await search();
    } catch (thrown) {
      error = thrown;
    }
    if (await table.measure()) continue;
    if (error !== undefined) throw error;
    return result as T;
  }
}
