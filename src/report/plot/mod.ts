/**
 * Plots as SVG text: made without a browser, the same for the same data, readable on white and on dark pages.
 *
 * @module
 */

export { type BarOptions, type BarPart, drawBars } from "./bars.ts";
export { drawConfidence } from "./confidence.ts";
export { type ConfusionPlotOptions, drawConfusion } from "./confusion.ts";
export { drawHistogram, type HistogramCounts, type HistogramOptions, type HistogramRange } from "./histogram.ts";
export { drawLabels, type LabelPlotOptions } from "./labels.ts";
export { drawMaps, type DrawnMap, type MapPlotOptions } from "./maps.ts";
export { drawMemory, type MemoryPlotOptions } from "./memory.ts";
export { drawPareto, findParetoFront, type ParetoKind, type ParetoOptions, type ParetoPoint } from "./pareto.ts";
export { type CurveOptions, drawPrecisionRecall, type PrecisionRecallOptions } from "./precision_recall.ts";
export { drawProfile, type ProfileOptions } from "./profile.ts";
export {
  drawRuns,
  drawTraining,
  type RunsPlotOptions,
  type TrainingEpoch,
  type TrainingPlotOptions,
  type TrainingRun,
} from "./training.ts";
export { drawSearch, type SearchCurves, type SearchPlotOptions } from "./search.ts";
export { drawWidths, type WidthPlotOptions } from "./widths.ts";
