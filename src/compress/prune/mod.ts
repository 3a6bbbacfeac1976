/**
 * Pruning: channels that are really gone, chosen by what they cost and what they are worth.
 *
 * @module
 */

export { CRITERIA, CRITERIA_NAMES, type CriterionName, type PruneStatistics } from "./criteria.ts";
export { GRID, latencyModel, LatencyTable, type NetworkTimes, settle } from "./latency_table.ts";
export { layerShapes } from "./layer_shapes.ts";
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
