/**
 * Results as CSV: a line for each variant, figures in their own units (bytes, operations, fractions, milliseconds).
 *
 * @module
 */

// @ts-types="npm:@types/d3-dsv@3.0.7"
import { csvFormat } from "npm:d3-dsv@3.0.2";
import { printable } from "../../graph/error.ts";
import { ratioToOriginal } from "./compare.ts";
import { type Figure, predictorOf, rangeOf, valueOf } from "./figure.ts";
import { type PublishedModel, publishedRatio } from "./published.ts";
import {
  COUNTED_FIGURES,
  type FigureName,
  PREDICTED_FIGURES,
  readFigure,
  type ResultRow,
  type TableResults,
  TIMED_FIGURES,
} from "./results.ts";

/** Columns that may differ from run to run begin with one of these. */
export const CHANGING_COLUMNS = ["timing_", "run_"] as const;

const snake = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Figures whose ratio to the original is given, with the published figure that they are compared with. */
const RATIOS: readonly { name: FigureName; column: string; published?: keyof PublishedModel }[] = [
  { name: "fileBytes", column: "ratio_file_bytes", published: "megabytes" },
  { name: "flops", column: "ratio_flops", published: "gflops" },
  { name: "bitOperations", column: "ratio_bit_operations" },
  { name: "map", column: "ratio_map" },
  { name: "map50", column: "ratio_map50", published: "map50" },
  { name: "detectMedian", column: "timing_ratio_detect_median", published: "milliseconds" },
  { name: "gpuMedian", column: "timing_ratio_gpu_median" },
];

type Line = Record<string, string | number | boolean | null | undefined>;

/** Figures whose least and greatest seed is given. */
const RANGES: readonly FigureName[] = ["fileBytes", "flops", "map", "map50"];

/** How many seeds a row is the mean of, and their ends; empty for a variant of one file. */
function seedColumns(row: ResultRow): Line {
  const count = (source: string) => row.seeds?.filter((seed) => seed.source === source).length;
  const measured = count("measured"), recorded = count("recorded");
  return {
    seeds: row.seeds && measured! + recorded!,
    seeds_recorded: recorded,
    ...Object.fromEntries(RANGES.flatMap((name) => {
      const [low, high] = rangeOf(readFigure(row, name)) ?? [];
      return [[`${snake(name)}_low`, low], [`${snake(name)}_high`, high]];
    })),
  };
}

/** Where the model of a row is from. */
function sourceOf({ model }: ResultRow): string {
  if ("file" in model) return model.file;
  return `built ${model.name}${model.options ? ` ${JSON.stringify(model.options)}` : ""}`;
}

/** What rounds tell of times: the middle half, and the interval of the ratio. */
function roundedColumns({ timing: { middle, ratio } }: ResultRow): Line {
  return Object.fromEntries((["detectMedian", "gpuMedian"] as const).flatMap((name) => {
    const ends = (prefix: string, [low, high]: readonly [number?, number?] = []) => {
      return [[`${prefix}_low`, low], [`${prefix}_high`, high]];
    };
    return [
      ...ends(`timing_middle_${snake(name)}`, middle?.[name]),
      ...ends(`timing_ratio_${snake(name)}`, ratio?.[name]?.interval),
    ];
  }));
}

/** Predicted milliseconds, and the ends of their bands. */
function predictedColumns(row: ResultRow): Line {
  return Object.fromEntries(PREDICTED_FIGURES.flatMap((name) => {
    const figure = readFigure(row, name), [low, high] = "band" in figure ? figure.band ?? [] : [];
    const column = `predicted_${snake(name)}`;
    return [[column, valueOf(figure)], [`${column}_low`, low], [`${column}_high`, high]];
  }));
}

/** Names of the figures that were predicted, and by what. */
function predictedIn(row: ResultRow, names: readonly FigureName[]): string {
  return names.flatMap((name) => {
    const predictor = predictorOf(readFigure(row, name));
    return predictor === undefined ? [] : [`${snake(name)} by ${predictor}`];
  }).join("; ");
}

function lineOf(row: ResultRow, { data, split, images, limit, storage, rows, run }: TableResults): Line {
  const { id, title, role, sha256, size, precision, made, note, missing, stale } = row;
  const figures = (names: readonly FigureName[], prefix = ""): Line =>
    Object.fromEntries(names.map((name) => [prefix + snake(name), valueOf(readFigure(row, name))]));
  const published = RATIOS.flatMap(({ column, published }) =>
    published ? [[`published_${column.replace("timing_", "")}`, publishedRatio(role, published)]] : []
  );
  const ratios = RATIOS.map(({ name, column }): [string, Figure] => [column, ratioToOriginal(rows, row, name)]);
  const at = (isTime: boolean): Line =>
    Object.fromEntries(
      ratios.filter(([column]) => column.startsWith("timing_") === isTime).map(([column, one]) => [
        column,
        valueOf(one),
      ]),
    );
  return {
    id,
    title,
    role,
    data,
    split,
    images,
    limit,
    model: sourceOf(row),
    sha256,
    size,
    precision,
    storage,
    made,
    note,
    missing,
    stale,
    original: rows.find((one) => one.role === "original")?.id,
    ...figures(COUNTED_FIGURES),
    ...predictedColumns(row),
    ...seedColumns(row),
    ...at(false),
    predicted: predictedIn(row, COUNTED_FIGURES),
    ...Object.fromEntries(published),
    ...figures(TIMED_FIGURES, "timing_"),
    ...at(true),
    ...roundedColumns(row),
    timing_predicted: predictedIn(row, TIMED_FIGURES),
    run_adapter: run?.adapter?.name,
    run_software: run?.adapter?.software,
    run_date: run?.date,
    run_commit: run?.commit,
  };
}

/** Writes results as CSV with a heading line. A figure that is missing is an empty field. */
export function renderCsv(results: TableResults): string {
  return `${printable(csvFormat(results.rows.map((row) => lineOf(row, results))), { lines: true })}\n`;
}
