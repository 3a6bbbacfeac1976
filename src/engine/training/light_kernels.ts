/**
 * Whether a training step takes the kernels that compile quickly: small steps end before those that run quickly are compiled.
 *
 * @module
 */

import { macsOf } from "../../graph/analyze.ts";
import { type Graph, inferTypes } from "../../graph/mod.ts";
import { isConvolution } from "../../graph/analyze_bits.ts";
import type { PlanOptions } from "../../plan/plan.ts";

/**
 * Multiply-accumulates of a forward pass below which a step is small. On llvmpipe the kernels that run quickly take ten
 * seconds or more longer to compile, and save some tens of milliseconds a step at this size.
 */
const FEW_MACS = 1e8;

/** Multiply-accumulates of the convolutions whose weights are trained. Those of a frozen teacher beside the model are no part of it. */
function trainedMacs(graph: Graph): number {
  const types = inferTypes(graph);
  const shapeOf = (name: string) => types.get(name)!.shape;
  return graph.nodes
    .filter((node) => isConvolution(node) && !graph.constants.has(node.inputs[1]))
    .reduce((sum, node) => sum + macsOf(node, node.inputs.map(shapeOf), shapeOf(node.outputs[0])), 0);
}

/**
 * Whether a model, in the form of `buildTrainingGraph`, is trained by light kernels where nobody says so: on software adapters, where its
 * steps are small and nothing was tuned. The model alone decides, so that the same run computes the same numbers everywhere.
 */
export function trainsLight(
  graph: Graph,
  { target = "software", tuning }: Pick<PlanOptions, "target" | "tuning">,
): boolean {
  return target === "software" && tuning === undefined && trainedMacs(graph) < FEW_MACS;
}
