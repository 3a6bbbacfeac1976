/**
 * Whether a training step takes the kernels that compile quickly: small steps end before those that run quickly are compiled.
 *
 * @module
 */

import type { Graph, Node } from "../../graph/mod.ts";
import type { PlanOptions } from "../../plan/plan.ts";
import { hasFewOperations } from "../few_operations.ts";

/**
 * Whether a model, in the form of `buildTrainingGraph`, is trained by light kernels where nobody says so: on software adapters, where its
 * steps are small and nothing was tuned. The model alone decides, so that a run that is resumed computes the same numbers.
 */
export function trainsLight(
  graph: Graph,
  { target = "software", tuning }: Pick<PlanOptions, "target" | "tuning">,
): boolean {
  // Those of a frozen teacher beside the model do not count.
  const isTrained = ({ inputs: [, weight] }: Node) => !graph.constants.has(weight);
  return target === "software" && tuning === undefined && hasFewOperations(graph, isTrained);
}
