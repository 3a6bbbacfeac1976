/**
 * Results as a page of Markdown: both tables of comparisons, then every variant with all its figures.
 *
 * @module
 */

import {
  type Cell,
  combinationTable,
  type ComparisonTable,
  controlTable,
  originalName,
  stepTable,
  titled,
} from "./compare.ts";
import { FORMATS, ROLE_TITLES } from "./format.ts";
import { tableText } from "./markdown_table.ts";
import { isCommand } from "./recipe_text.ts";
import { PUBLISHED_FAMILY_SOURCE, PUBLISHED_SOURCE } from "./published.ts";
import {
  COUNTED_FIGURES,
  type FamilyMember,
  type FigureName,
  PREDICTED_FIGURES,
  readFigure,
  type ResultRow,
  type RunRecord,
  type TableResults,
  TIMED_FIGURES,
} from "./results.ts";

/** What is put on the page. */
export interface MarkdownOptions {
  /** Addresses of pictures to show, relative to the page. */
  readonly images?: readonly string[];
}

const comparisonText = ({ headings, rows }: ComparisonTable) => tableText(["model", ...headings], rows);

function variantTable(rows: readonly ResultRow[], names: readonly FigureName[]): string[] {
  const cells = (row: ResultRow) =>
    names.map((name): Cell => {
      const { middle } = row.timing, figure = readFigure(row, name), format = FORMATS[name];
      return { figure, format, spread: name === "detectMedian" || name === "gpuMedian" ? middle?.[name] : undefined };
    });
  return tableText(
    ["variant", ...names.map((name) => FORMATS[name].heading)],
    rows.map((row) => ({ title: titled(row.title, row), cells: cells(row) })),
  );
}

/** All variants, the controls in a table of their own below the others. */
function variantTables(rows: readonly ResultRow[], names: readonly FigureName[]): string[] {
  const controls = rows.filter(({ role }) => role === "control");
  return [
    ...variantTable(rows.filter(({ role }) => role !== "control"), names),
    ...(controls.length > 0 ? ["Controls:", "", ...variantTable(controls, names)] : []),
  ];
}

/** The controls, and what they are; empty where there are none. */
function controlText(results: TableResults): string[] {
  const { rows } = controlTable(results);
  if (rows.length === 0) return [];
  return [
    "## Controls",
    "",
    "Models that are small in a simpler way: fewer channels from the beginning, or a smaller input. Int8 alone is in the first",
    `table, \`${ROLE_TITLES.quantization}\`.`,
    "",
    ...comparisonText(controlTable(results)),
  ];
}

const SEEDS_TEXT = [
  "Where a row is of several seeds, figures are their means, with the least and the greatest in brackets. Times, and their",
  "ratios, are of the first seed's file. Recorded seeds were measured before, on the same pictures, in files that the same",
  "recipe made and that are not here.",
];

/** Predictions, and what they are; empty where there are none. */
function predictedText(rows: readonly ResultRow[]): string[] {
  if (rows.every(({ predicted }) => predicted === undefined)) return [];
  return [
    "## On devices that are not here",
    "",
    "Predicted, not measured: milliseconds of the network alone by a model fitted to published times of other networks at 640, in f16, and",
    "in int8 what is int8 in the file. On a Jetson Nano int8 runs as f16. In brackets is the band that held nine of ten networks that the",
    "model had not seen. Smaller inputs than 640 lie outside of what it was fitted to.",
    "",
    ...variantTables(rows, PREDICTED_FIGURES),
  ];
}

function familyTable(family: readonly FamilyMember[]): string[] {
  if (family.length === 0) return [];
  const times = ["gpuMedian", "detectMedian"] as const;
  const heading = ["model", FORMATS.fileBytes.heading, "mAP50-95 (published)"];
  return [
    "## The published family",
    "",
    `Time and size were measured here, with random weights; the mAP was not, it is ${PUBLISHED_FAMILY_SOURCE}.`,
    "",
    ...tableText(
      [...heading, ...times.map((name) => FORMATS[name].heading)],
      family.map(({ model, size, fileBytes, publishedMap, timing }) => ({
        title: `${model} at ${size}`,
        cells: [
          { figure: { value: fileBytes }, format: FORMATS.fileBytes },
          { figure: { value: publishedMap }, format: { ...FORMATS.map, digits: 3 } },
          ...times.map((name) => ({ figure: timing[name] ?? { missing: "not timed" }, format: FORMATS[name] })),
        ],
      })),
    ),
  ];
}

function runText({ date, commit, adapter, machine, versions }: RunRecord): string {
  const on = adapter ? `on ${adapter.name}${adapter.software ? ", a software adapter" : ""}` : "without a device";
  const software = Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ");
  return `Measured ${date} ${on}, on a machine with ${machine.cores} cores (${machine.os}, ${machine.arch}, load ` +
    `${machine.load.toFixed(1)}), with ${software}${commit === null ? "" : `, commit ${commit}`}.`;
}

function settingsText({ confidence, iou, maxDetections, multiLabel }: TableResults["settings"]): string {
  return `mAP by COCO's protocol with detections from a confidence of ${confidence}, suppression at an overlap of ` +
    `${iou}, at most ${maxDetections} a picture${multiLabel ? ", several classes a box" : ""}.`;
}

function originalText(rows: readonly ResultRow[]): string {
  const original = rows.find(({ role }) => role === "original");
  if (!original) return "There is no original to compare with.";
  const { title, size, precision } = original;
  return `The original is ${title} at ${size}x${size} in ${precision}.`;
}

const ROUNDS_TEXT = [
  `Ratios of times are medians of the ratios within rounds, in each of which every variant detects once; in brackets is the 95 %`,
  `interval of the sign test. "No difference seen" is written where it holds 1.`,
];

const isInRounds = (rows: readonly ResultRow[]) => rows.some(({ timing }) => timing.ratio !== undefined);

/** Each seed of a row, with its file, or what stands in its place; empty for a variant of one file. */
function eachSeed({ seeds = [] }: ResultRow): string {
  const told = seeds.map(({ seed, source, sha256 }) => {
    const parts = [...sha256 ? [sha256.slice(0, 16)] : [], ...source === "measured" ? [] : [source]];
    return `${seed} (${parts.join(", ")})`;
  });
  return told.length === 0 ? "" : ` Seeds: ${told.join(", ")}.`;
}

/** One line a variant: what it is, and the command. */
function madeText(row: ResultRow): string {
  const { title, model, size, precision, sha256, made, note, stale } = row;
  const source = "file" in model ? `\`${model.file}\`` : `${model.name}, built here`;
  const options = "name" in model && model.options ? ` (\`${JSON.stringify(model.options)}\`)` : "";
  const sum = sha256 ? `, SHA-256 ${sha256.slice(0, 16)}` : "";
  const how = isCommand(made) ? `\`${made}\`` : made;
  return `- **${title}**: ${source}${options} at ${size}x${size} in ${precision}${sum}. Made: ${how}.${eachSeed(row)}${
    note ? ` ${note}.` : ""
  }${stale ? ` **Stale: ${stale}.**` : ""}`;
}

/** What a brief table tells of each variant. */
const BRIEF = ["parameters", "flops", "map50", "map", "gpuMedian"] as const;

/** The variants in one table, in brief: what they cost, what they find, what they take; then what it was measured on. */
export function renderBrief({ rows, run, data, split, images, latencyRuns }: TableResults): string {
  const where = `mAP on ${images} pictures of ${data}${
    split === null ? "" : ` (${split})`
  }, medians of ${latencyRuns} times.`;
  return [...variantTable(rows, BRIEF), ...(run ? [runText(run)] : []), where].join("\n").trimEnd();
}

/**
 * Writes results as Markdown. A predicted figure is marked `≈`, with a note that names the model that predicts it. A missing figure is
 * `—`, with a note that says why.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { renderMarkdown } from "./markdown.ts";
 * const settings = { confidence: 0.001, iou: 0.7, maxDetections: 300, multiLabel: true };
 * const measured = { images: 9, limit: null, latencyRuns: 0, storage: null, family: [], settings };
 * const text = renderMarkdown({ schema: 1, data: "mine", split: null, ...measured, rows: [] });
 * assert.ok(text.startsWith("# Results on mine\n"));
 * ```
 */
export function renderMarkdown(results: TableResults, { images = [] }: MarkdownOptions = {}): string {
  const { data, split, images: pictures, limit, settings, latencyRuns, storage, rows, family, run } = results;
  const lines = [
    `# Results on ${data}`,
    "",
    ...(limit === null
      ? []
      : [`**A quick look: only the first ${pictures} pictures were looked at. These are not the set's figures.**`, ""]),
    `Written by \`deno task table --data ${data}\`. ${originalText(rows)} ${settingsText(settings)} ` +
    `${pictures} pictures${split === null ? "" : ` of the split ${split}`}.`,
    "",
    ...(run ? [runText(run), ""] : []),
    "Figures are measured or counted here, in one run on one machine, but for those that are marked: ≈ is predicted, — is",
    `missing. Ratios are to ${
      originalName(rows)
    }, the original. Figures in brackets are not ours: ${PUBLISHED_SOURCE}.`,
    "",
    "## Each step",
    "",
    ...comparisonText(stepTable(results)),
    "## Combinations",
    "",
    ...comparisonText(combinationTable(results)),
    ...controlText(results),
    "Operations are counted densely: they fall where channels are gone. Zeros that remain in the model are its sparsity, and",
    "count in full. Fewer bits leave the operations as many: bit operations are multiply-accumulates times the bits of",
    "both factors.",
    "",
    ...(isInRounds(rows) ? [...ROUNDS_TEXT, ""] : []),
    ...(rows.some(({ seeds }) => seeds !== undefined) ? [...SEEDS_TEXT, ""] : []),
    ...images.flatMap((image) => [`![${image.replace(/\.\w+$/, "").replaceAll("-", " ")}](${image})`, ""]),
    "## Every variant",
    "",
    `Size is that of the model file, whatever it is run in. Counts are of one frame from letterbox to suppression${
      storage === null ? "" : `, activations in a storage ${storage}`
    }.`,
    "",
    ...variantTables(rows, COUNTED_FIGURES),
    `Times are of one picture, with the usual settings of detection: medians and 90th percentiles of ${latencyRuns} samples of the`,
    "device alone, and from picture to boxes.",
    ...(isInRounds(rows)
      ? ["Variants took turns, frame by frame. In brackets is the middle half of the samples."]
      : []),
    "",
    ...variantTables(rows, TIMED_FIGURES),
    ...predictedText(rows),
    ...familyTable(family),
    "## How they were made",
    "",
    ...rows.map(madeText),
  ];
  return `${lines.join("\n")}\n`;
}
