/**
 * Turns graph nodes into plan nodes: decides the layout of each, and how it is done without moving data where it can be.
 *
 * @module
 */

import { FeatherdetError, type GraphIndex, type Node, type Operator, sizeOf } from "../graph/mod.ts";
import { macsOf } from "../graph/analyze.ts";
import { NO_ACTIVATION } from "../kernels/activation.ts";
import type { Epilogue, KernelContext, Operand, OperandTypes, OperatorKernels } from "../kernels/context.ts";
import type { Target } from "../kernels/conv_tile.ts";
import type { ConvTile } from "../kernels/conv_direct.ts";
import { withCells } from "../kernels/int8/cells.ts";
import { QuantizedConstant } from "../kernels/int8/quantized_constant.ts";
import { KERNELS } from "../kernels/table.ts";
import { findChannelShuffles, shuffleNode } from "./fuse/channel_shuffle.ts";
import type { Composite } from "./fuse/composites.ts";
import { channelOffsets, fuseConvolutions, type FusedConvolution } from "./fuse/convolution.ts";
import { quantizationOf, type Quantizer } from "./fuse/int8/around.ts";
import { WIDEST } from "./fuse/wide_conv.ts";
import type { LayoutKind, PlanNode, TypedGraph } from "./node.ts";
import { convKey, type Tuning } from "./tuning.ts";

/** How tiles of convolutions are chosen. */
export interface Tiling {
  readonly tuning?: Tuning;
  readonly target: Target;
  /** Collects the convolutions that have a tile to choose. */
  readonly seen: Set<string>;
  /** Most tensors that a dispatch may bind in row memory, weights among them. */
  readonly maxTensors: number;
  /** Packed dot products of bytes can be trusted. */
  readonly packedDot: boolean;
  /** Weights stay in floats also where one or two bits would hold them. */
  readonly floatWeights: boolean;
}

function kernelsOf(node: Node): OperatorKernels<Operator> {
  return KERNELS[node.op] as unknown as OperatorKernels<Operator>;
}

/** Layout of every operand of a node over both kinds, by name. */
function mixedLayouts(node: Node): ReadonlyMap<string, LayoutKind> {
  const { inputs, outputs } = kernelsOf(node).mixed!.layouts(node);
  return new Map([
    ...node.inputs.map((name, i) => [name, inputs[i]] as const),
    ...node.outputs.map((name, i) => [name, outputs[i]] as const),
  ]);
}

/** Lowers the nodes of a graph that no composite has claimed. */
export function lower(index: GraphIndex, composites: readonly Composite[], tiling: Tiling): PlanNode[] {
  const { graph, types } = index;
  const claimed = new Set(composites.flatMap(({ nodes }) => nodes));
  const isConstant = (name: string) => graph.constants.has(name);
  const shuffles = findChannelShuffles(index);
  const { maxTensors } = tiling;
  const quantization = quantizationOf(index);
  const { byLast, absorbed } = fuseConvolutions(index, { claimed, shuffles, maxTensors, quantization });
  const shufflesAt = new Map(shuffles.map((shuffle) => [shuffle.nodes[0], shuffle]));
  const done = new Set([...claimed, ...absorbed]);

  const kinds = new Map(composites.flatMap(({ node }) => node.outputs.map((name) => [name, node.writes] as const)));
  const operandTypes = (node: Node): OperandTypes => ({
    inputs: node.inputs.map((name) => ({ ...types.get(name)!, constant: graph.constants.get(name) })),
    outputs: node.outputs.map((name) => types.get(name)!),
  });
  const fits = (name: string) => {
    const { shape, dtype } = types.get(name)!;
    return shape.length === 4 && shape[3] <= WIDEST && dtype !== "i32";
  };

  const choose = (node: Node, values: readonly string[]): "blocked" | "plain" | "mixed" => {
    const { blocked, plain, mixed } = kernelsOf(node);
    if (mixed?.applies(node, operandTypes(node))) return "mixed";
    const possible = blocked !== undefined && values.every(fits) && blocked.applies(node, operandTypes(node));
    if (!possible) {
      if (plain === undefined) {
        const shapes = node.inputs.map((name) => `[${types.get(name)!.shape}]`).join(", ");
        throw new FeatherdetError(`no kernel for inputs ${shapes}`, { node: node.name, operator: node.op });
      }
      return "plain";
    }
    if (plain === undefined || node.op === "Conv" || node.op === "ConvTranspose") return "blocked";
    // What can be computed either way follows its inputs, so that a chain is not converted back and forth.
    const inputs = node.inputs.filter((name) => !isConstant(name));
    // Quantized pictures are read in row memory.
    const quantized = node.op === "QuantizeLinear" && kinds.get(node.inputs[0]) === undefined;
    return quantized || inputs.some((name) => kinds.get(name) === "blocked") ? "blocked" : "plain";
  };

  /** The QuantizeLinear that a node which is no convolution takes along. */
  const quantizerOf = (node: Node, view: PlanNode["view"]): Quantizer | undefined => {
    const quantizer = node.op !== "Split" && view === undefined ? quantization.behind(node.outputs[0]) : undefined;
    return quantizer && !quantizer.nodes.some((one) => done.has(one)) ? quantizer : undefined;
  };

  const tileFor = (node: Node<"Conv">, residual: boolean): ConvTile | undefined => {
    const [x, weight] = node.inputs.map((name) => types.get(name)!.shape);
    if (node.attributes.groups !== 1) return undefined;
    const stored = graph.constants.get(node.inputs[1]) instanceof QuantizedConstant;
    const int8 = stored && quantization.before(node.inputs[0]) !== undefined;
    const key = convKey(x, weight, node.attributes, residual, int8);
    tiling.seen.add(key);
    return tiling.tuning?.tiles[key];
  };

  const result: PlanNode[] = [];
  for (const last of graph.nodes) {
    const fused = byLast.get(last);
    if (!fused && done.has(last)) continue;
    const shuffle = shufflesAt.get(last);
    if (shuffle && kinds.get(shuffle.input) === "blocked" && fits(shuffle.output)) {
      kinds.set(shuffle.output, "blocked");
      for (const node of shuffle.nodes) done.add(node);
      result.push(shuffleNode(shuffle));
      continue;
    }
    const { x, gate, residual, interleaved } = fused ?? {};
    const source: Node = fused?.conv ?? last;
    const node: Node = fused ? { ...fused.conv, inputs: [fused.x.value, ...fused.conv.inputs.slice(1)] } : last;
    const besides = [residual?.value, gate, interleaved?.value].filter((value) => value !== undefined);
    const read = [...new Set([...node.inputs.filter((name) => !isConstant(name)), ...besides])];
    const layout = choose(node, [...read, ...node.outputs]);
    const mixed = layout === "mixed" ? mixedLayouts(node) : undefined;
    const kind = layout === "mixed" ? "blocked" : layout;
    const view = mixed ? undefined : viewOf(node, kind, types, isConstant);
    const quantizer = fused || layout !== "blocked" ? undefined : quantizerOf(node, view);
    for (const one of quantizer?.nodes ?? []) done.add(one);
    const cells = fused?.cells ?? quantizer?.cells;
    const outputs = quantizer ? [quantizer.value] : last.outputs;
    for (const name of outputs) kinds.set(name, mixed?.get(name) ?? kind);
    /** The quantized value that is read instead of a float value. */
    const before = (value: string) =>
      layout !== "blocked" || view !== undefined || node.op === "Split" ? undefined : quantization.before(value);
    const inputs = [...new Set(read.map((value) => before(value)?.value ?? value))];
    result.push(...splitSteps(node, {
      name: node.name,
      operator: `${fused ? operatorOf(fused) : node.op}${cells ? "+QuantizeLinear" : ""}`,
      inputs,
      outputs,
      reads: kind,
      writes: kind,
      layouts: mixed,
      macs: macsOf(source, source.inputs.map((name) => types.get(name)!.shape), types.get(source.outputs[0])!.shape),
      view,
      kernels: ({ operand: operandOf, pitch }) => {
        const operand = (value: string): Operand => {
          const quantized = before(value);
          return quantized ? withCells(operandOf(quantized.value), quantized.cells) : operandOf(value);
        };
        const written = outputs.map(operandOf);
        const epilogue: Epilogue = {
          activation: fused?.activation ?? NO_ACTIVATION,
          residual: residual && { operand: operand(residual.value), activateLast: residual.activateLast },
          interleaved: interleaved && { ...interleaved, operand: operand(interleaved.value) },
        };
        const context: KernelContext = {
          node,
          inputs: node.inputs.map(operand),
          outputs: cells ? written.map((output) => withCells(output, cells)) : written,
          epilogue,
          firstChannel: x?.firstChannel,
          gate: gate === undefined ? undefined : operand(gate),
          pitch,
          target: tiling.target,
          packedDot: tiling.packedDot,
          floatWeights: tiling.floatWeights,
          tile: source.op === "Conv" ? tileFor(source, residual !== undefined) : undefined,
        };
        return kernelsOf(node)[layout]!.kernels(context);
      },
    }));
  }
  return result;
}

/** Operators of a step, such as `Conv+Silu+Add`. */
function operatorOf({ nodes, interleaved, quantizers = 0 }: FusedConvolution): string {
  const names = nodes.map(({ op }) => op).slice(0, nodes.length - quantizers);
  // Concat and the three nodes of the shuffle.
  return (interleaved ? [...names.slice(0, -4), "Shuffle"] : names).join("+");
}

/** The step of a node; or of a Split that is no view as a whole, those of its outputs that are views, and of the others, copies. */
function splitSteps(node: Node, step: PlanNode): PlanNode[] {
  const offsets = node.op === "Split" && step.writes === "blocked" ? channelOffsets(node) : undefined;
  if (offsets === undefined || step.view !== undefined) return [step];
  const outputs = (aligned: boolean) => step.outputs.filter((_, i) => (offsets[i] % 4 === 0) === aligned);
  const copied = outputs(false);
  const kernels: PlanNode["kernels"] = (maker) =>
    step.kernels(maker).filter(({ bindings }) =>
      bindings.some((binding) => binding.kind === "write" && copied.includes(binding.value))
    );
  return [{ ...step, outputs: outputs(true), view: "split" }, { ...step, outputs: copied, kernels }];
}

/** How a node can be done without moving data, if it can. */
function viewOf(
  node: Node,
  layout: "blocked" | "plain",
  types: TypedGraph["types"],
  isConstant: (name: string) => boolean,
): PlanNode["view"] {
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
