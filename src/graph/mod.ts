/**
 * The Graph: types, shape inference, verification, printing, cost and rewriting.
 *
 * @module
 */

export { analyze, type AnalyzeOptions } from "./analyze.ts";
export { type BitWidths, ELEMENT_BYTES } from "./analyze_bits.ts";
export type { Analysis, Cost, LayerCost, SparseAnalysis, Sparsity } from "./analyze_cost.ts";
export {
  ANCHOR_FIELDS,
  ANCHOR_LOSS_RESULTS,
  type AnchorLossLevel,
  type AnchorLossOperands,
  anchorLossOperands,
  type AnchorLossResults,
  MAX_ANCHOR_LEVELS,
} from "./anchor_loss.ts";
export { ARITY, type Arity } from "./arity.ts";
export * from "./channels/mod.ts";
export {
  BOX_ROW,
  LOSS_RESULTS,
  type LossLevel,
  type LossOperands,
  lossOperands,
  type LossResults,
  MAX_LOSS_LEVELS,
} from "./detection_loss.ts";
export { type FinishOptions, GraphEditor, type ReaderFilter } from "./editor.ts";
export { type ErrorPlace, FeatherdetError } from "./error.ts";
export * from "./graph.ts";
export { GraphIndex } from "./graph_index.ts";
export { inferNode, inferTypes } from "./infer.ts";
export * from "./operators.ts";
export {
  LEVELS,
  packedBytes,
  packLevels,
  unpackLevels,
  unpackWeights,
  WEIGHT_BITS,
  type WeightBits,
} from "./packed_weights.ts";
export * from "./pairs.ts";
export { printGraph } from "./print.ts";
export { namesOf, sortTopologically, uniqueName, withNodes } from "./rewrite.ts";
export { QUANTIZED_RANGE, quantizeValue, roundHalfEven } from "./quantized_value.ts";
export { type Answer, traitOf, TRAITS, type Traits } from "./traits.ts";
export * from "./unary.ts";
export type { RegroupedExtent, SamePads, SizeRule, SizeRules } from "./size_rules.ts";
export { verify } from "./verify.ts";
export { type WeightSource, weightSource } from "./weight_source.ts";
export { WEIGHT_INPUTS, type WeightInputs, weightsOf } from "./weights.ts";
