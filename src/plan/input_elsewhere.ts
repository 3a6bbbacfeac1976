/**
 * Finds an input that needs no memory, because the one dispatch that would read it reads something else in its place.
 *
 * @module
 */

import type { Graph, TensorType } from "../graph/mod.ts";
import { type KernelMaker, type PlanNode, readsAs } from "./node.ts";
import type { PlanOptions } from "./plan.ts";
import { sketchKernels } from "./sketch.ts";

/** The input that the first node reads from elsewhere, if it does. */
export function inputElsewhere(
  nodes: readonly PlanNode[],
  { inputs, outputs }: Graph,
  types: ReadonlyMap<string, TensorType>,
  maker: KernelMaker,
  { readsElsewhere, blockedInputs = [] }: Pick<PlanOptions, "readsElsewhere" | "blockedInputs">,
): string | undefined {
  if (!readsElsewhere || inputs.length !== 1) return undefined;
  const [{ name }] = inputs, [first] = nodes;
  const readers = nodes.filter((node) => node.inputs.includes(name));
  if (outputs.includes(name) || !blockedInputs.includes(name)) return undefined;
  if (readers.length !== 1 || readers[0] !== first || readsAs(first, name) !== "blocked") return undefined;
  const kernels = sketchKernels(first, types, { ...maker, option: first.choice?.option });
  return kernels.length === 1 && readsElsewhere(kernels[0], name) ? name : undefined;
}
