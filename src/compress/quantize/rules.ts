/**
 * What quantization makes of every operator.
 *
 * @module
 */

import { eachPair, eachUnary, isActivation, type OperatorTable } from "../../graph/mod.ts";

/**
 * - `layer`: sums products, in int8 where both factors are; its activation and residual sum are computed with it.
 * - `sum`: adds two tensors in int8 where their own scales are known and the result is wanted in int8.
 * - `same`: moves or selects elements: what is int8 before is int8 after, with the same scale.
 * - `activation`: computed with the layer before it, else in float.
 * - `float`: always computed in float.
 */
export type QuantizationRule = "layer" | "sum" | "same" | "activation" | "float";

/** The rule of every operator. Whether a `same` node does move bytes only depends on its attributes too (see `movesBytes`). */
export const QUANTIZATION_RULES: OperatorTable<QuantizationRule> = {
  Conv: "layer",
  ConvTranspose: "layer",
  BatchNormalization: "float",
  ...eachUnary((op) => isActivation(op) ? "activation" : "float"),
  Add: "sum",
  Sub: "float",
  Mul: "float",
  Div: "float",
  ...eachPair(() => "float"),
  MaxPool: "same",
  AveragePool: "float",
  GlobalAveragePool: "float",
  ReduceMean: "float",
  ReduceSum: "float",
  ReduceMax: "float",
  Gemm: "layer",
  MatMul: "layer",
  Softmax: "float",
  Concat: "same",
  Split: "same",
  Slice: "same",
  Reshape: "float",
  Transpose: "float",
  TopK: "float",
  GatherElements: "float",
  Resize: "same",
  Pad: "float",
  QuantizeLinear: "float",
  DequantizeLinear: "float",
  DynamicQuantizeLinear: "float",
  ConvInteger: "float",
  MatMulInteger: "float",
  Cast: "float",
  UnpackWeights: "float",
  ConvWeightGradient: "float",
  BatchNormTraining: "float",
  BatchNormGradient: "float",
  BatchNormApply: "float",
  ActivationGradient: "float",
  MaxPoolGradient: "float",
  ReduceMaxGradient: "float",
  ResizeGradient: "float",
  SoftmaxGradient: "float",
  DetectionLoss: "float",
  AnchorLoss: "float",
  FakeQuantize: "float",
  FakeQuantizeWeights: "float",
  NoisyQuantize: "float",
};
