/**
 * Calibration: a graph is run on samples, once, before it is decided how it is quantized.
 *
 * @module
 */

import type { Graph } from "../../graph/mod.ts";
import { collectStatistics } from "../collect.ts";
import { passStep, runPasses } from "../pass.ts";
import { foldPass, recognisePass } from "../prepare.ts";
import type { Runner } from "../runner.ts";
import type { CalibrationSamples, StatisticsSource } from "../statistics.ts";
import { Calibration, seenValues } from "./calibration.ts";
import { equalisePass } from "./equalise_pass.ts";
import { type FloatOption, floatRule } from "./float_rules.ts";
import { placeInt8, type Placement } from "./placement.ts";
import { refuseQuantized } from "./refuse_quantized.ts";

export type { CalibrationSample, CalibrationSamples } from "../statistics.ts";

/** Choices before calibration. */
export interface CalibrateOptions {
  /** Runs the graph on the samples. */
  readonly runner: Runner;
  /** Whether to equalise pairs of layers first, where that does not change the outputs; default false. */
  readonly equalise?: boolean;
  /** Layers that may stay in float later. Values that only these layers read are not counted. Default `none`: all values are counted. */
  readonly float?: FloatOption;
  /** Look at all that int8 layers make, also where only float nodes read it; default false, but for `float: "none"`. */
  readonly storeOutputs?: boolean;
  /** Called after each sample with the number of samples that are done. */
  readonly onSample?: (done: number) => void;
  /** Ends the calibration with its reason, between two samples. */
  readonly signal?: AbortSignal;
}

/** Where the statistics of calibration come from. */
export function calibrationSource(
  samples: CalibrationSamples,
  { runner, onSample, signal }: Pick<CalibrateOptions, "runner" | "onSample" | "signal">,
): StatisticsSource {
  return { samples, runner, onSample, signal, purpose: "quantization needs some to see ranges" };
}

/** Where int8 may begin and end, whatever is decided later: its `observed` values are those that are looked at. */
export function observedPlacement(
  graph: Graph,
  { float = "none", storeOutputs = float === "none" }: Pick<CalibrateOptions, "float" | "storeOutputs">,
): Placement {
  return placeInt8(graph, { float: floatRule(graph, float), joins: "shared", storeOutputs });
}

/**
 * Runs a graph on the calibration samples, once, and keeps what every scheme and observer needs.
 *
 * Throws FeatherdetError for a graph that is quantized already, and for samples that do not fit.
 */
export async function calibrate(
  source: Graph,
  calibration: CalibrationSamples,
  options: CalibrateOptions,
): Promise<Calibration> {
  refuseQuantized(source);
  const { equalise = false } = options;
  const steps = [passStep(foldPass, {}), passStep(recognisePass, {}), passStep(equalisePass, { equalise })] as const;
  const { graph, reports: [, , equalised] } = await runPasses(source, steps);
  const placement = observedPlacement(graph, options);
  const wanted = { value: placement.observed };
  const statistics = await collectStatistics(graph, wanted, calibrationSource(calibration, options));
  // What only prepares is no part of a history: equalising is.
  const parent = equalised?.pairs ? graph : source;
  return new Calibration(graph, equalised?.pairs, seenValues(statistics), placement, parent);
}
