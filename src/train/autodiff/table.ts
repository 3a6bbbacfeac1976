/**
 * The gradient rule of every operator.
 *
 * @module
 */

import {
  dispatch,
  eachActivation,
  type Node,
  type Operator,
  type OperatorFunctions,
  type OperatorTable,
} from "../../graph/mod.ts";
import { cast, concat, pad, reshape, slice, split, transpose } from "./arrange.ts";
import { gemm, matMul, reduceMax, reduceMean, reduceSum } from "./contract.ts";
import { conv, convTranspose } from "./conv.ts";
import {
  activation,
  add,
  div,
  exp,
  flat,
  greatest,
  least,
  log,
  mask,
  mul,
  neg,
  softmax,
  sqrt,
  sub,
} from "./elementwise.ts";
import { fakeQuantize, fakeQuantizeWeights, noisyQuantize } from "./fake_quantize.ts";
import { batchNormalization, batchNormTraining } from "./norm.ts";
import { type GradientRequest, notDifferentiable } from "./rule.ts";
import { averagePool, globalAveragePool, maxPool, resize } from "./window.ts";

const quantized = notDifferentiable("rounding has no slope; quantize after training");
const power = notDifferentiable("the gradient of a power is not there; spell it in products and roots");
const chosen = notDifferentiable("which elements are chosen has no slope");
const second = notDifferentiable("it is part of a gradient itself, and gradients of gradients are not supported");

const RULES: OperatorFunctions<[request: GradientRequest], readonly (string | undefined)[]> = {
  Conv: conv,
  ConvTranspose: convTranspose,
  BatchNormalization: batchNormalization,
  ...eachActivation(activation),
  Exp: exp,
  Log: log,
  Sqrt: sqrt,
  Neg: neg,
  Add: add,
  Sub: sub,
  Mul: mul,
  Div: div,
  Max: greatest,
  Min: least,
  Pow: power,
  Less: flat,
  LessOrEqual: flat,
  Equal: flat,
  Mask: mask,
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: globalAveragePool,
  ReduceMean: reduceMean,
  ReduceSum: reduceSum,
  ReduceMax: reduceMax,
  Gemm: gemm,
  MatMul: matMul,
  Softmax: softmax,
  Concat: concat,
  Split: split,
  Slice: slice,
  Reshape: reshape,
  Transpose: transpose,
  TopK: chosen,
  GatherElements: chosen,
  Resize: resize,
  Pad: pad,
  QuantizeLinear: quantized,
  DequantizeLinear: quantized,
  DynamicQuantizeLinear: quantized,
  ConvInteger: quantized,
  MatMulInteger: quantized,
  Cast: cast,
  UnpackWeights: quantized,
  ConvWeightGradient: second,
  BatchNormTraining: batchNormTraining,
  BatchNormGradient: second,
  BatchNormApply: second,
  ActivationGradient: second,
  MaxPoolGradient: second,
  ReduceMaxGradient: second,
  ResizeGradient: second,
  SoftmaxGradient: second,
  DetectionLoss: second,
  AnchorLoss: second,
  FakeQuantize: fakeQuantize,
  FakeQuantizeWeights: fakeQuantizeWeights,
  NoisyQuantize: noisyQuantize,
};

/** Whether gradients go through an operator. */
export function isDifferentiable(operator: Operator): boolean {
  const rule: unknown = (RULES as OperatorTable<unknown>)[operator];
  return rule !== quantized && rule !== second && rule !== power && rule !== chosen;
}

/**
 * Writes the gradients of a node's inputs and returns their names, undefined if there is none. Throws FeatherdetError for an
 * operator through which no gradient goes.
 */
export function gradientsOf(node: Node, request: GradientRequest): readonly (string | undefined)[] {
  return dispatch(RULES, node, request);
}
