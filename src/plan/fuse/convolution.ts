/**
 * What one dispatch of a convolution takes along: a gate and a part of a Split before it; behind it an activation, a residual, or
 * the channel shuffle with another tensor, and a QuantizeLinear.
 *
 * @module
 */

import type { GraphIndex, Node } from "../../graph/mod.ts";
import { type Activation, activationOf, isFiniteAtZero, NO_ACTIVATION } from "../../kernels/activation.ts";
import { type Fusion, fusionSet } from "../../kernels/candidate.ts";
import type { Int8Cells } from "../../kernels/kernel.ts";
import { axisTable } from "../../kernels/resize.ts";
import { kernelsOf, operandTypes } from "../choose_kernels.ts";
import type { ChannelShuffle } from "./channel_shuffle.ts";
import type { Quantization } from "./int8/around.ts";

/** A value, or the part of a value that begins at a channel. */
export interface ChannelRange {
  readonly value: string;
  readonly firstChannel: number;
}

/** Either convolution; gradients are full of transposed ones. */
type Convolution = Node<"Conv" | "ConvTranspose">;

/** A convolution with what is computed in its dispatch. */
export interface FusedConvolution {
  readonly conv: Convolution;
  /** What it reads. */
  x: ChannelRange;
  /** What it reads has further channels, behind those that it reads or before them. */
  partial?: boolean;
  /** Multiplies the channels of what it reads: `[N, C, 1, 1]`. */
  readonly gate?: string;
  activation: Activation;
  /** Added to the result, before the activation where `activateLast`; first enlarged by two as many times as `shift` says. */
  residual?: { readonly value: string; activateLast: boolean; readonly shift: number };
  /** Channels that take turns with those of the result in what is stored. */
  interleaved?: ChannelRange & { readonly convFirst: boolean };
  /** How the bytes that are stored stand for numbers, where the last node is a QuantizeLinear. */
  cells?: Int8Cells;
  /** Nodes that quantize, at the end. */
  quantizers?: number;
  /** All nodes, in order; the last one's output is what is stored. */
  readonly nodes: Node[];
}

/** What is fused into a convolution, as its kernels are asked about it. */
export function fusionsOf(
  { activation, residual, gate, partial, interleaved }: Partial<FusedConvolution>,
): ReadonlySet<Fusion> {
  return fusionSet({
    activation: activation !== undefined && activation.name !== "None",
    residual: residual !== undefined,
    gate: gate !== undefined,
    "channel range": partial,
    "channel shuffle": interleaved !== undefined,
  });
}

/** The fused convolutions of a graph. */
export interface FusedConvolutions {
  /** By the last of their nodes. */
  readonly byLast: ReadonlyMap<Node, FusedConvolution>;
  /** Every node that needs no plan node of its own: those of the convolutions, and Splits that only they read. */
  readonly absorbed: ReadonlySet<Node>;
}

/** What the search may rely on. */
export interface FusionOptions {
  /** Nodes that belong to others. */
  readonly claimed: ReadonlySet<Node>;
  readonly shuffles: readonly ChannelShuffle[];
  /** Most tensors that a dispatch may bind in row memory, weights among them. */
  readonly maxTensors: number;
  readonly quantization: Quantization;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((extent, i) => extent === b[i]);
}

/** First channels of the outputs of a Split, or of a Slice of neighbouring channels; undefined for other nodes. */
export function channelOffsets(node: Node): number[] | undefined {
  if (node.op === "Split" && node.attributes.axis === 1) {
    let sum = 0;
    return node.attributes.sizes.map((size) => (sum += size) - size);
  }
  if (node.op !== "Slice") return undefined;
  const { axes, starts, steps } = node.attributes;
  return axes.length === 1 && axes[0] === 1 && steps[0] === 1 ? [starts[0]] : undefined;
}

/** What a value is made from by repeating each pixel `2 ** shift` times in both directions, if a Resize makes it that way. */
function doubling(index: GraphIndex, value: string): { readonly small: string; readonly shift: number } | undefined {
  const node = index.producerOf(value);
  if (node?.op !== "Resize" || node.attributes.mode !== "nearest") return undefined;
  const [small] = node.inputs, from = index.shapeOf(small).slice(2), to = index.shapeOf(value).slice(2);
  const shift = Math.log2(to[0] / from[0]);
  if (!Number.isInteger(shift) || shift < 1 || to[1] !== from[1] << shift) return undefined;
  const repeats = ([0, 1] as const).every((axis) =>
    axisTable(node.attributes, axis, from[axis]).every((entry, i) => entry === (i % 2 ? 0 : i >> 1 + shift))
  );
  return repeats ? { small, shift } : undefined;
}

/** Fuses every convolution with its neighbours. */
export function fuseConvolutions(index: GraphIndex, options: FusionOptions): FusedConvolutions {
  const { claimed, maxTensors, quantization } = options;
  const { graph, types } = index;
  const shuffles = new Map(options.shuffles.map((shuffle) => [shuffle.nodes[0], shuffle]));
  const absorbed = new Set<Node>();
  const byLast = new Map<Node, FusedConvolution>();
  const shapeOf = (value: string) => types.get(value)!.shape;
  const isConstant = (name: string) => graph.constants.has(name);

  /** The sole reader of a value, where it is still to be had. */
  const soleReader = (value: string): Node | undefined => {
    const reader = index.soleReader(value);
    return reader && !claimed.has(reader) && !absorbed.has(reader) ? reader : undefined;
  };
  /** True where some kernel of a convolution takes along one thing more. */
  const takes = (conv: Convolution, fused: Partial<FusedConvolution>, more: Fusion): boolean => {
    const fusions = new Set([...fusionsOf(fused), more]);
    const request = { node: conv, types: operandTypes(index, conv), fusions };
    return kernelsOf(conv).competition!.accepts(request);
  };

  /** The product of a map and a gate `[N, C, 1, 1]` that only this convolution reads, and that it can take along. */
  const gateBefore = (conv: Convolution): { mul: Node; x: string; gate: string } | undefined => {
    const mul = index.producerOf(conv.inputs[0]);
    if (mul?.op !== "Mul" || claimed.has(mul) || soleReader(mul.outputs[0]) !== conv || !takes(conv, {}, "gate")) {
      return undefined;
    }
    const [batch, channels] = shapeOf(mul.outputs[0]);
    const gate = mul.inputs.find((value) => sameShape(shapeOf(value), [batch, channels, 1, 1]));
    const x = mul.inputs.find((value) => value !== gate);
    if (gate === undefined || x === undefined || isConstant(gate) || isConstant(x)) return undefined;
    return sameShape(shapeOf(x), shapeOf(mul.outputs[0])) ? { mul, x, gate } : undefined;
  };

  /** The value that is in memory for another. */
  const stored = (value: string) => quantization.before(value)?.value ?? value;

  const fuse = (conv: Convolution): FusedConvolution => {
    const fused = fuseFloats(conv);
    const quantizer = quantization.behind(fused.nodes.at(-1)!.outputs[0]);
    if (quantizer && !quantizer.nodes.some((node) => claimed.has(node))) {
      fused.cells = quantizer.cells;
      fused.quantizers = quantizer.nodes.length;
      fused.nodes.push(...quantizer.nodes);
    }
    return fused;
  };

  const fuseFloats = (conv: Convolution): FusedConvolution => {
    const gated = gateBefore(conv);
    const fused: FusedConvolution = {
      conv,
      x: { value: gated?.x ?? conv.inputs[0], firstChannel: 0 },
      gate: gated?.gate,
      activation: NO_ACTIVATION,
      nodes: gated ? [gated.mul, conv] : [conv],
    };
    const result = () => fused.nodes.at(-1)!.outputs[0];
    const absorbActivation = () => {
      const next = soleReader(result());
      const activation = next && activationOf(next);
      // Spare channels hold zero before the activation and must stay finite after it.
      if (!next || !activation || !isFiniteAtZero(next) || !takes(conv, fused, "activation")) return false;
      fused.activation = activation;
      fused.nodes.push(next);
      return true;
    };
    const before = absorbActivation();
    const next = soleReader(result());
    // Input, weights, output, gate: is there room for one more?
    if (next === undefined || gated && maxTensors < 5) return fused;
    const other = next.inputs.find((name) => name !== result());
    // A convolution that is joined with its own input would bind that input twice.
    if (other === undefined || isConstant(other)) return fused;
    if ([fused.x.value, fused.gate].some((own) => own !== undefined && stored(own) === stored(other))) return fused;
    if (!sameShape(shapeOf(other), shapeOf(result()))) return fused;
    if (next.op === "Add" && takes(conv, fused, "residual")) {
      const enlarged = soleReader(other) === next ? doubling(index, other) : undefined;
      // The convolution may not bind its own input twice.
      const { small, shift } = enlarged && stored(enlarged.small) !== stored(fused.x.value)
        ? enlarged
        : { small: other, shift: 0 };
      fused.residual = { value: small, activateLast: false, shift };
      if (shift > 0) fused.nodes.push(index.producerOf(other)!);
      fused.nodes.push(next);
      if (!before && absorbActivation()) fused.residual.activateLast = true;
    } else if (next.op === "Concat" && next.attributes.axis === 1 && next.inputs.length === 2) {
      const shuffle = shuffles.get(soleReader(next.outputs[0])!);
      if (shuffle?.groups === 2 && takes(conv, fused, "channel shuffle")) {
        fused.interleaved = { value: other, firstChannel: 0, convFirst: next.inputs[0] === result() };
        fused.nodes.push(next, ...shuffle.nodes);
      }
    }
    return fused;
  };

  for (const node of graph.nodes) {
    if (node.op !== "Conv" && node.op !== "ConvTranspose" || claimed.has(node) || absorbed.has(node)) continue;
    const fused = fuse(node);
    // The plan node stands where its last node stood, since a residual may be made after the convolution's input.
    for (const part of fused.nodes) absorbed.add(part);
    byLast.set(fused.nodes.at(-1)!, fused);
  }

  const owners = new Map([...byLast.values()].flatMap((fused) => fused.nodes.map((node) => [node, fused] as const)));
  for (const node of graph.nodes) {
    const offsets = channelOffsets(node);
    if (offsets === undefined || claimed.has(node) || isConstant(node.inputs[0])) continue;
    if (shapeOf(node.inputs[0]).length !== 4 || node.outputs.some((value) => graph.outputs.includes(value))) continue;
    const changes: (() => void)[] = [];
    const [value] = node.inputs;
    const takesAlong = (reader: Node, part: string, firstChannel: number): boolean => {
      const fused = owners.get(reader);
      if (fused === undefined) return false;
      const { conv, interleaved } = fused;
      const isInput = reader === conv && fused.x.value === part && interleaved?.value !== value;
      if (isInput && takes(conv, fused, "channel range")) {
        changes.push(() => Object.assign(fused, { x: { value, firstChannel }, partial: true }));
        return conv.inputs.indexOf(part, 1) < 0;
      }
      // Only whole blocks of four channels can be interleaved.
      if (reader.op !== "Concat" || interleaved?.value !== part || firstChannel % 4 !== 0) return false;
      const own = index.producerOf(fused.x.value) === node ? value : fused.x.value;
      changes.push(() => fused.interleaved = { ...interleaved, value, firstChannel });
      return own !== value;
    };
    if (node.outputs.every((part, i) => index.readersOf(part).every((one) => takesAlong(one, part, offsets[i])))) {
      for (const change of changes) change();
      absorbed.add(node);
    }
  }
  return { byLast, absorbed };
}
