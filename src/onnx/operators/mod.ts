/**
 * The ONNX operators that become nodes of the graph, by name.
 *
 * @module
 */

import type { OnnxOperator } from "../draft.ts";
import { unpackWeights } from "../packed_weights.ts";
import { celu, gelu, pRelu, reciprocal, selu, softsign, swish, thresholdedRelu } from "./activations.ts";
import { concat, expand, gather, pad, slice, split, tile, transpose } from "./arrange.ts";
import { argExtreme, gatherElements, topK } from "./choose.ts";
import { depthToSpace, spaceToDepth } from "./blocks.ts";
import {
  gemm,
  matMul,
  reduce,
  reduceL1,
  reduceL2,
  reduceLogSum,
  reduceLogSumExp,
  reduceMin,
  reduceSumSquare,
} from "./contract.ts";
import {
  batchNormalization,
  binary,
  clip,
  dropout,
  identity,
  logSoftmax,
  pow,
  softmax,
  unaryOperators,
} from "./elementwise.ts";
import {
  groupNormalization,
  instanceNormalization,
  layerNormalization,
  lpNormalization,
  meanVarianceNormalization,
  rmsNormalization,
} from "./normalize.ts";
import { comparison, logic, not, variadic, where } from "./pairs.ts";
import { qLinearConv, qLinearMatMul } from "./qlinear.ts";
import {
  cast,
  convInteger,
  dequantizeLinear,
  dynamicQuantizeLinear,
  matMulInteger,
  quantizeLinear,
} from "./quantize.ts";
import { flatten, reshape, squeeze, unsqueeze } from "./reshape.ts";
import { resize, upsample } from "./resize.ts";
import { modulo, quotient } from "./wholes.ts";
import { averagePool, conv, convTranspose, globalAveragePool, globalMaxPool, maxPool } from "./window.ts";

export { QLINEAR_OPERATORS } from "./qlinear.ts";

/** One function per operator of ONNX's default domain. */
export const ONNX_OPERATORS: Readonly<Record<string, OnnxOperator>> = {
  ...unaryOperators(),
  Add: binary("Add"),
  And: logic("And"),
  ArgMax: argExtreme(true),
  ArgMin: argExtreme(false),
  AveragePool: averagePool,
  BatchNormalization: batchNormalization,
  Cast: cast,
  Celu: celu,
  Clip: clip,
  Concat: concat,
  Conv: conv,
  ConvInteger: convInteger,
  ConvTranspose: convTranspose,
  DepthToSpace: depthToSpace,
  DequantizeLinear: dequantizeLinear,
  Div: quotient,
  Dropout: dropout,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
  Equal: comparison("Equal"),
  Expand: expand,
  Flatten: flatten,
  Gather: gather,
  GatherElements: gatherElements,
  Gelu: gelu,
  Gemm: gemm,
  GlobalAveragePool: globalAveragePool,
  GlobalMaxPool: globalMaxPool,
  Greater: comparison("Less", true),
  GreaterOrEqual: comparison("LessOrEqual", true),
  GroupNormalization: groupNormalization,
  Identity: identity,
  InstanceNormalization: instanceNormalization,
  LayerNormalization: layerNormalization,
  Less: comparison("Less"),
  LessOrEqual: comparison("LessOrEqual"),
  LogSoftmax: logSoftmax,
  LpNormalization: lpNormalization,
  MatMul: matMul,
  MatMulInteger: matMulInteger,
  Max: variadic("Max"),
  MaxPool: maxPool,
  Mean: variadic("Add", true),
  MeanVarianceNormalization: meanVarianceNormalization,
  Min: variadic("Min"),
  Mod: modulo,
  Mul: binary("Mul"),
  Not: not,
  Or: logic("Or"),
  PRelu: pRelu,
  Pad: pad,
  Pow: pow,
  QLinearConv: qLinearConv,
  QLinearMatMul: qLinearMatMul,
  QuantizeLinear: quantizeLinear,
  RMSNormalization: rmsNormalization,
  Reciprocal: reciprocal,
  ReduceL1: reduceL1,
  ReduceL2: reduceL2,
  ReduceLogSum: reduceLogSum,
  ReduceLogSumExp: reduceLogSumExp,
  ReduceMax: reduce("ReduceMax", 18),
  ReduceMean: reduce("ReduceMean", 18),
  ReduceMin: reduceMin,
  ReduceSum: reduce("ReduceSum", 13),
  ReduceSumSquare: reduceSumSquare,
  Reshape: reshape,
  Resize: resize,
  Selu: selu,
  Slice: slice,
  Softmax: softmax,
  Softsign: softsign,
  SpaceToDepth: spaceToDepth,
  Split: split,
  Squeeze: squeeze,
  Sub: binary("Sub"),
  Sum: variadic("Add"),
  Swish: swish,
  ThresholdedRelu: thresholdedRelu,
  Tile: tile,
  TopK: topK,
  Transpose: transpose,
  // No operator of ONNX: what the importer puts in the place of those that unpack weights.
  UnpackWeights: unpackWeights,
  Unsqueeze: unsqueeze,
  Upsample: upsample,
  Where: where,
  Xor: logic("Xor"),
};
