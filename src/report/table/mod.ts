/**
 * Result tables: variants of a detector measured and compared, with each other and with what was published.
 *
 * @module
 */

export type { Figure, MeasuredFigure, MissingFigure, PredictedFigure } from "./figure.ts";
export { listVariants, parseManifest } from "./manifest.ts";
export { type MarkdownOptions, renderBrief, renderMarkdown } from "./markdown.ts";
export { type MeasureOptions, measureTable, type ModelAccuracy, type VariantModel } from "./measure.ts";
export { drawResultPareto, type ParetoCost } from "./plots.ts";
export { readResults } from "./read.ts";
export type {
  Recipe,
  RecipeOptions,
  RecipeReference,
  RecipeStep,
  RecipeTime,
  RecipeValue,
  RecipeVerbName,
} from "./recipe.ts";
export type { OptionCheck } from "./recipe_form.ts";
export { renderCsv } from "./csv.ts";
export {
  COUNTED_FIGURES,
  type CountedName,
  type FamilyMember,
  type FigureName,
  type Figures,
  isWhole,
  PREDICTED_FIGURES,
  type PredictedName,
  readFigure,
  removeTimings,
  type ResultRow,
  type RoundedName,
  type RowTiming,
  type RunRecord,
  type SeedRow,
  type TableResults,
  TIMED_FIGURES,
  type TimedName,
} from "./results.ts";
export {
  type Variant,
  VARIANT_ROLES,
  type VariantBuild,
  type VariantFile,
  type VariantPrecision,
  type VariantRole,
} from "./variant.ts";
