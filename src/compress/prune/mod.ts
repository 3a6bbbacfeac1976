/**
 * Pruning: channels that are really gone, chosen by what they cost and what they are worth.
 *
 * @module
 */

export {
  chooseWidths,
  WIDTH_METHOD_NAMES,
  WIDTH_METHODS,
  type WidthMethod,
  widthMethod,
  type WidthMethodName,
} from "./choose_widths.ts";
export {
  CRITERIA,
  CRITERIA_NAMES,
  type Criterion,
  type CriterionContext,
  type CriterionName,
  type PruneStatistics,
} from "./criteria.ts";
export { GRID, latencyModel, LatencyTable, type NetworkTimes, settle } from "./latency_table.ts";
export { layerShapes } from "./layer_shapes.ts";
export { type MaskedLayer, maskedLayers, type MaskLayerOptions } from "./mask_layers.ts";
export { MASK_PATTERNS, type MaskPattern } from "./mask_patterns.ts";
export { type MaskLayerReport, type MaskReport, maskReport } from "./mask_report.ts";
export { applyMasks, chooseMasks, hashOfMasks, type MaskOptions, type Masks } from "./masks.ts";
export { prunePass, type PrunePassOptions, type PrunePassReport } from "./pass.ts";
export {
  type BudgetKind,
  budgetOf,
  cutTo,
  prune,
  type PruneBudget,
  pruneBy,
  type PruneByOptions,
  type PruneOptions,
  type PruneProblem,
  pruneProblem,
  type PruneResult,
  pruneTo,
  statisticsNeededBy,
} from "./prune.ts";
export { fitRows, type FitRowsOptions, type FittedRows, RowSums } from "../../numbers/least_squares.ts";
export {
  type LayerMaps,
  type RefitLayer,
  refitLayers,
  refitShortened,
  refitSums,
  type ShortenedRefit,
  withRefitted,
  writeRow,
} from "./refit.ts";
export {
  costsOf,
  type LayerCosts,
  type PruneCosts,
  type PrunedLayer,
  type PruneReport,
  pruneReport,
  type ReportedState,
} from "./report.ts";
export type { NormalisationName, ReductionName, ScoreOptions } from "./score.ts";
export { type ScoredPart, type ShortenOptions, shortenPass, type ShortenReport } from "./shorten.ts";
export type { CostModel, Ladder, SelectOptions, WidthBudget } from "./select.ts";
export { type BundleSensitivity, scanSensitivity, type Sensitivities } from "./sensitivity.ts";
export type { WidthMeter, WidthProblem } from "./width_problem.ts";
export { type CostKind, type WidthCosts, WidthModel, type Widths } from "./widths.ts";
