/**
 * The tables of comparisons with the original: each kind of compression, each combination, and the controls.
 *
 * @module
 */

import { type Figure, isMissing, mapped, ratio } from "./figure.ts";
import { type Format, FORMATS, RATIO, ROLE_TITLES } from "./format.ts";
import { PUBLISHED_COMBINATIONS, type PublishedCombination, type PublishedModel, publishedRatio } from "./published.ts";
import { type FigureName, readFigure, type ResultRow, seedsText, type TableResults } from "./results.ts";
import type { VariantRole } from "./variant.ts";

/** A cell: our figure, and what was published in its place. */
export interface Cell {
  readonly figure: Figure;
  readonly format: Pick<Format, "unit" | "digits">;
  /** The published figure in the same unit; null if the source gives none, absent if there is nothing to compare. */
  readonly published?: number | null;
  /** The value that says that there is no difference to the original, where the figure tells of one. */
  readonly neutral?: number;
  /** The middle half of the samples that the figure is the median of. */
  readonly spread?: readonly [low: number, high: number];
}

/** What ratios are to, as headings name it. */
export function originalName(rows: readonly ResultRow[]): string {
  return rows.find(({ role }) => role === "original")?.title ?? "the original";
}

/** A title with the number of seeds behind it, where there are several. */
export function titled(title: string, row: ResultRow | undefined): string {
  const seeds = row && seedsText(row);
  return seeds === undefined ? title : `${title} (${seeds})`;
}

/** A table: cells in the order of the headings, behind the row's own title. */
export interface ComparisonTable {
  /** What is above the cells, the row's title left out. */
  readonly headings: readonly string[];
  readonly rows: readonly { readonly title: string; readonly role: VariantRole; readonly cells: readonly Cell[] }[];
}

const STEPS: readonly VariantRole[] = ["original", "pruning", "quantization", "distillation", "everything"];

const COMBINATIONS: readonly VariantRole[] = ["pruning+quantization", "distillation+quantization", "everything"];

/** The figure of the variant that has a role. */
function figureOfRole(rows: readonly ResultRow[], role: VariantRole, name: FigureName): Figure {
  const row = rows.find((one) => one.role === role);
  return row ? readFigure(row, name) : { missing: `there is no variant with the role ${role}` };
}

/** A figure of a row over the original's. Of times that were taken in rounds it is the ratio within rounds. */
export function ratioToOriginal(rows: readonly ResultRow[], row: ResultRow, name: FigureName): Figure {
  const inRounds = name === "detectMedian" || name === "gpuMedian" ? row.timing.ratio?.[name] : undefined;
  if (inRounds && !isMissing(readFigure(row, name))) {
    return { value: inRounds.median, interval: inRounds.interval ?? null };
  }
  const original = figureOfRole(rows, "original", name);
  return ratio(
    readFigure(row, name),
    "missing" in original ? { missing: "the original has no such figure" } : original,
  );
}

function ratioOfRole(rows: readonly ResultRow[], role: VariantRole, name: FigureName): Figure {
  const row = rows.find((one) => one.role === role);
  return row ? ratioToOriginal(rows, row, name) : figureOfRole(rows, role, name);
}

/** Columns of the first table: a figure, and where `published` is not undefined its ratio with the published one. */
const STEP_COLUMNS: readonly { name: FigureName; ratio: boolean; published?: keyof PublishedModel }[] = [
  { name: "fileBytes", ratio: true, published: "megabytes" },
  { name: "flops", ratio: true, published: "gflops" },
  { name: "sparsity", ratio: false },
  { name: "bitOperations", ratio: true },
  { name: "map50", ratio: true, published: "map50" },
  { name: "gpuMedian", ratio: true },
  { name: "detectMedian", ratio: true, published: "milliseconds" },
];

/** Headings of the first table; those of ratios name the original. */
function stepHeadings(rows: readonly ResultRow[], isPublished: boolean): string[] {
  const of = `of ${originalName(rows)}`;
  return STEP_COLUMNS.flatMap(({ name, ratio, published }) => {
    const own = FORMATS[name].heading;
    return ratio ? [own, of + (published && isPublished ? " (published)" : "")] : [own];
  });
}

/** The first table: the original and each step, every figure with its ratio to the original and the published ratio. */
export function stepTable({ rows }: Pick<TableResults, "rows">): ComparisonTable {
  return {
    headings: stepHeadings(rows, true),
    rows: STEPS.map((role) => ({
      title: titled(ROLE_TITLES[role], rows.find((row) => row.role === role)),
      role,
      cells: STEP_COLUMNS.flatMap(({ name, ratio, published }): Cell[] => {
        const own = { figure: figureOfRole(rows, role, name), format: FORMATS[name] };
        if (!ratio) return [own];
        const ours: Cell = { figure: ratioOfRole(rows, role, name), format: RATIO, neutral: 1 };
        return [own, published ? { ...ours, published: publishedRatio(role, published) ?? null } : ours];
      }),
    })),
  };
}

/** The controls in the columns of the first table: models that are small in a simpler way. Nobody has published such rows. */
export function controlTable({ rows }: Pick<TableResults, "rows">): ComparisonTable {
  return {
    headings: stepHeadings(rows, false),
    rows: rows.filter(({ role }) => role === "control").map((row) => ({
      title: titled(row.title, row),
      role: row.role,
      cells: STEP_COLUMNS.flatMap(({ name, ratio }): Cell[] => {
        const own = { figure: readFigure(row, name), format: FORMATS[name] };
        return ratio ? [own, { figure: ratioToOriginal(rows, row, name), format: RATIO, neutral: 1 }] : [own];
      }),
    })),
  };
}

const PERCENT = { unit: 1, digits: 1 } as const, SPEED_UP = { unit: 1, digits: 2 } as const;

const kept = (ratio: number) => 100 * ratio;
const gone = (ratio: number) => 100 * (1 - ratio);
const times = (ratio: number) => 1 / ratio;

/** Columns of the second table: what is made of a figure's ratio to the original, which stands in the heading's place `$`. */
const COMBINATION_COLUMNS: readonly {
  heading: string;
  name: FigureName;
  of: ((ratio: number) => number) | undefined;
  format: Cell["format"];
  published?: keyof PublishedCombination;
}[] = [
  { heading: "mAP50 kept, % of $", name: "map50", of: kept, format: PERCENT, published: "kept" },
  { heading: "mAP50-95 kept, % of $", name: "map", of: kept, format: PERCENT },
  { heading: "size saved, % of $", name: "fileBytes", of: gone, format: PERCENT, published: "size" },
  { heading: "computation saved, % of $", name: "flops", of: gone, format: PERCENT, published: "computation" },
  { heading: FORMATS.sparsity.heading, name: "sparsity", of: undefined, format: FORMATS.sparsity },
  { heading: "bit operations saved, % of $", name: "bitOperations", of: gone, format: PERCENT },
  { heading: "speed-up over $ on the device", name: "gpuMedian", of: times, format: SPEED_UP },
  {
    heading: "speed-up over $ from picture to boxes",
    name: "detectMedian",
    of: times,
    format: SPEED_UP,
    published: "speed",
  },
];

/** The second table: what combinations of steps keep and save. Computation is counted in dense operations. */
export function combinationTable({ rows }: Pick<TableResults, "rows">): ComparisonTable {
  return {
    headings: COMBINATION_COLUMNS.map(({ heading, published }) => {
      return heading.replace("$", () => originalName(rows)) + (published ? " (published)" : "");
    }),
    rows: COMBINATIONS.map((role) => ({
      title: titled(ROLE_TITLES[role], rows.find((row) => row.role === role)),
      role,
      cells: COMBINATION_COLUMNS.map(({ name, of, format, published }): Cell => {
        const figure = of ? mapped(of, ratioOfRole(rows, role, name)) : figureOfRole(rows, role, name);
        const own: Cell = { figure, format, ...(of && { neutral: of(1) }) };
        if (!published) return own;
        return { ...own, published: PUBLISHED_COMBINATIONS[role]?.[published] ?? null };
      }),
    })),
  };
}
