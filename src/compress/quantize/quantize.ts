/**
 * Post-training quantization: a float graph and calibration samples in, a graph whose layers compute in int8 out.
 *
 * @module
 */

import type { Graph, Node } from "../../graph/mod.ts";
import { historyEntry, withHistory } from "../history.ts";
import { type Pass, type PassResult, type PassStep, passStep, runPasses } from "../pass.ts";
import { foldPass, type PrepareReport, recognisePass } from "../prepare.ts";
import type { CalibrationSamples } from "../statistics.ts";
import { type CalibrateOptions, calibrationSource, observedPlacement } from "./calibrate.ts";
import { Calibration, seenValues } from "./calibration.ts";
import { emitQdq, type IntegerLayer } from "./emit.ts";
import { equalisePass, type EqualiseReport } from "./equalise_pass.ts";
import { integersOf } from "./integers.ts";
import { refuseQuantized } from "./refuse_quantized.ts";
import {
  integerBytes,
  layerBytes,
  layerReport,
  type QuantizeReport,
  type StoredReport,
  storedReport,
  worstLayers,
} from "./report.ts";
import { chosenScales, completed, describedScheme, placementOf, type SchemeOptions } from "./scheme.ts";
import { weightOf } from "./weights.ts";

/** How to quantize. */
export interface QuantizeOptions extends SchemeOptions, Omit<CalibrateOptions, "float" | "storeOutputs"> {}

/** As `quantizeFromCalibration`, without an entry in the history: for candidates that are measured and thrown away. */
export function quantizeCalibrated(calibrated: Calibration, options: SchemeOptions): PassResult<QuantizeReport> {
  const settings = completed(options);
  const { graph, statistics } = calibrated;
  const placement = placementOf(graph, settings);
  const chosen = chosenScales(calibrated, placement, settings);
  const storedOf = new Map<string, StoredReport>();
  const stored = placement.sets.map((values, i) => {
    const report = storedReport(values, chosen[i].observer, chosen[i].seen, chosen[i].affine);
    for (const value of values) storedOf.set(value, report);
    return report;
  });
  const means = (value: string) => settings.biasCorrection ? calibrated.means(value) : undefined;
  const integers = new Map<Node, IntegerLayer>();
  let corrected = 0;
  const layers = placement.layers.map((layer) => {
    const { isCorrected, ...made } = integersOf(
      layer,
      graph,
      (value) => storedOf.get(value)!.scale,
      means,
      settings,
    );
    integers.set(layer.node, made);
    if (isCorrected) corrected++;
    return layerReport(layer, weightOf(graph, layer.node)?.shape, made.weights, storedOf);
  });
  const result = emitQdq(graph, placement, chosen.map(({ affine }) => affine), integers);
  const [before, after] = [layerBytes(graph, placement), integerBytes(result, placement)];
  const int8Layers = layers.filter(({ precision }) => precision === "int8").length;
  const floatLayers = layers.length - int8Layers;
  const nothing = int8Layers === 0 ? ["nothing was quantized: every layer stays in float"] : [];
  return {
    graph: result,
    report: {
      observer: settings.observer === "percentile" ? `percentile ${settings.percentile}` : settings.observer,
      activations: settings.activations,
      weights: settings.weights,
      samples: statistics.samples,
      equalised: calibrated.equalised ?? null,
      corrected: settings.biasCorrection ? corrected : null,
      bytes: { before, after, ratio: before === 0 ? 1 : after / before },
      int8Layers,
      floatLayers,
      layers,
      stored,
      worst: worstLayers(layers),
      warnings: [...statistics.warnings, ...nothing],
    },
  };
}

/**
 * Quantizes a calibrated graph. Different options give different graphs from one calibration.
 *
 * Throws FeatherdetError for settings out of range, and if the calibration lacks statistics that the options need.
 */
export function quantizeFromCalibration(
  calibrated: Calibration,
  options: SchemeOptions = {},
): { graph: Graph; report: QuantizeReport } {
  const { graph, report } = quantizeCalibrated(calibrated, options);
  return {
    graph: withHistory(graph, historyEntry(quantizePass.name, describedScheme(options), calibrated.parent)),
    report,
  };
}

/** Stores layers in int8, by what samples show of the values of a graph that is folded and whose activations are recognised. */
export const quantizePass: Pass<SchemeOptions, QuantizeReport> = {
  name: "quantize",
  needs(graph, options) {
    refuseQuantized(graph);
    return { value: observedPlacement(graph, completed(options)).observed };
  },
  apply(graph, statistics, options) {
    const placement = observedPlacement(graph, completed(options));
    return quantizeCalibrated(new Calibration(graph, undefined, seenValues(statistics), placement), options);
  },
  described: describedScheme,
};

/** The steps of quantization after training, in order. */
export type QuantizeSteps = readonly [
  fold: PassStep<PrepareReport>,
  recognise: PassStep<PrepareReport>,
  equalise: PassStep<EqualiseReport>,
  quantize: PassStep<QuantizeReport>,
];

/**
 * The steps of quantization after training. The history says `also` beside the options, or in their place. Throws FeatherdetError for
 * settings out of range.
 */
export function listQuantizePasses(
  options: SchemeOptions & Pick<CalibrateOptions, "equalise"> = {},
  also?: Readonly<Record<string, unknown>>,
): QuantizeSteps {
  const { equalise = false } = options;
  return [
    passStep(foldPass, {}),
    passStep(recognisePass, {}),
    passStep(equalisePass, { equalise }),
    passStep(quantizePass, completed(options), also),
  ];
}

/** Joins the reports of the passes of quantization. */
export function quantizeReport(
  [, , equalised, report]: readonly [unknown, unknown, EqualiseReport, QuantizeReport],
): QuantizeReport {
  return { ...report, equalised: equalised?.pairs ?? null };
}

/**
 * Quantizes a float graph after training: `calibration` shows which ranges its values have. The result is in ONNX's QDQ form; its
 * inputs, outputs and shapes are the source's.
 *
 * Throws FeatherdetError for a graph that is quantized already, for settings out of range, and if samples are missing, have other shapes,
 * or hold or lead to NaN. The report's `warnings` name what is doubtful but works.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { syntheticPicture } from "../../data/synthetic.ts";
 * import { letterboxTensor } from "../../detect/host_letterbox.ts";
 * import { demoDetector } from "../../models/demo_detector.ts";
 * import { createSessionRunner } from "../../engine/session_runner.ts";
 * import { quantize } from "./quantize.ts";
 * function* pictures() { // or `takeCalibrationSamples(await openDataset("coco", { split: "train" }))`
 *   for (let seed = 1; seed <= 16; seed++) {
 *     const { image } = syntheticPicture({ seed, width: 64, height: 64 });
 *     yield { name: `picture ${seed}`, inputs: { images: letterboxTensor(image, 64, 64) } };
 *   }
 * }
 * const runner = createSessionRunner();
 * const { graph, report } = await quantize(demoDetector({ size: 64 }), pictures(), { runner });
 * assert.ok(graph.nodes.some(({ op }) => op === "QuantizeLinear"));
 * assert.ok(report.bytes.ratio < 0.5); // of the bytes of all weights
 * runner.destroy();
 * ```
 */
export async function quantize(
  graph: Graph,
  calibration: CalibrationSamples,
  options: QuantizeOptions,
): Promise<{ graph: Graph; report: QuantizeReport }> {
  const made = await runPasses(graph, listQuantizePasses(options), { source: calibrationSource(calibration, options) });
  return { graph: made.graph, report: quantizeReport(made.reports) };
}
