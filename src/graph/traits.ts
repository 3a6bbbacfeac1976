/**
 * What an operator is like, one row each: what passes ask before they move, scale, recompute or quantize something. Passes ask a trait
 * instead of keeping lists of names, so that a new operator answers for itself.
 *
 * Traits speak of an operator as a function of its data inputs; weights, statistics, scales and zero points count as fixed. Each of them is
 * checked against the float64 reference by `tests/graph/traits_test.ts`.
 *
 * @module
 */

import type { Node, Operator } from "./operators.ts";
import { eachUnary, isActivation } from "./unary.ts";
import { eachPair } from "./pairs.ts";

/** The same for every node of the operator, or to be asked of one, since attributes or an optional input decide. */
export type Answer<K extends Operator, Value> = Value | ((node: Node<K>) => Value);

/** The traits of an operator. */
export interface Traits<K extends Operator = Operator> {
  /**
   * What of the data inputs an element of an output depends on: the elements at the same place, broadcast as in NumPy (`element`), all of
   * the same channel, axis 1 (`channel`), or perhaps more than that (`any`).
   */
  readonly reads: Answer<K, "element" | "channel" | "any">;
  /**
   * Every element of an output is one of the data inputs' elements, chosen by where it is (`place`) or by being the greatest (`value`);
   * else `no`. So bytes can stand for the numbers that are moved.
   */
  readonly moves: Answer<K, "place" | "value" | "no">;
  /**
   * When an element of an output is 0: where the elements that it depends on are 0 in all data inputs (`all`), in any of them (`any`), or in
   * the first, whatever else but 0 the others hold (`first`); `no` where zeros make something else.
   */
  readonly zero: Answer<K, "all" | "any" | "first" | "no">;
  /** No output falls where a data input rises. */
  readonly monotone: Answer<K, boolean>;
  /** All data inputs times s make all outputs times s, for every s > 0. */
  readonly homogeneous: Answer<K, boolean>;
  /** A layer: sums products with weights, over the taps of windows or over rows of matrices; else `no`. */
  readonly layer: "convolution" | "matrix" | "no";
  /** Rounds to, or computes from, numbers of few levels: a graph that has such a node is quantized, or is being trained to be. */
  readonly quantized: boolean;
  /**
   * Cheap enough to be computed again on the way back instead of being kept: it reads and writes each element a few times at most, or is
   * placed without a copy.
   */
  readonly cheap: boolean;
}

const NONE = {
  reads: "any",
  moves: "no",
  zero: "no",
  monotone: false,
  homogeneous: false,
  layer: "no",
  quantized: false,
  cheap: false,
} as const;
/** What is linear in its one data input, with weights that are not negative. */
const MEAN = { ...NONE, zero: "all", monotone: true, homogeneous: true } as const;
const MOVES = { ...MEAN, moves: "place" } as const;
const MAXIMUM = { ...MEAN, moves: "value" } as const;
const ELEMENT = { ...NONE, reads: "element" } as const;
const CHANNEL = { ...NONE, reads: "channel" } as const;
const INTEGER = { ...NONE, quantized: true } as const;

/** A convolution is linear but for its bias. */
const isBiased = (node: Node<"Conv" | "ConvTranspose" | "Gemm">) => node.inputs.length > 2;
const CONVOLUTION = {
  ...NONE,
  layer: "convolution",
  zero: (node: Node<"Conv" | "ConvTranspose">) => isBiased(node) ? "no" : "all",
  homogeneous: (node: Node<"Conv" | "ConvTranspose">) => !isBiased(node),
} as const;

const readsOfReduction = (
  { attributes: { axes, keepDims } }: Node<"ReduceMean" | "ReduceSum" | "ReduceMax">,
): "channel" | "any" => axes.includes(1) || axes.includes(0) && !keepDims ? "any" : "channel";

/** What lies along an axis is read; other channels where it is that of the channels, other pictures count as more than a channel. */
const readsAlong = ({ attributes: { axis } }: Node<"TopK" | "GatherElements">): "channel" | "any" =>
  axis === 1 ? "any" : "channel";

const addsZeros = ({ attributes: { mode, value } }: Node<"Pad">) => mode !== "constant" || value === 0;

/** A converter without noise. */
const isSilent = ({ attributes: { sigma } }: Node<"NoisyQuantize">) => sigma === 0;

/** Floats hold what floats and whole numbers hold, but for rounding; others cut off fractions and wrap. */
const isExact = ({ attributes: { to } }: Node<"Cast">) => to === "f32";

/** The traits of every operator. */
export const TRAITS: { readonly [K in Operator]: Traits<K> } = {
  Conv: CONVOLUTION,
  ConvTranspose: CONVOLUTION,
  BatchNormalization: ELEMENT,
  ...eachUnary((op, { value, monotone, homogeneous }) => ({
    ...ELEMENT,
    zero: ({ attributes }: Node<typeof op>) => value(0, attributes) === 0 ? "all" as const : "no" as const,
    monotone: ({ attributes }: Node<typeof op>) => typeof monotone === "function" ? monotone(attributes) : monotone,
    homogeneous,
    cheap: isActivation(op),
  })),
  Add: { ...MEAN, reads: "element", cheap: true },
  Sub: { ...ELEMENT, zero: "all", homogeneous: true },
  Mul: { ...ELEMENT, zero: "any", cheap: true },
  Div: { ...ELEMENT, zero: "first" },
  ...eachPair((op, { zero, monotone, homogeneous }) => {
    const moves = op === "Max" || op === "Min" ? "value" as const : "no" as const;
    return { ...ELEMENT, moves, zero, monotone, homogeneous };
  }),
  MaxPool: { ...MAXIMUM, reads: "channel", cheap: true },
  AveragePool: { ...MEAN, reads: "channel" },
  GlobalAveragePool: { ...MEAN, reads: "channel" },
  ReduceMean: { ...MEAN, reads: readsOfReduction },
  ReduceSum: { ...MEAN, reads: readsOfReduction },
  ReduceMax: { ...MAXIMUM, reads: readsOfReduction },
  Gemm: { ...NONE, layer: "matrix", zero: (node) => isBiased(node) ? "no" : "any" },
  MatMul: { ...NONE, layer: "matrix", zero: "any" },
  Softmax: NONE,
  Concat: { ...MOVES, cheap: true },
  Split: { ...MOVES, cheap: true },
  Slice: MOVES,
  Reshape: MOVES,
  Transpose: MOVES,
  TopK: { ...NONE, reads: readsAlong },
  GatherElements: { ...MOVES, reads: readsAlong },
  Resize: {
    ...MEAN,
    reads: "channel",
    moves: ({ attributes: { mode } }) => mode === "nearest" ? "place" : "no",
    cheap: true,
  },
  Pad: {
    ...NONE,
    moves: ({ attributes: { mode } }) => mode === "constant" ? "no" : "place",
    zero: (node) => addsZeros(node) ? "all" : "no",
    monotone: true,
    homogeneous: addsZeros,
  },
  QuantizeLinear: { ...INTEGER, reads: "element", monotone: true },
  DequantizeLinear: { ...INTEGER, reads: "element", monotone: true },
  DynamicQuantizeLinear: INTEGER,
  ConvInteger: { ...INTEGER, layer: "convolution" },
  MatMulInteger: { ...INTEGER, layer: "matrix" },
  Cast: {
    ...ELEMENT,
    moves: (node) => isExact(node) ? "place" : "no",
    zero: "all",
    monotone: isExact,
    homogeneous: isExact,
  },
  UnpackWeights: INTEGER,
  ConvWeightGradient: { ...NONE, zero: "any" },
  BatchNormTraining: { ...CHANNEL, cheap: true },
  BatchNormGradient: { ...CHANNEL, zero: "all" },
  BatchNormApply: ELEMENT,
  ActivationGradient: { ...ELEMENT, zero: "all" },
  MaxPoolGradient: { ...CHANNEL, zero: "all", homogeneous: true },
  ReduceMaxGradient: { ...NONE, zero: "all", homogeneous: true },
  ResizeGradient: { ...MEAN, reads: "channel" },
  SoftmaxGradient: { ...NONE, zero: "any" },
  DetectionLoss: NONE,
  AnchorLoss: NONE,
  FakeQuantize: { ...INTEGER, reads: "element", zero: "all", monotone: true, cheap: true },
  FakeQuantizeWeights: { ...INTEGER, zero: "all", homogeneous: true },
  // Its noise depends on the place, so that it may not be moved past what moves elements.
  NoisyQuantize: {
    ...INTEGER,
    reads: (node) => isSilent(node) ? "element" : "any",
    zero: (node) => isSilent(node) ? "all" : "no",
    monotone: isSilent,
    cheap: true,
  },
};

/** A trait of a node. */
export function traitOf<Name extends keyof Traits>(
  node: Node,
  name: Name,
): Exclude<Traits[Name], (...input: never) => unknown> {
  // A row's functions read nodes of its own operator, which the compiler cannot tie to a name that varies.
  const answer = TRAITS[node.op][name] as Answer<Operator, unknown>;
  return (typeof answer === "function" ? answer(node) : answer) as ReturnType<typeof traitOf<Name>>;
}
