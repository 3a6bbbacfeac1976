/**
 * The search for mixed precision as a pass, and as a function of its own.
 *
 * @module
 */

import type { Graph } from "../../../graph/mod.ts";
import { historyEntry, withHistory } from "../../history.ts";
import { type Pass, type PassStep, passStep, runPasses } from "../../pass.ts";
import { foldPass, type PrepareReport, recognisePass } from "../../prepare.ts";
import type { CalibrationSample, CalibrationSamples } from "../../statistics.ts";
import { calibrationSource, observedPlacement } from "../calibrate.ts";
import { Calibration, seenValues } from "../calibration.ts";
import { refuseQuantized } from "../refuse_quantized.ts";
import { checkOptions, type MixedOptions, type MixedResult, searchMixed } from "./search.ts";

/** What the pass says of its search: everything but the graph. */
export type MixedPassReport = Omit<MixedResult, "graph">;

/** Samples that outputs are compared on, unless said otherwise. */
const COMPARED = 4;

/** Keys of the samples that outputs are compared on. */
const compared = ({ samples = COMPARED }: MixedOptions) => Array.from({ length: samples }, (_, index) => String(index));

/** What a history keeps: what decided, and what was chosen. */
function described(
  { budget, observer, percentile, activations, weights, clipWeights, biasCorrection, joins }: MixedOptions,
  { storage, report }: MixedPassReport,
): Readonly<Record<string, unknown>> {
  return {
    ...{ budget, storage, observer, percentile, activations, weights, clipWeights, biasCorrection, joins },
    int8: report.layers.filter(({ precision }) => precision === "int8").map(({ name }) => name),
  };
}

/** Chooses f32, f16 or int8 for the layers of a graph that is folded and whose activations are recognised, by measurement. */
export const mixedPass: Pass<MixedOptions, MixedPassReport> = {
  name: "mixed",
  needs(graph, options) {
    checkOptions(options);
    refuseQuantized(graph);
    return { value: observedPlacement(graph, {}).observed, sample: compared(options) };
  },
  async apply(graph, statistics, options) {
    const calibrated = new Calibration(graph, undefined, seenValues(statistics), observedPlacement(graph, {}));
    const samples = statistics.all("sample");
    const first = compared(options).flatMap((key) => samples.get(key) ?? []);
    const { graph: made, ...report } = await searchMixed(calibrated, first, options);
    // Floats for all layers are a choice too, with a form of storage: the history tells it.
    return { graph: made === graph ? { ...made } : made, report };
  },
  described,
};

/** The steps of the search, in order. */
export type MixedSteps = readonly [
  fold: PassStep<PrepareReport>,
  recognise: PassStep<PrepareReport>,
  mixed: PassStep<MixedPassReport>,
];

/** The steps of the search; the history says `also` too. Throws FeatherdetError for options that cannot be. */
export function listMixedPasses(options: MixedOptions, also?: Readonly<Record<string, unknown>>): MixedSteps {
  return [passStep(foldPass, {}), passStep(recognisePass, {}), passStep(mixedPass, checkOptions(options), also)];
}

/**
 * Assigns f32, f16 or int8 to the layers of a detector, by measurement, within a budget.
 *
 * int8 is chosen layer by layer. Whether floats are stored in f32 or f16 is one choice for all of a network: a session has one arena of
 * float cells. Layers that compute in float for structural reasons (the core of attention, DFL) are named in the report as fixed.
 *
 * The report has every layer with its times and losses, and every network that was measured as a whole, with the frontier of those that
 * nothing else beats. mAP should be measured on other pictures than those that results are reported on.
 *
 * Throws FeatherdetError for a budget that is none or that nothing keeps (times only: f32 keeps every mAP), and what `calibrate` and the
 * meter throw.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { syntheticPicture } from "../../../data/synthetic.ts";
 * import { letterboxTensor } from "../../../detect/host_letterbox.ts";
 * import { createSessionRunner } from "../../../engine/session_runner.ts";
 * import { ModelBuilder } from "../../../models/builder.ts";
 * import type { MixedMeter } from "./meter.ts";
 * import { searchMixedPrecision } from "./pass.ts";
 * function* pictures() { // or `takeCalibrationSamples(await openDataset("coco", { split: "train" }))`
 *   const { image } = syntheticPicture({ seed: 7, width: 64, height: 64 });
 *   yield { name: "picture 7", inputs: { images: letterboxTensor(image, 64, 64) } };
 * }
 * const meter = { // or `createMixedMeter(await openDataset("coco"))`, which measures; here int8 is free and 0.001 mAP a layer
 *   map: ({ graph }) => Promise.resolve(0.4 - graph.nodes.filter(({ op }) => op === "QuantizeLinear").length / 1000),
 *   times: (variants) =>
 *     Promise.resolve(variants.map(({ graph }) => {
 *       const int8 = graph.nodes.some(({ op }) => op === "QuantizeLinear");
 *       const dispatches = graph.nodes.map(({ name, op }) => ({ name, milliseconds: op === "Conv" && !int8 ? 1 : 0 }));
 *       const milliseconds = dispatches.reduce((sum, one) => sum + one.milliseconds, 0);
 *       return { milliseconds, device: milliseconds, dispatches };
 *     })),
 * } satisfies MixedMeter;
 * const runners = { f32: createSessionRunner(), f16: createSessionRunner({ precision: "f16" }) };
 * const options = { budget: { map: 0.05 }, runners, meter, samples: 1 };
 * const b = new ModelBuilder(); // three layers, since every layer is tried; or `loadOnnx("yolo11n.onnx")`
 * const one = b.convBlock("one", b.input("images", [1, 3, 64, 64]), { out: 8, kernel: 3, stride: 2 });
 * const model = b.graph("three", [b.conv("three", b.convBlock("two", one, { out: 8, kernel: 3 }), { out: 4 })]);
 * const { graph, storage, report } = await searchMixedPrecision(model, pictures(), options);
 * assert.ok(report.chosen.map >= 0.35); // 0.4 less the budget
 * assert.ok(graph.nodes.some(({ op }) => op === "QuantizeLinear"));
 * assert.ok(["f32", "f16"].includes(storage)); // load the graph with `precision: storage`
 * for (const runner of Object.values(runners)) runner.destroy();
 * ```
 */
export async function searchMixedPrecision(
  source: Graph,
  calibration: CalibrationSamples,
  options: MixedOptions,
): Promise<MixedResult> {
  const steps = listMixedPasses(options);
  options.onStep?.("calibration");
  const made = await runPasses(source, steps, {
    source: calibrationSource(calibration, { runner: options.runners.f32 }),
  });
  return { ...made.reports[2], graph: made.graph };
}

/**
 * As `searchMixedPrecision`, from a calibration that was run before with `float: "none"`; outputs are compared on `first`, samples of it.
 */
export async function searchMixedFromCalibration(
  calibrated: Calibration,
  first: readonly CalibrationSample[],
  options: MixedOptions,
): Promise<MixedResult> {
  const { graph, ...report } = await searchMixed(calibrated, first, options);
  const entry = historyEntry(mixedPass.name, described(options, report), calibrated.parent);
  return { ...report, graph: withHistory(graph, entry) };
}
