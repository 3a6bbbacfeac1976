/**
 * Pruning: channels that are really gone, chosen by what they cost and what they are worth.
 *
 * @module
 */

export { CRITERIA, CRITERIA_NAMES, type CriterionName, type PruneStatistics } from "./criteria.ts";
export { type MaskedLayer, maskedLayers, type MaskLayerOptions } from "./mask_layers.ts";
export { MASK_PATTERNS, type MaskPattern } from "./mask_patterns.ts";
export { type MaskLayerReport, type MaskReport, maskReport } from "./mask_report.ts";
export { applyMasks, chooseMasks, hashOfMasks, type MaskOptions, type Masks } from "./masks.ts";
export {
  type BudgetKind,
  budgetOf,
  prune,
  type PruneBudget,
  type PruneOptions,
  type PruneResult,
  statisticsNeededBy,
} from "./prune.ts";
export { costsOf, type PruneCosts, type PrunedLayer, type PruneReport } from "./report.ts";
export type { NormalisationName, ReductionName, ScoreOptions } from "./score.ts";
export type { CostModel, SelectOptions } from "./select.ts";
export { type CostKind, type WidthCosts, WidthModel, type Widths } from "./widths.ts";
