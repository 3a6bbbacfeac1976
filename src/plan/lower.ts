/**
 * Turns graph nodes into plan nodes: what each takes along, in which layout it is computed and by which kernel.
 *
 * @module
 */

import type { GraphIndex, Node } from "../graph/mod.ts";
import { macsOf } from "../graph/analyze.ts";
import { NO_ACTIVATION } from "../kernels/activation.ts";
import type { Epilogue, KernelContext, Operand } from "../kernels/context.ts";
import { withCells } from "../kernels/int8/cells.ts";
import type { Int8Cells } from "../kernels/kernel.ts";
import { chooseKernel, type Choosing, type KernelChoice, kernelsOf, operandTypes } from "./choose_kernels.ts";
import { chooseLayout, fitsRowMemory, mixedLayouts, splitNodes, viewOf } from "./choose_layout.ts";
import { type ChannelShuffle, findChannelShuffles, shuffleNode } from "./fuse/channel_shuffle.ts";
import type { Composite } from "./fuse/composites.ts";
import { fuseConvolutions, type FusedConvolution, fusionsOf } from "./fuse/convolution.ts";
import { type Quantization, quantizationOf, type QuantizedValue, type Quantizer } from "./fuse/int8/around.ts";
import type { KernelMaker, LayoutKind, PlanNode } from "./node.ts";

/** What lowering is done for. */
export interface LowerOptions extends Choosing {
  /** Most tensors that a dispatch may bind in row memory, weights among them. */
  readonly maxTensors: number;
}

/** A graph while its nodes are lowered one after the other. */
interface Lowering {
  readonly typed: GraphIndex;
  readonly choosing: Choosing;
  readonly quantization: Quantization;
  /** Where the values made so far lie. */
  readonly kinds: Map<string, LayoutKind>;
  /** Nodes that need no plan node of their own, or have one. */
  readonly done: Set<Node>;
}

/** A node with what it takes along, ready to become a plan node. */
interface Lowered {
  /** The graph's node whose operator is computed. */
  readonly source: Node;
  /** The same, reading what the node reads in its first input's place. */
  readonly node: Node;
  readonly fused: FusedConvolution | undefined;
  readonly layout: LayoutKind | "mixed";
  readonly outputs: readonly string[];
  /** How the bytes that are stored stand for numbers, where the node quantizes. */
  readonly cells: Int8Cells | undefined;
  /** The quantized value that is read instead of a float value. */
  readonly before: (value: string) => QuantizedValue | undefined;
}

/** Lowers the nodes of a graph that no composite has claimed. */
export function lower(typed: GraphIndex, composites: readonly Composite[], options: LowerOptions): PlanNode[] {
  const claimed = new Set(composites.flatMap(({ nodes }) => nodes));
  const shuffles = findChannelShuffles(typed);
  const quantization = quantizationOf(typed);
  const { maxTensors } = options;
  const { byLast, absorbed } = fuseConvolutions(typed, { claimed, shuffles, maxTensors, quantization });
  const shufflesAt = new Map(shuffles.map((shuffle) => [shuffle.nodes[0], shuffle]));
  const lowering: Lowering = {
    typed,
    choosing: options,
    quantization,
    kinds: new Map(composites.flatMap(({ node }) => node.outputs.map((name) => [name, node.writes] as const))),
    done: new Set([...claimed, ...absorbed]),
  };
  return typed.graph.nodes.flatMap((last): PlanNode[] => {
    const fused = byLast.get(last);
    if (!fused && lowering.done.has(last)) return [];
    return lowerShuffle(lowering, shufflesAt.get(last)) ?? lowerNode(lowering, last, fused);
  });
}

/** The plan node of a channel shuffle over row memory; undefined if there is none or it lies elsewhere. */
function lowerShuffle({ typed, kinds, done }: Lowering, shuffle: ChannelShuffle | undefined): PlanNode[] | undefined {
  if (!shuffle || kinds.get(shuffle.input) !== "blocked" || !fitsRowMemory(typed, shuffle.output)) return undefined;
  kinds.set(shuffle.output, "blocked");
  for (const node of shuffle.nodes) done.add(node);
  return [shuffleNode(shuffle)];
}

/** The plan nodes of a node, or of the convolution whose last node it is. */
function lowerNode(lowering: Lowering, last: Node, fused: FusedConvolution | undefined): PlanNode[] {
  const { typed, kinds, done, quantization } = lowering;
  const { graph, types } = typed;
  const source: Node = fused?.conv ?? last;
  const node: Node = fused ? { ...fused.conv, inputs: [fused.x.value, ...fused.conv.inputs.slice(1)] } : last;
  const besides = [fused?.residual?.value, fused?.gate, fused?.interleaved?.value].filter((one) => one !== undefined);
  const read = [...new Set([...node.inputs.filter((name) => !graph.constants.has(name)), ...besides])];
  const layout = chooseLayout(typed, node, [...read, ...node.outputs], kinds);
  const mixed = layout === "mixed" ? mixedLayouts(node) : undefined;
  const kind = layout === "mixed" ? "blocked" : layout;
  const view = mixed ? undefined : viewOf(typed, node, kind);
  const quantizer = fused || layout !== "blocked" || view !== undefined ? undefined : quantizerBehind(lowering, node);
  for (const one of quantizer?.nodes ?? []) done.add(one);
  const outputs = quantizer ? [quantizer.value] : last.outputs;
  for (const name of outputs) kinds.set(name, mixed?.get(name) ?? kind);
  const inBytes = layout === "blocked" && view === undefined && node.op !== "Split";
  const before = (value: string) => inBytes ? quantization.before(value) : undefined;
  const cells = fused?.cells ?? quantizer?.cells;
  const lowered: Lowered = { source, node, fused, layout, outputs, cells, before };
  const choice = layout === "plain" ? undefined : choiceOf(lowering, lowered);
  return splitNodes(node, {
    name: node.name,
    operator: `${fused ? operatorOf(fused) : node.op}${cells ? "+QuantizeLinear" : ""}`,
    inputs: [...new Set(read.map((value) => before(value)?.value ?? value))],
    outputs,
    reads: kind,
    writes: kind,
    layouts: mixed,
    macs: macsOf(source, source.inputs.map((name) => types.get(name)!.shape), types.get(source.outputs[0])!.shape),
    view,
    choice,
    kernels: (maker) => {
      const context = contextOf(lowering, lowered, maker);
      const option = maker.option ?? choice?.option;
      return option ? option.make(context) : kernelsOf(node)[layout]!.kernels(context);
    },
  });
}

/** The QuantizeLinear that a node which is no convolution takes along. */
function quantizerBehind({ quantization, done }: Lowering, node: Node): Quantizer | undefined {
  const quantizer = node.op !== "Split" ? quantization.behind(node.outputs[0]) : undefined;
  return quantizer && !quantizer.nodes.some((one) => done.has(one)) ? quantizer : undefined;
}

/** The kernel for a node, where several compete. */
function choiceOf({ typed, choosing }: Lowering, lowered: Lowered): KernelChoice | undefined {
  const { source, fused, cells, before } = lowered;
  return chooseKernel({
    node: source,
    types: operandTypes(typed, source),
    fusions: fusionsOf(fused ?? {}),
    activation: fused?.activation,
    firstChannel: fused?.x.firstChannel,
    rounded: typed.producerOf(source.inputs[1])?.op === "FakeQuantizeWeights",
    cells: { input: before(source.inputs[0])?.cells, output: cells },
  }, choosing);
}

/** What the kernels of a node are made from, once its operands are placed. */
function contextOf(lowering: Lowering, lowered: Lowered, { operand: operandOf, pitch }: KernelMaker): KernelContext {
  const { node, fused, outputs, cells, before } = lowered;
  const { adapter, packedDot, floatWeights, light } = lowering.choosing.target;
  const { x, gate, residual, interleaved } = fused ?? {};
  const operand = (value: string): Operand => {
    const quantized = before(value);
    return quantized ? withCells(operandOf(quantized.value), quantized.cells) : operandOf(value);
  };
  const written = outputs.map(operandOf);
  const epilogue: Epilogue = {
    activation: fused?.activation ?? NO_ACTIVATION,
    residual: residual && { ...residual, operand: operand(residual.value) },
    interleaved: interleaved && { ...interleaved, operand: operand(interleaved.value) },
  };
  return {
    node,
    inputs: node.inputs.map(operand),
    outputs: cells ? written.map((output) => withCells(output, cells)) : written,
    epilogue,
    firstChannel: x?.firstChannel,
    gate: gate === undefined ? undefined : operand(gate),
    pitch,
    target: adapter,
    packedDot,
    floatWeights,
    light,
  };
}

/** Operators of a node, such as `Conv+Silu+Add`. */
function operatorOf({ nodes, interleaved, quantizers = 0 }: FusedConvolution): string {
  const names = nodes.map(({ op }) => op).slice(0, nodes.length - quantizers);
  // Concat and the three nodes of the shuffle.
  return (interleaved ? [...names.slice(0, -4), "Shuffle"] : names).join("+");
}
