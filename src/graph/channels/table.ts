/**
 * CHANNELS: how the channels of an operator's outputs hang together with those of its inputs and constants.
 *
 * @module
 */

import type { OperatorFunctions } from "../operators.ts";
import { eachUnary } from "../unary.ts";
import { concat, pad, reshape, slice, split, transpose } from "./arrange.ts";
import { gemm, matMul, reduce } from "./contract.ts";
import { batchNormalization, binary, softmax, unary } from "./elementwise.ts";
import { chosen, quantized, training } from "./mixed.ts";
import type { ChannelTracker } from "./tracker.ts";
import { averagePool, convolution, globalAveragePool, maxPool, resize } from "./window.ts";
import { eachPair } from "../pairs.ts";

/** The channel rule of every operator. */
export const CHANNELS: OperatorFunctions<[channels: ChannelTracker], void> = {
  Conv: convolution,
  ConvTranspose: convolution,
  BatchNormalization: batchNormalization,
  ...eachUnary(() => unary),
  Add: binary,
  Sub: binary,
  Mul: binary,
  Div: binary,
  ...eachPair(() => binary),
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: globalAveragePool,
  ReduceMean: reduce,
  ReduceSum: reduce,
  ReduceMax: reduce,
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
  Cast: quantized,
  UnpackWeights: quantized,
  ConvWeightGradient: training,
  BatchNormTraining: training,
  BatchNormGradient: training,
  BatchNormApply: training,
  ActivationGradient: training,
  MaxPoolGradient: training,
  ReduceMaxGradient: training,
  ResizeGradient: training,
  SoftmaxGradient: training,
  DetectionLoss: training,
  AnchorLoss: training,
  FakeQuantize: training,
  FakeQuantizeWeights: training,
  NoisyQuantize: training,
};
