/**
 * Plots as SVG text: made without a browser, the same for the same data, readable on white and on dark pages.
 *
 * @module
 */

export { type BarOptions, type BarPart, barPlot } from "./bars.ts";
export { confusionPlot, type ConfusionPlotOptions } from "./confusion.ts";
export { type HistogramCounts, type HistogramOptions, histogramPlot, type HistogramRange } from "./histogram.ts";
export { memoryPlot, type MemoryPlotOptions } from "./memory.ts";
export { paretoFront, type ParetoKind, type ParetoOptions, paretoPlot, type ParetoPoint } from "./pareto.ts";
export { type CurveOptions, precisionRecallPlot } from "./precision_recall.ts";
export { type ProfileOptions, profilePlot } from "./profile.ts";
export { runsPlot, type TrainingEpoch, trainingPlot, type TrainingPlotOptions, type TrainingRun } from "./training.ts";
