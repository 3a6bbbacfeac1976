/**
 * In which layout a node is computed, and whether it moves data at all.
 *
 * @module
 */

import { FeatherdetError, type GraphIndex, type Node, sizeOf } from "../graph/mod.ts";
import { kernelsOf, operandTypes } from "./choose_kernels.ts";
import { channelOffsets } from "./fuse/convolution.ts";
import { WIDEST } from "./fuse/wide_conv.ts";
import type { LayoutKind, PlanNode } from "./node.ts";

/** True where a value can lie in row memory. */
export function fitsRowMemory({ types }: GraphIndex, value: string): boolean {
  const { shape, dtype } = types.get(value)!;
  return shape.length === 4 && shape[3] <= WIDEST && dtype !== "i32";
}

/** Layout of every operand of a node over both kinds, by name. */
export function mixedLayouts(node: Node): ReadonlyMap<string, LayoutKind> {
  const { inputs, outputs } = kernelsOf(node).mixed!.layouts(node);
  return new Map([
    ...node.inputs.map((name, i) => [name, inputs[i]] as const),
    ...node.outputs.map((name, i) => [name, outputs[i]] as const),
  ]);
}

/**
 * The form of an operator's kernels that computes a node over the given values; `kinds` says where those made so far lie. Throws
 * FeatherdetError where there is none for the node's shapes.
 */
export function chooseLayout(
  typed: GraphIndex,
  node: Node,
  values: readonly string[],
  kinds: ReadonlyMap<string, LayoutKind>,
): LayoutKind | "mixed" {
  const { blocked, plain, mixed } = kernelsOf(node);
  const types = operandTypes(typed, node);
  if (mixed?.applies(node, types)) return "mixed";
  const fits = values.every((value) => fitsRowMemory(typed, value));
  if (blocked === undefined || !fits || !blocked.applies(node, types)) {
    if (plain !== undefined) return "plain";
    const shapes = types.inputs.map(({ shape }) => `[${shape}]`).join(", ");
    throw new FeatherdetError(`no kernel for inputs ${shapes}`, { node: node.name, operator: node.op });
  }
  if (plain === undefined) return "blocked";
  // What can be computed either way follows its inputs, so that a chain is not converted back and forth.
  const inputs = node.inputs.filter((name) => !typed.graph.constants.has(name));
  // Quantized pictures are read in row memory.
  const quantized = node.op === "QuantizeLinear" && kinds.get(node.inputs[0]) === undefined;
  return quantized || inputs.some((name) => kinds.get(name) === "blocked") ? "blocked" : "plain";
}

/** How a node can be done without moving data, if it can. */
export function viewOf({ graph, types }: GraphIndex, node: Node, layout: LayoutKind): PlanNode["view"] {
  const isConstant = (name: string) => graph.constants.has(name);
  // Plain whole numbers are floats already.
  const isAlias = node.op === "Reshape" || node.op === "Cast" && node.attributes.to === "f32";
  if (layout === "plain") return isAlias && !isConstant(node.inputs[0]) ? "reshape" : undefined;
  const aligned = (names: readonly string[]) =>
    names.slice(0, -1).every((name) => types.get(name)!.shape[1] % 4 === 0) &&
    names.every((name) => sizeOf(types.get(name)!.shape) > 0);
  if (node.op === "Concat" && node.attributes.axis === 1 && !node.inputs.some(isConstant) && aligned(node.inputs)) {
    return "concat";
  }
  if (node.op === "Split" && node.attributes.axis === 1 && aligned(node.outputs)) return "split";
  if (node.op === "Slice" && channelOffsets(node)?.every((offset) => offset % 4 === 0)) return "split";
  return undefined;
}

/** The plan node of a node. A Split that is no view as a whole gives two: one for outputs that are views, one that copies the others. */
export function splitNodes(node: Node, whole: PlanNode): PlanNode[] {
  const offsets = node.op === "Split" && whole.writes === "blocked" ? channelOffsets(node) : undefined;
  if (offsets === undefined || whole.view !== undefined) return [whole];
  const outputs = (aligned: boolean) => whole.outputs.filter((_, i) => (offsets[i] % 4 === 0) === aligned);
  const copied = outputs(false);
  const kernels: PlanNode["kernels"] = (maker) =>
    whole.kernels(maker).filter(({ bindings }) =>
      bindings.some((binding) => binding.kind === "write" && copied.includes(binding.value))
    );
  return [{ ...whole, outputs: outputs(true), view: "split" }, { ...whole, outputs: copied, kernels }];
}
