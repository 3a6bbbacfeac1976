/**
 * Post-training quantization: a float graph and calibration samples in, a graph whose layers compute in int8 out.
 *
 * @module
 */

import { consumers, FeatherdetError, type Graph, type Node, verify } from "../../graph/mod.ts";
import { foldBatchNormalization, recogniseActivations } from "../../passes/mod.ts";
import type { Runner } from "../runner.ts";
import { type QuantizationParameters, quantizationParametersFor } from "./quantization_parameters.ts";
import { expectedErrors } from "./bias_correction.ts";
import { type CalibrationSamples, type CalibrationStatistics, observe } from "./calibrate.ts";
import { emitQdq, type IntegerLayer } from "./emit.ts";
import { equalise } from "./equalise.ts";
import { type FloatOption, floatRule, GATE } from "./float_rules.ts";
import { type ObserverName, OBSERVERS } from "./observers/mod.ts";
import { type PlacedLayer, placeInt8, type Placement } from "./placement.ts";
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
import { joined, type Observed } from "./statistics.ts";
import { outputAxis, quantizeBias, quantizeWeights, weightOf } from "./weights.ts";

/** What is decided before calibration. */
export interface CalibrateOptions {
  /** Runs the graph on the samples. */
  readonly runner: Runner;
  /** Equalise pairs of layers first, where that changes nothing else; default false. */
  readonly equalise?: boolean;
  /** What may stay in float later: values that only such layers read are not looked at. Default `none`: everything is. */
  readonly float?: FloatOption;
  /** Look at all that int8 layers make, also where only float nodes read it; default false, but for `float: "none"`. */
  readonly storeOutputs?: boolean;
  /** Told after each sample how many are done. */
  readonly onSample?: (done: number) => void;
}

/** What is decided after calibration. */
export interface SchemeOptions {
  /** How ranges of activations are chosen; default `mse`. What only float nodes read keeps its whole range. */
  readonly observer?: ObserverName;
  /** Percentage of the values within the range of the observer `percentile`; default 99.99. */
  readonly percentile?: number;
  /** Whether zero lies anywhere in int8 or in its middle; default `asymmetric`. */
  readonly activations?: "asymmetric" | "symmetric";
  /** A scale of weights for each output channel, or one a tensor; default `channel`. Weights are symmetric. */
  readonly weights?: "channel" | "tensor";
  /** Clip weights where that lowers the mean square error; default false. */
  readonly clipWeights?: boolean;
  /** Correct biases for the shifts that rounded weights make; default true. */
  readonly biasCorrection?: boolean;
  /** One scale for all that a Concat joins, so that it moves nothing, or a scale each; default `shared`. */
  readonly joins?: "shared" | "apart";
  /** What stays in float; default `yolo11`. See `FloatOption`. */
  readonly float?: FloatOption;
  /** Store results in int8 even where only float nodes read them; default false, but for `float: "none"`. */
  readonly storeOutputs?: boolean;
}

/** How to quantize. */
export interface QuantizeOptions extends SchemeOptions, Omit<CalibrateOptions, "float" | "storeOutputs"> {}

/** A graph that is ready to be quantized, with what calibration saw of it: different schemes can be tried without another run. */
export class Calibration {
  /** The graph, BatchNormalizations folded, activations recognised, perhaps equalised. */
  readonly graph: Graph;
  /** Pairs that were equalised; undefined where that was not asked for. */
  readonly equalised: number | undefined;
  /** What was seen. */
  readonly statistics: CalibrationStatistics;
  readonly #placement: Placement;

  /** Made by `calibrate`. */
  constructor(
    graph: Graph,
    equalised: number | undefined,
    statistics: CalibrationStatistics,
    placement: Placement,
  ) {
    this.graph = graph;
    this.equalised = equalised;
    this.statistics = statistics;
    this.#placement = placement;
  }

  /** What was seen of some values together. Throws FeatherdetError for one that was not looked at. */
  seen(values: readonly string[]): Observed {
    const sources = new Set(values.flatMap((value) => this.#placement.sourcesOf(value)));
    return joined([...sources].map((value) => this.#statisticsOf(value)));
  }

  /** Mean of each channel of a value; undefined where it cannot be told from what was looked at. */
  means(value: string): Float64Array | undefined {
    const known = this.statistics.values.get(value);
    if (known) return known.means();
    const maker = this.graph.nodes.find(({ outputs }) => outputs.includes(value));
    if (maker === undefined) return undefined;
    const parts = maker.inputs.map((name) => this.means(name));
    if (parts.some((part) => part === undefined)) return undefined;
    switch (maker.op) {
      case "Concat":
        return Float64Array.from(parts.flatMap((part) => [...part!]));
      case "Split": {
        const index = maker.outputs.indexOf(value), { sizes } = maker.attributes;
        const start = sizes.slice(0, index).reduce((sum, size) => sum + size, 0);
        return parts[0]!.slice(start, start + sizes[index]);
      }
      case "Slice": {
        const { starts: [start], ends: [end], steps: [step] } = maker.attributes;
        return parts[0]!.filter((_, channel) =>
          step > 0
            ? channel >= start && channel < end && (channel - start) % step === 0
            : channel <= start && channel > end && (start - channel) % -step === 0
        );
      }
      case "Resize":
        return parts[0];
      default:
        return undefined;
    }
  }

  #statisticsOf(value: string) {
    const known = this.statistics.values.get(value);
    if (known) return known;
    throw new FeatherdetError(`calibration did not look at "${value}": calibrate with float "none"`, {
      file: this.graph.name,
    });
  }
}

/**
 * The graph as quantization wants it: without BatchNormalization after convolutions, activations as one node each. Throws
 * FeatherdetError for a graph that is quantized already.
 */
export function prepared(graph: Graph): Graph {
  verify(graph);
  refuseQuantized(graph);
  return recogniseActivations(foldBatchNormalization(graph));
}

/**
 * Runs a graph on the calibration samples, once, and keeps what every scheme and observer needs.
 *
 * Throws FeatherdetError for a graph that is quantized already, and as `observe` for samples that do not fit.
 */
export async function calibrate(
  source: Graph,
  calibration: CalibrationSamples,
  options: CalibrateOptions,
): Promise<Calibration> {
  const ready = prepared(source);
  const { graph, pairs } = options.equalise ? equalise(ready) : { graph: ready, pairs: undefined };
  const { float = "none" } = options;
  const rule = floatRule(graph, float);
  const { storeOutputs = float === "none" } = options;
  const placement = placeInt8(graph, { float: rule, joins: "shared", storeOutputs });
  const statistics = await observe(graph, placement.observed, calibration, options.runner, options.onSample);
  return new Calibration(graph, pairs, statistics, placement);
}

/** Values of the settings that are words; the first of each is the default. */
const WORDS = {
  activations: ["asymmetric", "symmetric"],
  weights: ["channel", "tensor"],
  joins: ["shared", "apart"],
} as const;

/** The word that was chosen for a setting. Throws FeatherdetError for one that there is not: types do not bind everybody. */
function word<Name extends keyof typeof WORDS>(options: SchemeOptions, name: Name): typeof WORDS[Name][number] {
  const words: readonly string[] = WORDS[name], given = options[name] ?? words[0];
  if (!words.includes(given)) throw new FeatherdetError(`unknown ${name} "${given}", there are ${words.join(" and ")}`);
  return given as typeof WORDS[Name][number];
}

/** The settings with those that were left out. Throws FeatherdetError for settings out of range. */
export function completed(options: SchemeOptions): Required<SchemeOptions> {
  const { float = "yolo11", percentile = 99.99, observer = "mse" } = options;
  if (!(percentile > 50 && percentile <= 100)) {
    throw new FeatherdetError(`the percentile is ${percentile}, it must lie above 50 and not above 100`);
  }
  if (!Object.hasOwn(OBSERVERS, observer)) {
    throw new FeatherdetError(`unknown observer "${observer}", there are ${Object.keys(OBSERVERS).join(", ")}`);
  }
  return {
    observer,
    percentile,
    activations: word(options, "activations"),
    weights: word(options, "weights"),
    clipWeights: options.clipWeights ?? false,
    biasCorrection: options.biasCorrection ?? true,
    joins: word(options, "joins"),
    float,
    storeOutputs: options.storeOutputs ?? float === "none",
  };
}

/** Where int8 begins and ends with these settings, in a graph that is `prepared`. */
export function placementOf(
  graph: Graph,
  { float, joins, storeOutputs }: Pick<Required<SchemeOptions>, "float" | "joins" | "storeOutputs">,
): Placement {
  return placeInt8(graph, { float: floatRule(graph, float), joins, storeOutputs });
}

/** How each set of a placement is stored, and what calibration saw of it. */
export function chosenScales(
  calibrated: Calibration,
  { sets, int8 }: Placement,
  { observer: asked, percentile, activations }: Required<SchemeOptions>,
): { readonly affine: QuantizationParameters; readonly observer: ObserverName; readonly seen: Observed }[] {
  const symmetric = activations === "symmetric";
  const readers = consumers(calibrated.graph);
  return sets.map((values) => {
    const seen = calibrated.seen(values);
    // What leaves int8 is decoded: there the few great values are those that count.
    const isComputedWith = values.some((value) => readers.get(value)!.some((node) => int8.has(node)));
    const observer = isComputedWith ? asked : "min-max";
    return {
      affine: quantizationParametersFor(OBSERVERS[observer](seen, { symmetric, percentile }), symmetric),
      observer,
      seen,
    };
  });
}

/** True for a layer whose weights are stored in int8. */
export function hasIntegerWeights(graph: Graph, { node, float }: PlacedLayer): boolean {
  return weightOf(graph, node) !== undefined && (float === undefined || float === GATE);
}

/**
 * Integers of a layer, none for most that stay in float, and whether its bias was corrected: by the means of the channels of its input,
 * where `means` knows them.
 */
export function integersOf(
  layer: PlacedLayer,
  graph: Graph,
  scaleOf: (value: string) => number,
  means: (value: string) => Float64Array | undefined,
  options: Pick<Required<SchemeOptions>, "weights" | "clipWeights">,
): IntegerLayer & { readonly isCorrected: boolean } {
  const { node, float } = layer;
  const weight = weightOf(graph, node);
  if (weight === undefined || !hasIntegerWeights(graph, layer)) return { isCorrected: false };
  const axis = options.weights === "channel" ? outputAxis(node, weight.shape.length) : undefined;
  if (float !== undefined) {
    const weights = quantizeWeights(weight, axis, { clip: options.clipWeights }, { inputScale: 1 });
    return { weights, isCorrected: false };
  }
  const inputScale = scaleOf(node.inputs[0]);
  // A Gemm's third input may be any matrix, and its products may have factors: then it stays as it is.
  const hasBias = node.op !== "MatMul" &&
    (node.op !== "Gemm" || node.attributes.alpha === 1 && node.attributes.beta === 1);
  const given = hasBias && node.inputs.length > 2 ? graph.constants.get(node.inputs[2]) : undefined;
  const isVector = given?.shape.length === 1;
  let bias = isVector ? Float64Array.from(given.data) : undefined;
  const quantized = quantizeWeights(weight, axis, { clip: options.clipWeights }, { bias, inputScale });
  const mean = hasBias && (isVector || node.inputs.length === 2) ? means(node.inputs[0]) : undefined;
  const errors = mean && expectedErrors(node, weight, quantized, mean);
  if (errors) bias = errors.map((error, channel) => (bias?.[channel] ?? 0) - error);
  return {
    weights: quantized,
    bias: bias && quantizeBias(bias, inputScale, quantized),
    isCorrected: errors !== undefined,
  };
}

/**
 * Quantizes a calibrated graph. Different options give different graphs from one calibration.
 *
 * Throws FeatherdetError for settings out of range, and where calibration left out what the options need.
 */
export function quantizeFromCalibration(
  calibrated: Calibration,
  options: SchemeOptions = {},
): { graph: Graph; report: QuantizeReport } {
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
 * Quantizes a float graph after training: `calibration` shows which ranges its values have. The result is in ONNX's QDQ form; its
 * inputs, outputs and shapes are the source's.
 *
 * Throws FeatherdetError for a graph that is quantized already, for settings out of range, and where samples are missing, have other
 * shapes, or hold or lead to NaN; what is doubtful but works is in the report's `warnings`.
 *
 * ```ts
 * import { syntheticPicture } from "../../data/synthetic.ts";
 * import { letterboxTensor } from "../../detect/host_letterbox.ts";
 * import { demoDetector } from "../../models/demo_detector.ts";
 * import { sessionRunner } from "../../engine/session_runner.ts";
 * import { quantize } from "./quantize.ts";
 * function* pictures() { // or `takeCalibrationSamples(await openDataset("coco", { split: "train" }))`
 *   for (let seed = 1; seed <= 16; seed++) {
 *     const { image } = syntheticPicture({ seed, width: 64, height: 64 });
 *     yield { name: `picture ${seed}`, inputs: { images: letterboxTensor(image, 64, 64) } };
 *   }
 * }
 * const runner = sessionRunner();
 * const { graph, report } = await quantize(demoDetector({ size: 64 }), pictures(), { runner });
 * console.log(graph.nodes.some(({ op }) => op === "QuantizeLinear"), report.bytes.ratio, report.worst);
 * runner.destroy();
 * ```
 */
export async function quantize(
  graph: Graph,
  calibration: CalibrationSamples,
  options: QuantizeOptions,
): Promise<{ graph: Graph; report: QuantizeReport }> {
  const settings = completed(options);
  const calibrated = await calibrate(graph, calibration, {
    ...options,
    float: settings.float,
    storeOutputs: settings.storeOutputs,
  });
  return quantizeFromCalibration(calibrated, settings);
}
