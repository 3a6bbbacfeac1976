/**
 * Mixed precision by measurement: which layers of a detector compute in int8, and whether the rest is stored in f32 or f16, for a budget
 * of mAP or of time.
 *
 * Layers are measured one by one (time in each form, loss of the outputs, mAP), sets of layers are made of that, and what decides is
 * measured on whole sets: time from picture to boxes and mAP.
 *
 * @module
 */

import { FeatherdetError, type Graph } from "../../../graph/mod.ts";
import type { Runner } from "../../runner.ts";
import type { CalibrationSample } from "../../statistics.ts";
import type { Calibration } from "../calibration.ts";
import { FidelityMeter } from "../fidelity.ts";
import { quantizeCalibrated } from "../quantize.ts";
import type { QuantizeReport } from "../report.ts";
import type { SchemeOptions } from "../scheme.ts";
import { checkCount, type LayerSensitivity, measureSensitivityFromCalibration, outputsOf } from "../sensitivity.ts";
import { type Assignment, assignmentsOf, type FloatStorage, predictedFront, spread } from "./assign.ts";
import { type ChoosingLayer, choosingLayers, floatBut, shareOut } from "./layers.ts";
import type { MixedMeter, MixedVariant } from "./meter.ts";
import { type MixedBudget, type MixedLayer, type MixedPoint, type MixedReport, withFrontier } from "./report.ts";

/** How to search. */
export interface MixedOptions extends Omit<SchemeOptions, "float" | "storeOutputs"> {
  /** What the result may cost. */
  readonly budget: MixedBudget;
  /** Measures times and mAP. */
  readonly meter: MixedMeter;
  /** Run graphs whose floats are stored in f32, and in f16. */
  readonly runners: Readonly<Record<FloatStorage, Runner>>;
  /** An earlier result of `sensitivity`; by default it is measured now, on `samples` samples. */
  readonly sensitivity?: readonly LayerSensitivity[];
  /** Number of samples, from the first one, on which sensitivity is measured; default 4. */
  readonly samples?: number;
  /** Number of layers of greatest loss whose mAP alone in int8 is measured too; default 8. */
  readonly scored?: number;
  /**
   * Number of sets of layers that are measured besides f32, f16, the preset (rest f32, rest f16), and all possible layers in int8;
   * default 5, at least 2.
   */
  readonly points?: number;
  /** Called with what is measured next. */
  readonly onStep?: (what: string) => void;
}

/** A network with its title, and what is predicted of it. */
interface Candidate extends MixedVariant {
  readonly title: string;
  readonly predicted: number | null;
  readonly int8: ReadonlySet<string>;
  readonly report: QuantizeReport | undefined;
}

/** What was found. */
export interface MixedResult {
  /** The chosen network; in QDQ form if any of its layers is int8. */
  readonly graph: Graph;
  /** Scalar of its float part: load the network with this `precision`. */
  readonly storage: FloatStorage;
  /** Report of `quantize`; undefined if no layer is int8. */
  readonly quantized: QuantizeReport | undefined;
  /** What was measured. */
  readonly report: MixedReport;
}

const STORAGES: readonly FloatStorage[] = ["f32", "f16"];

/** Sets that are tried between the fastest one within the mAP budget and the next faster one, each halfway. */
const HALVINGS = 2;

/** Times below a budget that are aimed at too, since predictions are not exact. */
const MARGINS = [1, 0.95, 0.9];

/** The options. Throws FeatherdetError for those that cannot be. */
export function checkOptions(options: MixedOptions): MixedOptions {
  const { budget, points = 5 } = options;
  const [what, value, most] = "map" in budget
    ? ["mAP to lose", budget.map, 1] as const
    : ["milliseconds", budget.milliseconds, Infinity] as const;
  if (!(value >= 0 && value <= most) || value === 0 && "milliseconds" in budget) {
    throw new FeatherdetError(`a budget of ${value} ${what} is none: mAP lies in 0..1, times are above 0`);
  }
  checkCount("samples", options.samples, 1);
  checkCount("scored layers", options.scored, 0);
  if (!(points >= 2)) throw new FeatherdetError(`a frontier of ${points} points is none, at least 2 are needed`);
  return options;
}

/** Loss of the outputs by running a graph with f16 storage. */
async function storageLoss(
  graph: Graph,
  samples: readonly CalibrationSample[],
  runners: MixedOptions["runners"],
): Promise<number> {
  const [originals, changed] = [
    await outputsOf(graph, samples, runners.f32),
    await outputsOf(graph, samples, runners.f16),
  ];
  const meter = new FidelityMeter();
  changed.forEach((outputs, i) => meter.add(originals[i], outputs));
  return meter.result().loss;
}

/** The search with what it has measured so far. */
class Search {
  readonly #calibrated: Calibration;
  readonly #options: MixedOptions;
  readonly #layers: readonly ChoosingLayer[];
  readonly #maps = new Map<Candidate, number>();
  readonly #floats: Readonly<Record<FloatStorage, Candidate>>;

  constructor(calibrated: Calibration, options: MixedOptions) {
    this.#calibrated = calibrated;
    this.#options = options;
    const { graph } = calibrated;
    this.#layers = choosingLayers(graph);
    const float = (storage: FloatStorage): Candidate => {
      return { title: storage, storage, graph, report: undefined, int8: new Set(), predicted: null };
    };
    this.#floats = { f32: float("f32"), f16: float("f16") };
  }

  get layers(): readonly ChoosingLayer[] {
    return this.#layers;
  }

  /** Names of the layers that can choose. */
  get choosing(): string[] {
    return this.#layers.filter(({ float }) => float === undefined).map(({ node }) => node.name);
  }

  #make(title: string, storage: FloatStorage, options: SchemeOptions, predicted: number | null): Candidate {
    const { graph, report } = quantizeCalibrated(this.#calibrated, { ...this.#options, ...options });
    const int8 = new Set(report.layers.filter(({ precision }) => precision === "int8").map(({ name }) => name));
    return { title, storage, graph, report, int8, predicted };
  }

  /** The network without int8. */
  float(storage: FloatStorage): Candidate {
    return this.#floats[storage];
  }

  /** What others would choose: the preset with each form of storage, and all that can be int8. */
  references(): Candidate[] {
    const preset = this.#make("preset yolo11", "f32", { float: "yolo11", storeOutputs: false }, null);
    return [
      preset,
      { ...preset, title: "preset yolo11, rest f16", storage: "f16" },
      this.#make("int8", "f32", { float: "none", storeOutputs: true }, null),
    ];
  }

  /** The network with these layers in int8. */
  mixed(int8: readonly string[], storage: FloatStorage, predicted: number | null): Candidate {
    if (int8.length === 0) return this.float(storage);
    const title = `${int8.length} layers int8, rest ${storage}`;
    return this.#make(title, storage, { float: floatBut(new Set(int8)), storeOutputs: false }, predicted);
  }

  async map(candidate: Candidate): Promise<number> {
    const known = this.#maps.get(candidate);
    if (known !== undefined) return known;
    this.#options.onStep?.(`mAP of ${candidate.title}`);
    const map = await this.#options.meter.map(candidate);
    this.#maps.set(candidate, map);
    return map;
  }

  /** Times of candidates in turn. */
  times(candidates: readonly Candidate[]) {
    this.#options.onStep?.(`times of ${candidates.length} networks in turn`);
    return this.#options.meter.times(candidates);
  }
}

/**
 * Of a front, the candidates to measure for a budget of mAP: some spread over it, and more between the fastest that keeps the budget and
 * its faster neighbour.
 */
async function withinMap(
  front: readonly Assignment[],
  count: number,
  least: number,
  make: (one: Assignment) => Candidate,
  map: (candidate: Candidate) => Promise<number>,
): Promise<Candidate[]> {
  const tried = new Map<Assignment, Candidate>();
  const keeps = async (one: Assignment) => {
    if (!tried.has(one)) tried.set(one, make(one));
    return await map(tried.get(one)!) >= least;
  };
  // From fast to slow: the first that keeps the budget is the fastest of them.
  let good = -1, bad = front.length;
  for (const one of spread(front, count).toReversed()) {
    const index = front.indexOf(one);
    if (await keeps(one)) good = Math.max(good, index);
    else if (good < 0) bad = index;
  }
  for (let step = 0; step < HALVINGS && good >= 0 && bad - good > 1 && bad < front.length; step++) {
    const middle = (good + bad) >> 1;
    if (await keeps(front[middle])) good = middle;
    else bad = middle;
  }
  return [...tried.values()];
}

/** Of a front, the assignments to measure for a budget of time: some spread over it, and those that are predicted to just keep it. */
function withinTime(front: readonly Assignment[], count: number, wanted: number): Assignment[] {
  const near = MARGINS.flatMap((margin) => front.find(({ milliseconds }) => milliseconds <= wanted * margin) ?? []);
  return [...new Set([...spread(front, count), ...near])];
}

/** The best point within a budget. Throws FeatherdetError if there is none. */
function choose(points: readonly MixedPoint[], budget: MixedBudget, f32: MixedPoint): MixedPoint {
  if ("map" in budget) {
    const kept = points.filter(({ map }) => map >= f32.map - budget.map);
    return kept.reduce((best, one) => one.device < best.device ? one : best);
  }
  const kept = points.filter(({ milliseconds }) => milliseconds <= budget.milliseconds);
  if (kept.length === 0) {
    const fastest = points.reduce((best, one) => one.milliseconds < best.milliseconds ? one : best);
    throw new FeatherdetError(
      `no assignment takes at most ${budget.milliseconds} ms here: the fastest, ${fastest.title}, takes ` +
        `${fastest.milliseconds.toFixed(1)} ms with mAP ${fastest.map.toFixed(4)}`,
    );
  }
  return kept.reduce((best, one) =>
    one.map > best.map || one.map === best.map && one.device < best.device ? one : best
  );
}

/** Every layer as it is in the chosen network. */
function layersOf(
  search: Search,
  chosen: Candidate,
  ratings: ReadonlyMap<string, LayerSensitivity>,
  milliseconds: Readonly<Record<FloatStorage | "int8", ReadonlyMap<string, number>>>,
  own: ReadonlySet<string>,
): MixedLayer[] {
  return search.layers.map(({ node, operator, float }) => {
    const time = (form: FloatStorage | "int8") => own.has(node.name) ? milliseconds[form].get(node.name)! : null;
    const rating = ratings.get(node.name);
    return {
      name: node.name,
      operator,
      precision: chosen.int8.has(node.name) ? "int8" : chosen.storage,
      fixed: float ?? null,
      milliseconds: { f32: time("f32"), f16: time("f16"), int8: float === undefined ? time("int8") : null },
      loss: rating?.loss ?? 0,
      mapLoss: rating?.mapLoss ?? null,
    };
  });
}

/**
 * Searches from a calibration that looked at everything; outputs are compared on `first`, samples of it. The result has no entry in its
 * history: see `mixed/pass.ts`.
 */
export async function searchMixed(
  calibrated: Calibration,
  first: readonly CalibrationSample[],
  options: MixedOptions,
): Promise<MixedResult> {
  const { budget, runners, onStep, points: count = 5, scored = 8 } = checkOptions(options);
  const search = new Search(calibrated, options);
  const f32 = search.float("f32");
  // Each layer in each form: float and int8, with both forms of storage. First, since not every adapter can time them.
  const floats = [f32, search.float("f16")];
  const full = STORAGES.map((storage) => search.mixed(search.choosing, storage, null));
  const probes = await search.times([...floats, ...full]);
  const shares = probes.map(({ dispatches }) => shareOut(dispatches, search.layers));
  const timeOf = (i: number, name: string) => shares[i].layers.get(name)!;

  const baseline = await search.map(f32);
  onStep?.("sensitivity of every layer");
  const score = async (graph: Graph) => baseline - await options.meter.map({ graph, storage: "f32" });
  const rated = options.sensitivity ??
    await measureSensitivityFromCalibration(calibrated, first, {
      ...options,
      runner: runners.f32,
      float: "yolo11",
      score,
      scored,
    });
  const ratings = new Map(rated.map((layer) => [layer.name, layer] as const));
  const f16Loss = await storageLoss(calibrated.graph, first, runners);

  const isAffordable = (name: string) => {
    const mapLoss = ratings.get(name)?.mapLoss;
    return !("map" in budget) || mapLoss === undefined || mapLoss <= budget.map;
  };
  const front = predictedFront(STORAGES.flatMap((storage, i) => {
    const base = { storage, milliseconds: probes[i].device, loss: storage === "f16" ? f16Loss : 0 };
    const choices = search.choosing.filter(isAffordable).map((name) => {
      return { name, gain: timeOf(i, name) - timeOf(i + 2, name), loss: ratings.get(name)?.loss ?? 0 };
    });
    return assignmentsOf(base, choices);
  }));

  const make = ({ int8, storage, milliseconds }: Assignment) => search.mixed(int8, storage, milliseconds);
  const chosenSets = "map" in budget
    ? await withinMap(front, count, baseline - budget.map, make, (one) => search.map(one))
    : withinTime(front, count, budget.milliseconds * probes[0].device / probes[0].milliseconds).map(make);
  // Sets of equal size and storage are the same one: they are beginnings of one order, or all there is.
  const candidates = [
    ...new Map([...floats, ...search.references(), full[0], ...chosenSets].map((one) => [one.title, one] as const))
      .values(),
  ];
  const maps: number[] = [];
  for (const candidate of candidates) maps.push(await search.map(candidate));
  const times = await search.times(candidates);
  const measured = candidates.map(({ title, storage, int8, predicted, report, graph }, i) => ({
    title,
    storage,
    int8Layers: int8.size,
    predicted,
    device: times[i].device,
    milliseconds: times[i].milliseconds,
    map: maps[i],
    bytes: report ? report.bytes.after : weightBytes(candidates, graph),
  }));
  const points = withFrontier(measured);
  const pointOf = (index: number) => points.find(({ title }) => title === candidates[index].title)!;
  const chosen = choose(points, budget, pointOf(0));
  const winner = candidates.find(({ title }) => title === chosen.title)!;
  const own = new Set(probes[0].dispatches.map(({ name }) => name));
  const milliseconds = { f32: shares[0].layers, f16: shares[1].layers, int8: shares[2].layers };
  const warnings = [...calibrated.statistics.warnings];
  if (winner.int8.size === 0) warnings.push(`no layer is int8: ${chosen.title} is best within the budget`);
  return {
    graph: winner.graph,
    storage: winner.storage,
    quantized: winner.report,
    report: { budget, points, chosen, layers: layersOf(search, winner, ratings, milliseconds, own), f16Loss, warnings },
  };
}

/** Bytes of the float network's weights, which every quantized one was made from. */
function weightBytes(candidates: readonly Candidate[], graph: Graph): number {
  const bytes = candidates.find(({ report }) => report !== undefined)?.report?.bytes.before;
  return bytes ?? [...graph.constants.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
}
