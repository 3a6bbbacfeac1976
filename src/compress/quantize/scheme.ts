/**
 * What is decided after calibration: where int8 begins and ends, and how values are stored in it.
 *
 * @module
 */

import { FeatherdetError, type Graph, GraphIndex } from "../../graph/mod.ts";
import type { Observed } from "../value_statistics.ts";
import type { Calibration } from "./calibration.ts";
import { type FloatOption, floatRule } from "./float_rules.ts";
import { type ObserverName, OBSERVERS } from "./observers/mod.ts";
import { placeInt8, type Placement } from "./placement.ts";
import { type QuantizationParameters, quantizationParametersFor } from "./quantization_parameters.ts";

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
  /**
   * Levels that weights have: up to 127 (`full`, the default), or up to 63 (`reduced`), for processors that add two products of bytes in 16
   * bits and cut off what does not fit (x86 before VNNI).
   */
  readonly weightRange?: "full" | "reduced";
  /** Correct biases for the shifts that rounded weights make; default true. */
  readonly biasCorrection?: boolean;
  /** One scale for all that a Concat joins, so that it moves nothing, or a scale each; default `shared`. */
  readonly joins?: "shared" | "apart";
  /** What stays in float; default `yolo11`. See `FloatOption`. */
  readonly float?: FloatOption;
  /** Store results in int8 even where only float nodes read them; default false, but for `float: "none"`. */
  readonly storeOutputs?: boolean;
}

/** Values of the settings that are words; the first of each is the default. */
const WORDS = {
  activations: ["asymmetric", "symmetric"],
  weights: ["channel", "tensor"],
  weightRange: ["full", "reduced"],
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
  if (options.clipWeights && options.weightRange === "reduced") {
    throw new FeatherdetError("weights are either clipped or of reduced range, not both");
  }
  return {
    observer,
    percentile,
    activations: word(options, "activations"),
    weights: word(options, "weights"),
    clipWeights: options.clipWeights ?? false,
    weightRange: word(options, "weightRange"),
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
  const index = GraphIndex.of(calibrated.graph);
  return sets.map((values) => {
    const seen = calibrated.seen(values);
    // What leaves int8 is decoded: there the few great values are those that count.
    const isComputedWith = values.some((value) => index.readersOf(value).some((node) => int8.has(node)));
    const observer = isComputedWith ? asked : "min-max";
    return {
      affine: quantizationParametersFor(OBSERVERS[observer](seen, { symmetric, percentile }), symmetric),
      observer,
      seen,
    };
  });
}

/** Settings as a history keeps them. */
export function describedScheme(options: SchemeOptions): Readonly<Record<string, unknown>> {
  const { float, percentile, weightRange, ...settings } = completed(options);
  const range = settings.observer === "percentile" ? { percentile } : {};
  const reduced = weightRange === "reduced" ? { weightRange } : {};
  return { ...settings, ...range, ...reduced, float: typeof float === "string" ? float : "chosen layers" };
}
