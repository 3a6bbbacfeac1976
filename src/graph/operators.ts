/**
 * The closed union of operators and their attributes.
 *
 * Every table of the project that is keyed by operator (shape rule, cost, reference, kernels, ONNX in and out, ...) has the
 * type `OperatorTable<...>` or a mapped type over `Operator`: add an operator here and the compiler names every table that
 * still lacks its entry.
 *
 * Attributes are normalised: ONNX's defaults, negative axes, `auto_pad` and attributes-as-inputs are resolved by the importer,
 * so that nothing after it has to know them.
 *
 * @module
 */

import { FeatherdetError } from "./error.ts";
import type { ElementType } from "./graph.ts";
import type { PairAttributes, PairOperator } from "./pairs.ts";
import type { WeightBits } from "./packed_weights.ts";
import type { ActivationOperator, UnaryAttributes } from "./unary.ts";

export type { PairAttributes, PairOperator } from "./pairs.ts";
export type { ActivationOperator, UnaryAttributes, UnaryOperator } from "./unary.ts";
import type { SizeRule } from "./size_rules.ts";

/** Height and width, in this order. */
export type Pair = readonly [number, number];

/** Top, left, bottom, right, as ONNX orders the pads of two spatial axes. */
export type Pads = readonly [number, number, number, number];

/** Attributes of a two-dimensional convolution. Inputs: x `[N,C,H,W]`, weight `[O,C/groups,kh,kw]`, optional bias `[O]`. */
export interface ConvAttributes {
  /** Steps between windows. */
  readonly strides: Pair;
  /** Zeros around the input. */
  readonly pads: Pads;
  /** Steps between the taps of a window. */
  readonly dilations: Pair;
  /** Independent parts that the channels fall into; C for a depthwise convolution. */
  readonly groups: number;
}

/** Attributes of a pooling window. Pads count as minus infinity for the maximum. */
export interface PoolAttributes {
  /** Extents of the window. */
  readonly kernel: Pair;
  /** Steps between windows. */
  readonly strides: Pair;
  /** Border around the input. */
  readonly pads: Pads;
  /** Steps between the elements of a window. */
  readonly dilations: Pair;
  /** Round the output size up instead of down. */
  readonly ceilMode: boolean;
}

/** Attributes of a reduction; axes are non-negative and ascending. */
export interface ReduceAttributes {
  /** Axes that are reduced. */
  readonly axes: readonly number[];
  /** Keep them with extent 1 instead of dropping them. */
  readonly keepDims: boolean;
}

/** An operator without attributes. */
export type NoAttributes = Readonly<Record<never, never>>;

/** How an output coordinate of Resize is mapped to an input coordinate, in ONNX's words. */
export type CoordinateMode = "half_pixel" | "pytorch_half_pixel" | "asymmetric" | "align_corners";

/** How Resize rounds a coordinate in nearest mode, in ONNX's words. */
export type NearestMode = "floor" | "ceil" | "round_prefer_floor" | "round_prefer_ceil";

/**
 * What a predicted box is compared with its target by: 1 less the intersection over union (`iou`), or less that and a penalty for the
 * empty part of the common hull (`giou`, Rezatofighi et al. 2019), for the distance of the centres (`diou`, Zheng et al. 2020), for
 * distance and aspect ratio (`ciou`, the same).
 */
export type BoxLoss = "ciou" | "diou" | "giou" | "iou";

/** Attributes of DetectionLoss. */
export interface DetectionLossAttributes {
  /** Input pixels a cell of each level, finest first. */
  readonly strides: readonly number[];
  /** Loss of boxes; assignment measures overlap by CIoU whatever it is. */
  readonly boxLoss: BoxLoss;
  /** Anchors that a box may claim. */
  readonly topK: number;
  /** Power of the score in the alignment metric. */
  readonly alpha: number;
  /** Power of the overlap in the alignment metric. */
  readonly beta: number;
  /** Weights of the three losses. */
  readonly gains: { readonly box: number; readonly classes: number; readonly distribution: number };
}

/** Attributes of AnchorLoss. */
export interface AnchorLossAttributes {
  /** Input pixels a cell of each level, finest first. */
  readonly strides: readonly number[];
  /** Widths and heights of the anchors in input pixels, level by level, as many a level. */
  readonly anchors: readonly number[];
  /** An anchor may learn a box whose width and height are less than so many times its own, and more than that part of it. */
  readonly ratio: number;
  /** Loss of boxes. */
  readonly boxLoss: BoxLoss;
  /** What the loss of objectness of each level is multiplied by. */
  readonly balance: readonly number[];
  /** Weights of the three losses. */
  readonly gains: { readonly box: number; readonly objectness: number; readonly classes: number };
}

/**
 * Operator name -> its attributes. Operators carry ONNX's names and semantics (opset 17) except where noted. Those on single elements are
 * those of UnaryAttributes, those on pairs that are no sums or products those of PairAttributes.
 */
export interface OperatorAttributes extends UnaryAttributes, PairAttributes {
  /** Cross-correlation of an image with filters, `[N,C,H,W] -> [N,O,H',W']`. */
  Conv: ConvAttributes;
  /** Weight is `[C,O/groups,kh,kw]`. */
  ConvTranspose: ConvAttributes & { readonly outputPadding: Pair };
  /** Inference form. Inputs: x, scale, bias, running mean, running variance (each `[C]`). */
  BatchNormalization: { readonly epsilon: number };
  /** Two inputs, broadcast as in NumPy; so for Sub, Mul, Div. */
  Add: NoAttributes;
  /** First minus second. */
  Sub: NoAttributes;
  /** Product of elements. */
  Mul: NoAttributes;
  /** First over second. */
  Div: NoAttributes;
  /** Greatest element of each window. */
  MaxPool: PoolAttributes;
  /** Dilations are always 1. */
  AveragePool: PoolAttributes & { readonly countIncludePad: boolean };
  /** `[N,C,H,W] -> [N,C,1,1]`. */
  GlobalAveragePool: NoAttributes;
  /** Mean over axes. */
  ReduceMean: ReduceAttributes;
  /** Sum over axes. */
  ReduceSum: ReduceAttributes;
  /** Greatest element over axes. */
  ReduceMax: ReduceAttributes;
  /** `alpha * A' B' + beta * C`; A and B are matrices; C, optional, broadcasts to the product. */
  Gemm: { readonly alpha: number; readonly beta: number; readonly transposeA: boolean; readonly transposeB: boolean };
  /** Products of the last two axes, leading axes broadcast; rank 2 and more. */
  MatMul: NoAttributes;
  /** exp(x) over its sum along one axis. */
  Softmax: { readonly axis: number };
  /** One or more inputs, joined along one axis. */
  Concat: { readonly axis: number };
  /** One output per size, along one axis. */
  Split: { readonly axis: number; readonly sizes: readonly number[] };
  /** One entry per sliced axis, all within bounds: `0 <= start`, `end` exclusive (-1 stands before index 0 for negative steps). */
  Slice: {
    readonly axes: readonly number[];
    readonly starts: readonly number[];
    readonly ends: readonly number[];
    readonly steps: readonly number[];
  };
  /** The full target shape, no 0 or -1. Flatten, Squeeze and Unsqueeze are imported as this. */
  Reshape: { readonly shape: readonly number[] };
  /** Output axis i is input axis `perm[i]`. */
  Transpose: { readonly perm: readonly number[] };
  /**
   * The k greatest elements along an axis (or least), the first of equal ones before the others, and their places (i32). Outputs are as
   * the input but for k along the axis.
   */
  TopK: { readonly axis: number; readonly k: number; readonly largest: boolean };
  /** Elements of the first input at the places along an axis that the second (i32) has; below 0 counted from the end. */
  GatherElements: { readonly axis: number };
  /** Resizes H and W of `[N,C,H,W]`; `scales` is output / input as the model states it (it enters the coordinates). */
  Resize: {
    readonly mode: "nearest" | "linear";
    readonly coordinates: CoordinateMode;
    readonly nearest: NearestMode;
    readonly size: Pair;
    readonly scales: readonly [number, number];
  };
  /** `pads` holds the begin of every axis, then the end of every axis; negative pads are refused. */
  Pad: { readonly mode: "constant" | "reflect" | "edge"; readonly pads: readonly number[]; readonly value: number };
  /**
   * f32 -> i8 or u8: x / scale, rounded half to even, plus the zero point, saturated. Inputs: x, scale, zero point; the zero
   * point, always there, says which type. Both have one number (axis 0 then), or `[C]` along the axis.
   */
  QuantizeLinear: { readonly axis: number };
  /** i8, u8 or i32 -> f32: (x - zero point) * scale. Inputs and axis as QuantizeLinear; the zero point has x's type. */
  DequantizeLinear: { readonly axis: number };
  /** f32 -> u8, scale and zero point (each `[]`) that span the tensor's own range, widened to hold 0. */
  DynamicQuantizeLinear: NoAttributes;
  /**
   * Conv of i8 or u8 less their zero points -> i32; pads stand for the zero point. Inputs: x, weight, zero point of x (one
   * number), zero point of the weight (one number or `[O]`), all always there.
   */
  ConvInteger: ConvAttributes;
  /** MatMul of i8 or u8 less their zero points -> i32. Inputs: a, b, zero point of a (one number), of b (one number or `[N]`). */
  MatMulInteger: NoAttributes;
  /** Another element type; floats lose their fraction, whole numbers wrap. */
  Cast: { readonly to: ElementType };
  /**
   * Weights of one, two or four bits -> f32 of the given shape `[O, ...]`: the level of each packed code times the scale of its output
   * channel (see `packed_weights.ts`). Inputs: packed codes (u8, a list), scale `[O]`. ONNX spells it with a table.
   */
  UnpackWeights: { readonly bits: WeightBits; readonly shape: readonly number[] };

  // Operators of training, without an ONNX form. Inputs of gradients: values of the forward run, then the output's gradient.

  /** Gradient of Conv with respect to its weight. Inputs: x `[N,C,H,W]`, dy `[N,O,H',W']`; `kernel` is the weight's height and width. */
  ConvWeightGradient: ConvAttributes & { readonly kernel: Pair };
  /**
   * BatchNormalization by the mean and (biased) variance of the batch itself. Inputs: x, scale, bias, running mean, running variance.
   * Outputs: y; the batch's mean and 1 / sqrt(variance + epsilon), which the gradient reads; both running averages moved by the share
   * `momentum` towards the batch, the variance towards the unbiased one, as PyTorch does. Each but x and y is `[C]`. With an
   * `activation` y is that of the normalised value, which itself is stored nowhere.
   */
  BatchNormTraining: {
    readonly epsilon: number;
    readonly momentum: number;
    readonly activation?: ActivationAttributes;
  };
  /**
   * Inputs: x, scale, the batch's mean and inverse deviation, dy; with an `activation`, of whose output dy is the gradient then, bias
   * as well. Outputs: gradients of x, scale and bias.
   */
  BatchNormGradient: { readonly activation?: ActivationAttributes };
  /**
   * The y of BatchNormTraining from statistics that are known: activation((x - mean) * inverse deviation * scale + bias). Inputs: x,
   * scale, bias, mean, inverse deviation. Makes an activated map again instead of keeping it (see `train/autodiff/recompute.ts`).
   */
  BatchNormApply: { readonly activation?: ActivationAttributes };
  /**
   * dy times the derivative of an activation with those attributes. Inputs: the activation's input or output, as its row in `unary.ts`
   * says; dy. At a kink the derivative is 0, but 1 for LeakyRelu.
   */
  ActivationGradient: ActivationAttributes;
  /** Inputs: x, dy. Of equal elements of a window the first, by rows, gets the gradient. */
  MaxPoolGradient: PoolAttributes;
  /** Inputs: x, dy. Equal elements share the gradient evenly. */
  ReduceMaxGradient: ReduceAttributes;
  /** dy `[N,C,size]` -> `[N,C,from]`, for a Resize with those attributes. */
  ResizeGradient: OperatorAttributes["Resize"] & { readonly from: Pair };
  /** Inputs: y, dy. y * (dy - sum of y * dy along the axis). */
  SoftmaxGradient: { readonly axis: number };
  /** Loss of a detection head and its gradients; inputs and outputs are named in `detection_loss.ts`. */
  DetectionLoss: DetectionLossAttributes;
  /** Loss of a head with anchors and objectness and its gradients; inputs and outputs are named in `anchor_loss.ts`. */
  AnchorLoss: AnchorLossAttributes;
  /**
   * f32 -> f32, what QuantizeLinear and DequantizeLinear to and from i8 make of x one behind the other:
   * `(clamp(round(x / scale) + zeroPoint, -128, 127) - zeroPoint) * scale`, halves to even. Its gradient is that of the clamp alone, for
   * rounding has none (straight through: Bengio et al. 2013, Jacob et al. 2018).
   */
  FakeQuantize: { readonly scale: number; readonly zeroPoint: number };
  /**
   * Weight `[O, ...]` -> the weight of few levels that it stands for, each output channel by itself. 8 bits: whole numbers to 127 times
   * the greatest weight / 127; 4: whole numbers to 7 times the share of the greatest weight / 7 that has the least square error, of 32
   * shares; 2: -1, 0, 1 times the mean of the weights above 0.7 of the mean (Li et al. 2016); 1: -1, 1 times the mean
   * (Rastegari et al. 2016), means of absolute weights. Its gradient is the output's as it is, straight through.
   */
  FakeQuantizeWeights: { readonly bits: WeightBits | 8 };
  /**
   * f32 -> f32, what a converter gives of an analog number with noise on it: `clamp(round((x / s + sigma * n) / step), low, high) * step * s`,
   * halves to even. s is the scale of the channel (axis 1), one of `scales`, or the only one. n is normal with mean 0 and variance 1, and
   * follows from `seed`, the element's place and the bits of x (see `numbers/counter_normal.ts`): equal runs are equal, and other pictures have
   * other noise. Its gradient is the output's as it is, straight through.
   */
  NoisyQuantize: {
    readonly scales: readonly number[];
    readonly step: number;
    readonly low: number;
    readonly high: number;
    readonly sigma: number;
    readonly seed: number;
  };
}

/** Name of an operator. */
export type Operator = keyof OperatorAttributes;

/** An activation's name and its own attributes. */
export type ActivationAttributes = {
  readonly [K in ActivationOperator]: { readonly activation: K } & OperatorAttributes[K];
}[ActivationOperator];

/** Operators that only training has: no ONNX file holds them. */
export const TRAINING_OPERATORS = [
  "ConvWeightGradient",
  "BatchNormTraining",
  "BatchNormGradient",
  "BatchNormApply",
  "ActivationGradient",
  "MaxPoolGradient",
  "ReduceMaxGradient",
  "ResizeGradient",
  "SoftmaxGradient",
  "DetectionLoss",
  "AnchorLoss",
  "FakeQuantize",
  "FakeQuantizeWeights",
  "NoisyQuantize",
] as const satisfies readonly Operator[];

/** Name of such an operator. */
export type TrainingOperator = typeof TRAINING_OPERATORS[number];

/** Operators of two inputs with NumPy broadcasting. */
export type BinaryOperator = "Add" | "Sub" | "Mul" | "Div" | PairOperator;

/** One node of a graph; a discriminated union over `op`. Absent optional inputs are left off the end of `inputs`. */
export type Node<K extends Operator = Operator> = {
  [P in K]: {
    readonly op: P;
    /** Unique within the graph. */
    readonly name: string;
    readonly inputs: readonly string[];
    readonly outputs: readonly string[];
    readonly attributes: OperatorAttributes[P];
    /**
     * How the attributes follow from the extents of the inputs, where the file states that. It is part of the node and goes where its
     * copies go. One that does not give the attributes that the node has, because a pass has set others, counts for nothing.
     */
    readonly sizeRule?: SizeRule<P>;
  };
}[K];

/** One value for every operator; the compiler asks for each entry. */
export type OperatorTable<Value> = { readonly [K in Operator]: Value };

/** One function for every operator, each handed its own kind of node. */
export type OperatorFunctions<Rest extends readonly unknown[], Result> = {
  readonly [K in Operator]: (node: Node<K>, ...rest: Rest) => Result;
};

/** Calls the table's function for the node. Throws FeatherdetError for an operator outside the union (untyped callers). */
export function dispatch<Rest extends readonly unknown[], Result>(
  table: OperatorFunctions<Rest, Result>,
  node: Node,
  ...rest: Rest
): Result {
  if (!Object.hasOwn(table, node.op)) {
    throw new FeatherdetError("operator is not known", { node: node.name, operator: node.op });
  }
  // The table's type ties each function to its node; the compiler cannot follow that through the union.
  return (table[node.op] as (node: Node, ...rest: Rest) => Result)(node, ...rest);
}
