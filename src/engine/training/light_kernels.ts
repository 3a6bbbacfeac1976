/**
 * Whether a training step takes the kernels that compile quickly: small steps end before those that run quickly are compiled.
 *
 * @module
 */

import { analyze } from "../../graph/analyze.ts";
import { isConvolution } from "../../graph/analyze_bits.ts";
import type { Graph } from "../../graph/mod.ts";
import type { PlanOptions } from "../../plan/plan.ts";

/**
 * Multiply-accumulates of a forward pass below which a step is small. On llvmpipe the kernels that run quickly take ten
 * seconds or more longer to compile, and save some tens of milliseconds a step at this size.
 */
const FEW_MACS = 1e8;

/** Multiply-accumulates of the convolutions whose weights are trained. Those of a frozen teacher beside the model are no part of it. */
function trainedMacs(graph: Graph): number {
  return analyze(graph).layers
    .filter((_, at) => isConvolution(graph.nodes[at]) && !graph.constants.has(graph.nodes[at].inputs[1]))
    .reduce((sum, { macs }) => sum + macs, 0);
}

/**
 * Whether a model, in the form of `buildTrainingGraph`, is trained by light kernels where nobody says so: on software adapters, where its
 * steps are small and nothing was tuned. The model alone decides, so that a run that is resumed computes the same numbers.
 */
export function trainsLight(
  graph: Graph,
  { target = "software", tuning }: Pick<PlanOptions, "target" | "tuning">,
): boolean {
  return target === "software" && tuning === undefined && trainedMacs(graph) < FEW_MACS;
}
