/**
 * Small nodes of every operator over rank 4 where the operator takes it, for tests that look at all operators alike.
 *
 * @module
 */

import type { ElementType, Shape } from "../../src/graph/graph.ts";
import type { Node, Operator, OperatorAttributes, OperatorTable } from "../../src/graph/operators.ts";
import { eachUnary } from "../../src/graph/unary.ts";
import { node, PLAIN } from "./tiny_graph.ts";
import { UNARY_CASES, unaryNode } from "./unary_cases.ts";

/** A node and what it reads. */
export interface OperatorSample {
  readonly node: Node;
  /** Of each input. */
  readonly shapes: readonly Shape[];
  /** Positions of the inputs that are data; the others are weights, statistics, scales, zero points. */
  readonly data: readonly number[];
  /** Types of inputs that are no floats. */
  readonly types: Readonly<Record<number, ElementType>>;
  /** Positions of inputs that have to be positive. */
  readonly positive: readonly number[];
  /** Positions of inputs that hold whole numbers, zeros among them, as floats. */
  readonly steps?: readonly number[];
  /** Range of data. */
  readonly range: readonly [low: number, high: number];
}

const X: Shape = [2, 3, 5, 7];
const names = ["a", "b", "c", "d", "e", "f"];

function sample<K extends Operator>(
  op: K,
  shapes: readonly Shape[],
  attributes: OperatorAttributes[K],
  more: Partial<OperatorSample> & { readonly outputs?: readonly string[] } = {},
): OperatorSample {
  const { outputs = ["y"], ...rest } = more;
  const made = node(op, names.slice(0, shapes.length), outputs, attributes);
  return { node: made, shapes, data: [0], types: {}, positive: [], range: [-2, 2], ...rest };
}

const BOTH = { data: [0, 1] } as const;
const CONV = { ...PLAIN, groups: 1 } as const;
const POOL = { ...PLAIN, kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], ceilMode: false } as const;
const SPATIAL = { axes: [2, 3], keepDims: true } as const;
const DROPPED = { axes: [0], keepDims: false } as const;
const AXES = { axes: [1, 3], keepDims: true } as const;
const RESIZE = { coordinates: "asymmetric", nearest: "floor", size: [10, 14], scales: [2, 2] } as const;
const VECTORS: readonly Shape[] = [[3], [3], [3], [3]];
const QUANTIZED = { types: { 2: "i8" }, positive: [1] } as const;
/** Few enough whole numbers that three times as many are bytes. */
const BYTES = [-40, 40] as const;

/** At least one node of every operator, but for the loss, whose inputs are no arrays of like numbers. */
export const OPERATOR_SAMPLES: OperatorTable<readonly OperatorSample[]> = {
  Conv: [sample("Conv", [X, [4, 3, 3, 3]], CONV), sample("Conv", [X, [4, 3, 3, 3], [4]], CONV)],
  ConvTranspose: [
    sample("ConvTranspose", [X, [3, 4, 2, 2]], { ...CONV, strides: [2, 2], outputPadding: [0, 0] }),
    sample("ConvTranspose", [X, [3, 4, 2, 2], [4]], { ...CONV, strides: [2, 2], outputPadding: [0, 0] }),
  ],
  BatchNormalization: [sample("BatchNormalization", [X, ...VECTORS], { epsilon: 1e-3 }, { positive: [4] })],
  ...eachUnary((op) =>
    UNARY_CASES.filter((one) => one.op === op && !(one.attributes.min === -Infinity && one.attributes.max === Infinity))
      .map((one) => ({ node: unaryNode(one), shapes: [X], data: [0], types: {}, positive: [], range: one.range }))
  ),
  Add: [sample("Add", [X, X], {}, BOTH), sample("Add", [X, [3, 1, 7]], {}, BOTH)],
  Sub: [sample("Sub", [X, X], {}, BOTH), sample("Sub", [X, [3, 1, 1]], {}, BOTH)],
  Mul: [sample("Mul", [X, X], {}, BOTH), sample("Mul", [X, [3, 1, 1]], {}, BOTH)],
  Div: [sample("Div", [X, X], {}, { ...BOTH, positive: [1] })],
  Max: [sample("Max", [X, X], {}, BOTH), sample("Max", [X, [3, 1, 1]], {}, BOTH)],
  Min: [sample("Min", [X, X], {}, BOTH), sample("Min", [X, [3, 1, 1]], {}, BOTH)],
  Pow: [sample("Pow", [X, X], {}, { ...BOTH, positive: [0] })],
  Less: [sample("Less", [X, X], {}, { ...BOTH, steps: [0, 1], range: [-4, 4] })],
  LessOrEqual: [sample("LessOrEqual", [X, X], {}, { ...BOTH, steps: [0, 1], range: [-4, 4] })],
  Equal: [sample("Equal", [X, X], {}, { ...BOTH, steps: [0, 1], range: [-4, 4] })],
  Mask: [
    sample("Mask", [X, X], {}, { ...BOTH, steps: [0] }),
    sample("Mask", [[3, 1, 1], X], {}, { ...BOTH, steps: [0] }),
  ],
  MaxPool: [sample("MaxPool", [X], POOL)],
  AveragePool: [sample("AveragePool", [X], { ...POOL, countIncludePad: false })],
  GlobalAveragePool: [sample("GlobalAveragePool", [X], {})],
  ReduceMean: [sample("ReduceMean", [X], SPATIAL), sample("ReduceMean", [X], AXES), sample("ReduceMean", [X], DROPPED)],
  ReduceSum: [sample("ReduceSum", [X], SPATIAL), sample("ReduceSum", [X], AXES), sample("ReduceSum", [X], DROPPED)],
  ReduceMax: [sample("ReduceMax", [X], SPATIAL), sample("ReduceMax", [X], AXES), sample("ReduceMax", [X], DROPPED)],
  Gemm: [
    sample("Gemm", [[5, 3], [3, 4]], { alpha: 1, beta: 1, transposeA: false, transposeB: false }, BOTH),
    sample("Gemm", [[5, 3], [3, 4], [4]], { alpha: 1, beta: 1, transposeA: false, transposeB: false }, BOTH),
  ],
  MatMul: [
    sample("MatMul", [[5, 4], [4, 7]], {}, BOTH),
    sample("MatMul", [[2, 5, 4], [2, 4, 7]], {}, BOTH),
  ],
  Softmax: [sample("Softmax", [X], { axis: 1 })],
  Concat: [sample("Concat", [X, [2, 4, 5, 7]], { axis: 1 }, BOTH)],
  Split: [sample("Split", [[2, 8, 5, 7]], { axis: 1, sizes: [4, 4] }, { outputs: ["y", "z"] })],
  Slice: [sample("Slice", [[2, 8, 5, 7]], { axes: [1], starts: [4], ends: [8], steps: [1] })],
  Reshape: [sample("Reshape", [X], { shape: [2, 15, 7, 1] })],
  TopK: [
    sample("TopK", [X], { axis: 3, k: 4, largest: true }, { outputs: ["y", "places"] }),
    sample("TopK", [X], { axis: 1, k: 2, largest: false }, { outputs: ["y", "places"] }),
  ],
  GatherElements: [sample("GatherElements", [[2, 3, 11, 7], [2, 3, 2, 7]], { axis: 2 }, { types: { 1: "i32" } })],
  Transpose: [sample("Transpose", [X], { perm: [0, 2, 3, 1] })],
  Resize: [
    sample("Resize", [X], { ...RESIZE, mode: "nearest" }),
    sample("Resize", [X], { ...RESIZE, mode: "linear" }),
  ],
  Pad: [
    sample("Pad", [X], { mode: "constant", pads: [0, 1, 1, 2, 0, 0, 0, 1], value: 0 }),
    sample("Pad", [X], { mode: "constant", pads: [0, 1, 1, 2, 0, 0, 0, 1], value: 0.5 }),
    sample("Pad", [X], { mode: "edge", pads: [0, 1, 1, 2, 0, 0, 0, 1], value: 0.5 }),
  ],
  QuantizeLinear: [sample("QuantizeLinear", [X, [], []], { axis: 0 }, QUANTIZED)],
  DequantizeLinear: [
    sample("DequantizeLinear", [X, [], []], { axis: 0 }, { ...QUANTIZED, types: { 0: "i8", 2: "i8" }, range: BYTES }),
  ],
  DynamicQuantizeLinear: [sample("DynamicQuantizeLinear", [X], {}, { outputs: ["y", "scale", "zero"] })],
  ConvInteger: [
    sample("ConvInteger", [X, [4, 3, 3, 3], [], []], CONV, {
      types: { 0: "i8", 1: "i8", 2: "i8", 3: "i8" },
      range: BYTES,
    }),
  ],
  MatMulInteger: [
    sample("MatMulInteger", [[5, 3], [3, 4], [], []], {}, {
      types: { 0: "i8", 1: "i8", 2: "i8", 3: "i8" },
      range: BYTES,
    }),
  ],
  Cast: [sample("Cast", [X], { to: "f32" }), sample("Cast", [X], { to: "i8" }, { range: [-300, 300] })],
  UnpackWeights: [
    sample("UnpackWeights", [[27], [4]], { bits: 2, shape: [4, 3, 3, 3] }, { types: { 0: "u8" }, data: [] }),
  ],
  ConvWeightGradient: [sample("ConvWeightGradient", [X, [2, 4, 3, 5]], { ...CONV, kernel: [3, 3] }, BOTH)],
  BatchNormTraining: [
    sample("BatchNormTraining", [X, ...VECTORS], { epsilon: 1e-3, momentum: 0.1 }, {
      positive: [4],
      outputs: ["y", "mean", "inverse", "newMean", "newVariance"],
    }),
  ],
  BatchNormGradient: [
    sample("BatchNormGradient", [X, [3], [3], [3], X], {}, { data: [0, 4], outputs: ["dx", "dScale", "dBias"] }),
  ],
  BatchNormApply: [sample("BatchNormApply", [X, ...VECTORS], {})],
  ActivationGradient: [sample("ActivationGradient", [X, X], { activation: "Silu" }, BOTH)],
  MaxPoolGradient: [sample("MaxPoolGradient", [X, [2, 3, 3, 4]], POOL, BOTH)],
  ReduceMaxGradient: [sample("ReduceMaxGradient", [X, [2, 1, 5, 1]], AXES, BOTH)],
  ResizeGradient: [sample("ResizeGradient", [[2, 3, 10, 14]], { ...RESIZE, mode: "linear", from: [5, 7] })],
  SoftmaxGradient: [sample("SoftmaxGradient", [X, X], { axis: 1 }, BOTH)],
  DetectionLoss: [],
  AnchorLoss: [],
  FakeQuantize: [sample("FakeQuantize", [X], { scale: 0.25, zeroPoint: 3 })],
  NoisyQuantize: [
    sample("NoisyQuantize", [X], { scales: [1, 0.5, 2], step: 0.1, low: -8, high: 7, sigma: 0, seed: 1 }),
  ],
  FakeQuantizeWeights: ([8, 2, 1] as const).map((bits) => sample("FakeQuantizeWeights", [[4, 3, 3, 3]], { bits })),
};
