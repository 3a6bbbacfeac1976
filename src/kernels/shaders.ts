/**
 * Every shader of the program by its path below `shaders/`, as the linker wants them.
 *
 * @module
 */

import type { ShaderLibrary } from "../gpu/linker.ts";
import channelStatistics from "../../shaders/attention/channel_statistics.wgsl" with { type: "text" };
import selfAttention from "../../shaders/attention/self_attention.wgsl" with { type: "text" };
import simam from "../../shaders/attention/simam.wgsl" with { type: "text" };
import spatialGate from "../../shaders/attention/spatial_gate.wgsl" with { type: "text" };
import squeezeExcite from "../../shaders/attention/squeeze_excite.wgsl" with { type: "text" };
import convDepthwise from "../../shaders/conv/depthwise.wgsl" with { type: "text" };
import convDepthwiseTransposed from "../../shaders/conv/depthwise_transposed.wgsl" with { type: "text" };
import convDirect from "../../shaders/conv/direct.wgsl" with { type: "text" };
import convGeneral from "../../shaders/conv/general.wgsl" with { type: "text" };
import convShared from "../../shaders/conv/shared.wgsl" with { type: "text" };
import convSplit from "../../shaders/conv/split.wgsl" with { type: "text" };
import convWinograd from "../../shaders/conv/winograd.wgsl" with { type: "text" };
import convLight from "../../shaders/conv/light.wgsl" with { type: "text" };
import convTransposed from "../../shaders/conv/transposed.wgsl" with { type: "text" };
import detectCandidates from "../../shaders/detect/candidates.wgsl" with { type: "text" };
import detectDfl from "../../shaders/detect/dfl.wgsl" with { type: "text" };
import detectHead from "../../shaders/detect/head.wgsl" with { type: "text" };
import detectLetterbox from "../../shaders/detect/letterbox.wgsl" with { type: "text" };
import detectOutput from "../../shaders/detect/output.wgsl" with { type: "text" };
import detectSuppress from "../../shaders/detect/suppress.wgsl" with { type: "text" };
import detectTensor from "../../shaders/detect/tensor.wgsl" with { type: "text" };
import int8ConvDepthwise from "../../shaders/int8/conv_depthwise.wgsl" with { type: "text" };
import int8ConvDirect from "../../shaders/int8/conv_direct.wgsl" with { type: "text" };
import int8ConvGeneral from "../../shaders/int8/conv_general.wgsl" with { type: "text" };
import int8ConvWinograd from "../../shaders/int8/conv_winograd.wgsl" with { type: "text" };
import int8Table from "../../shaders/int8/table.wgsl" with { type: "text" };
import activate from "../../shaders/lib/activate.wgsl" with { type: "text" };
import activation from "../../shaders/lib/activation.wgsl" with { type: "text" };
import entry from "../../shaders/lib/entry.wgsl" with { type: "text" };
import epilogueParams from "../../shaders/lib/epilogue_params.wgsl" with { type: "text" };
import windowParams from "../../shaders/lib/window_params.wgsl" with { type: "text" };
import epilogue from "../../shaders/lib/epilogue.wgsl" with { type: "text" };
import input from "../../shaders/lib/input.wgsl" with { type: "text" };
import int8 from "../../shaders/lib/int8.wgsl" with { type: "text" };
import int8Sums from "../../shaders/lib/int8_sums.wgsl" with { type: "text" };
import int8Weights from "../../shaders/lib/int8_weights.wgsl" with { type: "text" };
import int8PlainRange from "../../shaders/int8/plain_range.wgsl" with { type: "text" };
import int8PlainScale from "../../shaders/int8/plain_scale.wgsl" with { type: "text" };
import int8PlainWhole from "../../shaders/int8/plain_whole.wgsl" with { type: "text" };
import linear from "../../shaders/lib/linear.wgsl" with { type: "text" };
import packWeights from "../../shaders/lib/low_bit_weights.wgsl" with { type: "text" };
import joinedLayer from "../../shaders/lib/joined_layer.wgsl" with { type: "text" };
import joinedTile from "../../shaders/lib/joined_tile.wgsl" with { type: "text" };
import joinedRow from "../../shaders/lib/joined_row.wgsl" with { type: "text" };
import lowBitWords from "../../shaders/lib/low_bit_words.wgsl" with { type: "text" };
import operation from "../../shaders/lib/operation.wgsl" with { type: "text" };
import output from "../../shaders/lib/output.wgsl" with { type: "text" };
import params from "../../shaders/lib/params.wgsl" with { type: "text" };
import picture from "../../shaders/lib/picture.wgsl" with { type: "text" };
import pictureParams from "../../shaders/lib/picture_params.wgsl" with { type: "text" };
import planeTile from "../../shaders/lib/plane_tile.wgsl" with { type: "text" };
import requantize from "../../shaders/lib/requantize.wgsl" with { type: "text" };
import storage from "../../shaders/lib/storage.wgsl" with { type: "text" };
import strip from "../../shaders/lib/strip.wgsl" with { type: "text" };
import team from "../../shaders/lib/team.wgsl" with { type: "text" };
import teamCombined from "../../shaders/lib/team_combined.wgsl" with { type: "text" };
import tile from "../../shaders/lib/tile.wgsl" with { type: "text" };
import walk from "../../shaders/lib/walk.wgsl" with { type: "text" };
import weights from "../../shaders/lib/weights.wgsl" with { type: "text" };
import weightsOut from "../../shaders/lib/weights_out.wgsl" with { type: "text" };
import window from "../../shaders/lib/window.wgsl" with { type: "text" };
import winogradRow from "../../shaders/lib/winograd_row.wgsl" with { type: "text" };
import winogradWeights from "../../shaders/lib/winograd_weights.wgsl" with { type: "text" };
import trainAccumulate from "../../shaders/train/accumulate.wgsl" with { type: "text" };
import trainGradientNorm from "../../shaders/train/gradient_norm.wgsl" with { type: "text" };
import trainGradientNormTotal from "../../shaders/train/gradient_norm_total.wgsl" with { type: "text" };
import trainStatistics from "../../shaders/train/statistics.wgsl" with { type: "text" };
import trainUpdate from "../../shaders/train/update.wgsl" with { type: "text" };
import trainPackWeights from "../../shaders/train/pack_weights.wgsl" with { type: "text" };
import binary from "../../shaders/tensor/binary.wgsl" with { type: "text" };
import gather from "../../shaders/tensor/gather.wgsl" with { type: "text" };
import join from "../../shaders/tensor/join.wgsl" with { type: "text" };
import noisyQuantize from "../../shaders/tensor/noisy_quantize.wgsl" with { type: "text" };
import plainNoisyQuantize from "../../shaders/tensor/plain_noisy_quantize.wgsl" with { type: "text" };
import counterNormal from "../../shaders/lib/counter_normal.wgsl" with { type: "text" };
import plainBinary from "../../shaders/tensor/plain_binary.wgsl" with { type: "text" };
import plainCopy from "../../shaders/tensor/plain_copy.wgsl" with { type: "text" };
import plainMatmul from "../../shaders/tensor/plain_matmul.wgsl" with { type: "text" };
import plainPad from "../../shaders/tensor/plain_pad.wgsl" with { type: "text" };
import plainReduce from "../../shaders/tensor/plain_reduce.wgsl" with { type: "text" };
import plainGather from "../../shaders/tensor/plain_gather.wgsl" with { type: "text" };
import plainTopK from "../../shaders/tensor/plain_top_k.wgsl" with { type: "text" };
import plainSoftmax from "../../shaders/tensor/plain_softmax.wgsl" with { type: "text" };
import plainUnary from "../../shaders/tensor/plain_unary.wgsl" with { type: "text" };
import pool from "../../shaders/tensor/pool.wgsl" with { type: "text" };
import poolChain from "../../shaders/tensor/pool_chain.wgsl" with { type: "text" };
import poolChannels from "../../shaders/tensor/pool_channels.wgsl" with { type: "text" };
import poolFlat from "../../shaders/tensor/pool_flat.wgsl" with { type: "text" };
import poolGlobal from "../../shaders/tensor/pool_global.wgsl" with { type: "text" };
import rangeCheck from "../../shaders/tensor/range_check.wgsl" with { type: "text" };
import resize from "../../shaders/tensor/resize.wgsl" with { type: "text" };
import shuffle from "../../shaders/tensor/shuffle.wgsl" with { type: "text" };
import toBlocked from "../../shaders/tensor/to_blocked.wgsl" with { type: "text" };
import toPlain from "../../shaders/tensor/to_plain.wgsl" with { type: "text" };
import unary from "../../shaders/tensor/unary.wgsl" with { type: "text" };
import trainConvWeightGradient from "../../shaders/train/conv_weight_gradient.wgsl" with { type: "text" };
import trainConvWeightGradientDepthwise from "../../shaders/train/conv_weight_gradient_depthwise.wgsl" with {
  type: "text",
};
import trainConvWeightGradientGeneral from "../../shaders/train/conv_weight_gradient_general.wgsl" with {
  type: "text",
};
import trainSumCopies from "../../shaders/train/sum_copies.wgsl" with { type: "text" };
import derivative from "../../shaders/lib/derivative.wgsl" with { type: "text" };
import eachPixel from "../../shaders/lib/each_pixel.wgsl" with { type: "text" };
import part from "../../shaders/lib/part.wgsl" with { type: "text" };
import vector from "../../shaders/lib/vector.wgsl" with { type: "text" };
import trainAnchorCounts from "../../shaders/train/anchor_counts.wgsl" with { type: "text" };
import trainAnchorGradient from "../../shaders/train/anchor_gradient.wgsl" with { type: "text" };
import trainAnchorMatch from "../../shaders/train/anchor_match.wgsl" with { type: "text" };
import trainAnchorPredictor from "../../shaders/train/anchor_predictor.wgsl" with { type: "text" };
import trainBatchNormApply from "../../shaders/train/batch_norm_apply.wgsl" with { type: "text" };
import trainBatchNormGradient from "../../shaders/train/batch_norm_gradient.wgsl" with { type: "text" };
import trainBatchNormStatistics from "../../shaders/train/batch_norm_statistics.wgsl" with { type: "text" };
import trainChannelPartials from "../../shaders/train/channel_partials.wgsl" with { type: "text" };
import trainChannelTotals from "../../shaders/train/channel_totals.wgsl" with { type: "text" };
import trainNormalised from "../../shaders/train/normalised.wgsl" with { type: "text" };
import trainLossBoxes from "../../shaders/train/loss_boxes.wgsl" with { type: "text" };
import trainLossBoxGradient from "../../shaders/train/loss_box_gradient.wgsl" with { type: "text" };
import trainLossCell from "../../shaders/train/loss_cell.wgsl" with { type: "text" };
import trainLossClaim from "../../shaders/train/loss_claim.wgsl" with { type: "text" };
import trainLossClassGradient from "../../shaders/train/loss_class_gradient.wgsl" with { type: "text" };
import trainLossCrossEntropy from "../../shaders/train/loss_cross_entropy.wgsl" with { type: "text" };
import trainLossDecode from "../../shaders/train/loss_decode.wgsl" with { type: "text" };
import trainLossDistribution from "../../shaders/train/loss_distribution.wgsl" with { type: "text" };
import trainLossImages from "../../shaders/train/loss_images.wgsl" with { type: "text" };
import trainLossMetric from "../../shaders/train/loss_metric.wgsl" with { type: "text" };
import trainLossNormaliser from "../../shaders/train/loss_normaliser.wgsl" with { type: "text" };
import trainLossOverlap from "../../shaders/train/loss_overlap.wgsl" with { type: "text" };
import trainLossResolve from "../../shaders/train/loss_resolve.wgsl" with { type: "text" };
import trainLossTargets from "../../shaders/train/loss_targets.wgsl" with { type: "text" };
import trainLossTotal from "../../shaders/train/loss_total.wgsl" with { type: "text" };
import trainActivationGradient from "../../shaders/train/activation_gradient.wgsl" with { type: "text" };
import trainMaxPoolGradient from "../../shaders/train/max_pool_gradient.wgsl" with { type: "text" };
import trainMaxPoolGradientFlat from "../../shaders/train/max_pool_gradient_flat.wgsl" with { type: "text" };
import trainPlainActivationGradient from "../../shaders/train/plain_activation_gradient.wgsl" with { type: "text" };
import trainPlainReduceMaxGradient from "../../shaders/train/plain_reduce_max_gradient.wgsl" with { type: "text" };
import trainFakeQuantizeWeights from "../../shaders/train/fake_quantize_weights.wgsl" with { type: "text" };
import trainPlainSoftmaxGradient from "../../shaders/train/plain_softmax_gradient.wgsl" with { type: "text" };
import trainResizeGradient from "../../shaders/train/resize_gradient.wgsl" with { type: "text" };

/** The shader library. */
export const SHADERS: ShaderLibrary = {
  "attention/channel_statistics.wgsl": channelStatistics,
  "attention/self_attention.wgsl": selfAttention,
  "attention/simam.wgsl": simam,
  "attention/spatial_gate.wgsl": spatialGate,
  "attention/squeeze_excite.wgsl": squeezeExcite,
  "conv/depthwise.wgsl": convDepthwise,
  "conv/depthwise_transposed.wgsl": convDepthwiseTransposed,
  "conv/direct.wgsl": convDirect,
  "conv/general.wgsl": convGeneral,
  "conv/light.wgsl": convLight,
  "conv/transposed.wgsl": convTransposed,
  "conv/shared.wgsl": convShared,
  "conv/split.wgsl": convSplit,
  "conv/winograd.wgsl": convWinograd,
  "detect/candidates.wgsl": detectCandidates,
  "detect/dfl.wgsl": detectDfl,
  "detect/head.wgsl": detectHead,
  "detect/letterbox.wgsl": detectLetterbox,
  "detect/output.wgsl": detectOutput,
  "detect/suppress.wgsl": detectSuppress,
  "detect/tensor.wgsl": detectTensor,
  "int8/conv_depthwise.wgsl": int8ConvDepthwise,
  "int8/conv_direct.wgsl": int8ConvDirect,
  "int8/conv_general.wgsl": int8ConvGeneral,
  "int8/conv_winograd.wgsl": int8ConvWinograd,
  "int8/plain_range.wgsl": int8PlainRange,
  "int8/plain_scale.wgsl": int8PlainScale,
  "int8/plain_whole.wgsl": int8PlainWhole,
  "int8/table.wgsl": int8Table,
  "lib/activate.wgsl": activate,
  "lib/activation.wgsl": activation,
  "lib/entry.wgsl": entry,
  "lib/epilogue.wgsl": epilogue,
  "lib/epilogue_params.wgsl": epilogueParams,
  "lib/window_params.wgsl": windowParams,
  "lib/input.wgsl": input,
  "lib/int8.wgsl": int8,
  "lib/int8_sums.wgsl": int8Sums,
  "lib/int8_weights.wgsl": int8Weights,
  "lib/joined_layer.wgsl": joinedLayer,
  "lib/joined_row.wgsl": joinedRow,
  "lib/joined_tile.wgsl": joinedTile,
  "lib/linear.wgsl": linear,
  "lib/low_bit_weights.wgsl": packWeights,
  "lib/low_bit_words.wgsl": lowBitWords,
  "lib/operation.wgsl": operation,
  "lib/output.wgsl": output,
  "lib/params.wgsl": params,
  "lib/picture.wgsl": picture,
  "lib/picture_params.wgsl": pictureParams,
  "lib/plane_tile.wgsl": planeTile,
  "lib/requantize.wgsl": requantize,
  "lib/storage.wgsl": storage,
  "lib/strip.wgsl": strip,
  "lib/team.wgsl": team,
  "lib/team_combined.wgsl": teamCombined,
  "lib/tile.wgsl": tile,
  "lib/walk.wgsl": walk,
  "lib/weights.wgsl": weights,
  "lib/weights_out.wgsl": weightsOut,
  "lib/window.wgsl": window,
  "lib/winograd_row.wgsl": winogradRow,
  "lib/winograd_weights.wgsl": winogradWeights,
  "train/accumulate.wgsl": trainAccumulate,
  "train/gradient_norm.wgsl": trainGradientNorm,
  "train/gradient_norm_total.wgsl": trainGradientNormTotal,
  "train/statistics.wgsl": trainStatistics,
  "train/update.wgsl": trainUpdate,
  "train/pack_weights.wgsl": trainPackWeights,
  "tensor/binary.wgsl": binary,
  "tensor/gather.wgsl": gather,
  "tensor/join.wgsl": join,
  "tensor/noisy_quantize.wgsl": noisyQuantize,
  "tensor/plain_noisy_quantize.wgsl": plainNoisyQuantize,
  "lib/counter_normal.wgsl": counterNormal,
  "tensor/plain_binary.wgsl": plainBinary,
  "tensor/plain_copy.wgsl": plainCopy,
  "tensor/plain_matmul.wgsl": plainMatmul,
  "tensor/plain_pad.wgsl": plainPad,
  "tensor/plain_reduce.wgsl": plainReduce,
  "tensor/plain_gather.wgsl": plainGather,
  "tensor/plain_top_k.wgsl": plainTopK,
  "tensor/plain_softmax.wgsl": plainSoftmax,
  "tensor/plain_unary.wgsl": plainUnary,
  "tensor/pool.wgsl": pool,
  "tensor/pool_chain.wgsl": poolChain,
  "tensor/pool_channels.wgsl": poolChannels,
  "tensor/pool_flat.wgsl": poolFlat,
  "tensor/pool_global.wgsl": poolGlobal,
  "tensor/range_check.wgsl": rangeCheck,
  "tensor/resize.wgsl": resize,
  "tensor/shuffle.wgsl": shuffle,
  "tensor/to_blocked.wgsl": toBlocked,
  "tensor/to_plain.wgsl": toPlain,
  "tensor/unary.wgsl": unary,
  "train/conv_weight_gradient.wgsl": trainConvWeightGradient,
  "train/conv_weight_gradient_depthwise.wgsl": trainConvWeightGradientDepthwise,
  "train/conv_weight_gradient_general.wgsl": trainConvWeightGradientGeneral,
  "train/sum_copies.wgsl": trainSumCopies,
  "lib/derivative.wgsl": derivative,
  "lib/each_pixel.wgsl": eachPixel,
  "lib/part.wgsl": part,
  "lib/vector.wgsl": vector,
  "train/anchor_counts.wgsl": trainAnchorCounts,
  "train/anchor_gradient.wgsl": trainAnchorGradient,
  "train/anchor_match.wgsl": trainAnchorMatch,
  "train/anchor_predictor.wgsl": trainAnchorPredictor,
  "train/batch_norm_apply.wgsl": trainBatchNormApply,
  "train/batch_norm_gradient.wgsl": trainBatchNormGradient,
  "train/batch_norm_statistics.wgsl": trainBatchNormStatistics,
  "train/channel_partials.wgsl": trainChannelPartials,
  "train/channel_totals.wgsl": trainChannelTotals,
  "train/normalised.wgsl": trainNormalised,
  "train/loss_boxes.wgsl": trainLossBoxes,
  "train/loss_box_gradient.wgsl": trainLossBoxGradient,
  "train/loss_cell.wgsl": trainLossCell,
  "train/loss_claim.wgsl": trainLossClaim,
  "train/loss_class_gradient.wgsl": trainLossClassGradient,
  "train/loss_cross_entropy.wgsl": trainLossCrossEntropy,
  "train/loss_decode.wgsl": trainLossDecode,
  "train/loss_distribution.wgsl": trainLossDistribution,
  "train/loss_images.wgsl": trainLossImages,
  "train/loss_metric.wgsl": trainLossMetric,
  "train/loss_normaliser.wgsl": trainLossNormaliser,
  "train/loss_overlap.wgsl": trainLossOverlap,
  "train/loss_resolve.wgsl": trainLossResolve,
  "train/loss_targets.wgsl": trainLossTargets,
  "train/loss_total.wgsl": trainLossTotal,
  "train/activation_gradient.wgsl": trainActivationGradient,
  "train/max_pool_gradient.wgsl": trainMaxPoolGradient,
  "train/max_pool_gradient_flat.wgsl": trainMaxPoolGradientFlat,
  "train/plain_activation_gradient.wgsl": trainPlainActivationGradient,
  "train/plain_reduce_max_gradient.wgsl": trainPlainReduceMaxGradient,
  "train/fake_quantize_weights.wgsl": trainFakeQuantizeWeights,
  "train/plain_softmax_gradient.wgsl": trainPlainSoftmaxGradient,
  "train/resize_gradient.wgsl": trainResizeGradient,
};
