/**
 * The ONNX operators that become nodes of the graph, by name.
 *
 * @module
 */

import type { OnnxOperator } from "../draft.ts";
import { unpackWeights } from "../packed_weights.ts";
import { concat, expand, gather, pad, slice, split, transpose } from "./arrange.ts";
import { gemm, matMul, reduce } from "./contract.ts";
import { batchNormalization, binary, clip, dropout, identity, pow, softmax, unaryOperators } from "./elementwise.ts";
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
  ...unaryOperators(),
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
  Expand: expand,
  Flatten: flatten,
  Gather: gather,
  Gemm: gemm,
  GlobalAveragePool: globalAveragePool,
  GlobalMaxPool: globalMaxPool,
  Identity: identity,
  MatMul: matMul,
  MatMulInteger: matMulInteger,
  MaxPool: maxPool,
  Mul: binary("Mul"),
  Pad: pad,
  Pow: pow,
  QuantizeLinear: quantizeLinear,
  ReduceMax: reduce("ReduceMax", 18),
  ReduceMean: reduce("ReduceMean", 18),
  ReduceSum: reduce("ReduceSum", 13),
  Reshape: reshape,
  Resize: resize,
  Slice: slice,
  Softmax: softmax,
  Split: split,
  Squeeze: squeeze,
  Sub: binary("Sub"),
  Transpose: transpose,
  // No operator of ONNX: what the importer puts in the place of those that unpack weights.
  UnpackWeights: unpackWeights,
  Unsqueeze: unsqueeze,
  Upsample: upsample,
};
