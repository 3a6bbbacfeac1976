/**
 * Plots as SVG text: made without a browser, the same for the same data, readable on white and on dark pages.
 *
 * @module
 */

export { type ParetoKind, type ParetoOptions, paretoPlot, type ParetoPoint } from "./pareto.ts";
