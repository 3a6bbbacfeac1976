/**
 * Times single convolutions on this adapter: each as a small network of its own, with what is fused behind it, dispatched in turn.
 *
 * @module
 */

import { type DispatchMilliseconds, type LayerMeter, type LayerShape, layerText } from "../compress/meter.ts";
import { Program } from "../engine/program.ts";
import { Session } from "../engine/session.ts";
import { type EngineOptions, setUpEngine } from "../engine/setup.ts";
import { PassTimer } from "../gpu/timing.ts";
import { buildPlan, type Plan } from "../plan/plan.ts";
import { checkTimestamps } from "./frame_times.ts";
import { layersGraph, lotsOf, namedLayer } from "./layer_graphs.ts";

/** How layers are measured. */
export interface LayerMeterOptions extends EngineOptions {
  /** Timed rounds, in each of which every layer is dispatched once; the fastest counts, as for all single dispatches. Default 15. */
  readonly rounds?: number;
}

/** Most lots that are in memory at once. */
const OPENED = 12;

/**
 * Makes a meter of layers on a device. Throws FeatherdetError if there is no adapter, or one without timestamp queries.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { createLayerMeter } from "./layer_meter.ts";
 * const meter = await createLayerMeter({ rounds: 1 });
 * const [milliseconds] = await meter.milliseconds([{
 *   ...{ kernel: [3, 3], strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1], groups: 1, map: [1, 40, 40] },
 *   ...{ behind: [{ op: "Silu", attributes: {} }], inputs: 16, outputs: 32 },
 * }]);
 * assert.ok(milliseconds > 0);
 * ```
 */
export async function createLayerMeter({ rounds = 15, ...engine }: LayerMeterOptions = {}): Promise<LayerMeter> {
  const { device, planning } = await setUpEngine({ ...engine, separate: true });
  checkTimestamps(device);
  const revisions = new Map<string, string>();
  /** Times lots in turn: a disturbance that lasts longer than a round of one lot then meets all of them. */
  const timeLots = async (lots: readonly (readonly LayerShape[])[]): Promise<number[][]> => {
    const opened: { plan: Plan; program: Program; least: number[] }[] = [];
    try {
      for (const layers of lots) {
        const plan = buildPlan(layersGraph(layers), planning);
        opened.push({ plan, program: await Program.create(device, plan), least: layers.map(() => Infinity) });
      }
      for (let round = 0; round <= rounds; round++) {
        for (const { plan, program, least } of opened) {
          const count = program.dispatchCount;
          // Another one is the first in each round; what is computed does not matter, only how long it takes.
          const at = (i: number) => (i + round * 7) % count;
          const measured = await PassTimer.timeDispatches(device.device, {
            dispatchCount: count,
            encode: (pass, i) => program.encode(pass, at(i), at(i) + 1),
          });
          // The first round compiles.
          if (round === 0) continue;
          const sums = least.map(() => 0);
          measured.forEach((milliseconds, i) => {
            const layer = namedLayer(plan.dispatches[at(i)].name);
            if (layer !== undefined) sums[layer] += milliseconds;
          });
          sums.forEach((sum, layer) => least[layer] = Math.min(least[layer], sum));
        }
      }
      return opened.map(({ least }) => least);
    } finally {
      for (const { program } of opened) program.destroy();
    }
  };
  const { form: { storage, scalar } } = planning;
  return {
    place: `${device.adapter.name} | ${storage} ${scalar} | ${rounds} rounds`,
    revision(layer) {
      const text = layerText(layer), known = revisions.get(text);
      if (known !== undefined) return known;
      const contests = [...buildPlan(layersGraph([layer]), planning).contests.values()];
      const made = contests.map(({ key, revision, chosen }) => `${key} ${revision} ${chosen.kernel} ${chosen.variant}`)
        .join(", ");
      revisions.set(text, made);
      return made;
    },
    async milliseconds(layers) {
      const result: number[] = new Array(layers.length);
      const lots = lotsOf(layers);
      for (let first = 0; first < lots.length; first += OPENED) {
        const some = lots.slice(first, first + OPENED);
        const times = await timeLots(some.map((lot) => lot.map((i) => layers[i])));
        some.forEach((lot, which) => lot.forEach((layer, i) => result[layer] = times[which][i]));
      }
      return result;
    },
    async dispatches(graph) {
      const session = await Session.create(graph, { ...engine, separate: true });
      try {
        // The first compiles.
        await session.profile(1);
        let least: DispatchMilliseconds[] | undefined;
        for (let round = 0; round < rounds; round++) {
          const found = await session.profile(1);
          least = found.map(({ name, milliseconds }, i) => {
            return { name, milliseconds: Math.min(milliseconds, least?.[i].milliseconds ?? Infinity) };
          });
        }
        return least!;
      } finally {
        session.destroy();
      }
    },
  };
}
