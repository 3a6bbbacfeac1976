/**
 * The kernels of every operator, over row memory and over plain tensors.
 *
 * @module
 */

import { eachUnary } from "../graph/unary.ts";
import { concatPlain, padPlain, reshapePlain, slicePlain, splitPlain, transposePlain } from "./arrange_plain.ts";
import { concatBlocked, padBlocked, sliceBlocked, splitBlocked } from "./arrange_blocked.ts";
import { binary } from "./binary.ts";
import type { KernelTable } from "./context.ts";
import { gemmPlain, matMulPlain, reducePlain, softmaxPlain } from "./contract.ts";
import { conv, convTranspose } from "./conv.ts";
import { dequantizeBlocked, quantizeBlocked } from "./int8/quantize.ts";
import { globalAveragePool, pool, reduceBlocked } from "./pool.ts";
import { castPlain, dequantizePlain, dynamicQuantizePlain, quantizePlain } from "./quantize_plain.ts";
import { resize } from "./resize.ts";
import { activationGradient } from "./train/activation_gradient.ts";
import { channelSum, reduceMaxGradient, softmaxGradient } from "./train/contract_gradient.ts";
import { fakeQuantize, fakeQuantizeWeights } from "./train/fake_quantize.ts";
import { noisyQuantize } from "./noisy_quantize.ts";
import { maxPoolGradient, resizeGradient } from "./train/window_gradient.ts";
import { batchNormApply, batchNormGradient, batchNormTraining } from "./train/norm.ts";
import { convWeightGradient } from "./train/conv_weight_gradient.ts";
import { anchorLoss } from "./train/anchor_loss.ts";
import { detectionLoss } from "./train/loss.ts";
import { batchNormalization, unary } from "./unary.ts";
import { eachPair } from "../graph/pairs.ts";
import { gatherElementsPlain, topKPlain } from "./choose_plain.ts";

const reduce = { blocked: reduceBlocked, plain: { kernels: reducePlain } };

/** The exhaustive table of kernels. */
export const KERNELS: KernelTable = {
  Conv: conv,
  ConvTranspose: convTranspose,
  BatchNormalization: batchNormalization,
  ...eachUnary(() => unary),
  Add: binary,
  Sub: binary,
  Mul: binary,
  Div: binary,
  ...eachPair(() => binary),
  MaxPool: pool,
  AveragePool: pool,
  GlobalAveragePool: globalAveragePool,
  ReduceMean: reduce,
  ReduceSum: { ...reduce, mixed: channelSum },
  ReduceMax: reduce,
  Gemm: { plain: { kernels: gemmPlain } },
  MatMul: { plain: { kernels: matMulPlain } },
  Softmax: { plain: { kernels: softmaxPlain } },
  Concat: { blocked: concatBlocked, plain: { kernels: concatPlain } },
  Split: { blocked: splitBlocked, plain: { kernels: splitPlain } },
  Slice: { blocked: sliceBlocked, plain: { kernels: slicePlain } },
  Reshape: { plain: { kernels: reshapePlain } },
  Transpose: { plain: { kernels: transposePlain } },
  TopK: { plain: { kernels: topKPlain } },
  GatherElements: { plain: { kernels: gatherElementsPlain } },
  Resize: resize,
  Pad: { blocked: padBlocked, plain: { kernels: padPlain } },
  QuantizeLinear: { blocked: quantizeBlocked, plain: { kernels: quantizePlain } },
  DequantizeLinear: { blocked: dequantizeBlocked, plain: { kernels: dequantizePlain } },
  DynamicQuantizeLinear: { plain: { kernels: dynamicQuantizePlain } },
  // The planner makes floats of their operands (see `plan/fuse/integer_products.ts`).
  ConvInteger: {},
  MatMulInteger: {},
  Cast: { plain: { kernels: castPlain } },
  // Always of constants, which the planner computes (see docs/low-bit.md).
  UnpackWeights: {},
  ConvWeightGradient: convWeightGradient,
  BatchNormTraining: batchNormTraining,
  BatchNormGradient: batchNormGradient,
  BatchNormApply: batchNormApply,
  ActivationGradient: activationGradient,
  MaxPoolGradient: maxPoolGradient,
  ReduceMaxGradient: reduceMaxGradient,
  ResizeGradient: resizeGradient,
  SoftmaxGradient: softmaxGradient,
  DetectionLoss: { plain: { kernels: detectionLoss } },
  AnchorLoss: { plain: { kernels: anchorLoss } },
  FakeQuantize: fakeQuantize,
  FakeQuantizeWeights: fakeQuantizeWeights,
  NoisyQuantize: noisyQuantize,
};
