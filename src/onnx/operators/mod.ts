/**
 * The ONNX operators that become nodes of the graph, by name.
 *
 * @module
 */

import type { OnnxOperator } from "../draft.ts";
import { unpackWeights } from "../packed_weights.ts";
import { concat, expand, gather, pad, slice, split, transpose } from "./arrange.ts";
import { gemm, matMul, reduce } from "./contract.ts";
import {
  batchNormalization,
  binary,
  clip,
  dropout,
  hardSigmoid,
  identity,
  leakyRelu,
  pow,
  softmax,
  unary,
} from "./elementwise.ts";
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
import { averagePool, conv, convTranspose, globalAveragePool, globalMaxPool, maxPool } from "./window.ts";

/** One function per operator of ONNX's default domain. */
export const ONNX_OPERATORS: Readonly<Record<string, OnnxOperator>> = {
  Add: binary("Add"),
  AveragePool: averagePool,
  BatchNormalization: batchNormalization,
  Cast: cast,
  Clip: clip,
  Concat: concat,
  Conv: conv,
  ConvInteger: convInteger,
  ConvTranspose: convTranspose,
  DequantizeLinear: dequantizeLinear,
  Div: binary("Div"),
  Dropout: dropout,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
  Exp: unary("Exp"),
  Expand: expand,
  Flatten: flatten,
  Gather: gather,
  Gemm: gemm,
  GlobalAveragePool: globalAveragePool,
  GlobalMaxPool: globalMaxPool,
  HardSigmoid: hardSigmoid,
  HardSwish: unary("HardSwish"),
  Identity: identity,
  LeakyRelu: leakyRelu,
  Log: unary("Log"),
  MatMul: matMul,
  MatMulInteger: matMulInteger,
  MaxPool: maxPool,
  Mul: binary("Mul"),
  Neg: unary("Neg"),
  Pad: pad,
  Pow: pow,
  QuantizeLinear: quantizeLinear,
  ReduceMax: reduce("ReduceMax", 18),
  ReduceMean: reduce("ReduceMean", 18),
  ReduceSum: reduce("ReduceSum", 13),
  Relu: unary("Relu"),
  Reshape: reshape,
  Resize: resize,
  Sigmoid: unary("Sigmoid"),
  Slice: slice,
  Softmax: softmax,
  Split: split,
  Sqrt: unary("Sqrt"),
  Squeeze: squeeze,
  Sub: binary("Sub"),
  Tanh: unary("Tanh"),
  Transpose: transpose,
  // No operator of ONNX: what the importer puts in the place of those that unpack weights.
  UnpackWeights: unpackWeights,
  Unsqueeze: unsqueeze,
  Upsample: upsample,
};
