/**
 * Passes that more than one room needs: each makes one graph from another.
 *
 * @module
 */

export { type DetectionHead, type DetectionLevel, findDetectionHead } from "./find_detection_head.ts";
export { type AnchorHead, type AnchorHeadLevel, findAnchorHead } from "./find_anchor_head.ts";
export { findTrainableHead, type TrainableHead } from "./find_trainable_head.ts";
export { foldBatchNormalization } from "./fold_batch_normalization.ts";
export { cutGraph } from "./cut_graph.ts";
export { foldShapeCounts } from "./fold_shape_counts.ts";
export { type MergedGraph, mergeGraphs, type MergeOptions } from "./merge_graphs.ts";
export { dropConcatInputs } from "./concat_inputs.ts";
export { countLayers, type Part, partsOf, removeParts } from "./removable_parts.ts";
export { removeBranches } from "./remove_branches.ts";
export { removeChannels } from "./remove_channels.ts";
export { type Branch, branchesOf } from "./residual_branches.ts";
export { activationNode, recogniseActivations } from "./recognise_activations.ts";
export { changeShapes, MOST_ELEMENTS } from "./sizes/change.ts";
export { imagesAreApart } from "./sizes/images_apart.ts";
export { withBatch } from "./sizes/with_batch.ts";
export { unfoldBatchNormalization } from "./unfold_batch_normalization.ts";
export { floatBiases, unsignedActivations, withoutQuantization } from "./quantized_forms.ts";
export { separateOutputs, type SuppressionOptions, withSuppression } from "./suppressed_output.ts";
export { zeroChannels } from "./zero_channels.ts";
