/**
 * Observer and scheme against mAP: calibrates YOLO11n once, quantizes it in many ways and evaluates each on coco/val.
 *
 * `deno run -A bench/quantize_table.ts --out table.json [--limit 256] [--images 200] [--size 640] [--only mse]`
 *
 * Every row takes the time of an evaluation; the file is written after each, and rows that it holds are not measured again. Prints the
 * table in Markdown, with the layers of which the model suffers most, each quantized alone.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { findModel, loadModel } from "../src/host/models.ts";
import { writeWhole } from "../src/host/whole_file.ts";
import {
  calibrate,
  type Calibration,
  type LayerSensitivity,
  measureSensitivity,
  type ObserverName,
  quantizeFromCalibration,
  type SchemeOptions,
} from "../src/compress/quantize/mod.ts";
import { openDataset } from "../src/data/open.ts";
import { Detector } from "../src/detect/detector.ts";
import { takeCalibrationSamples } from "../src/eval/calibration.ts";
import { COCO_SETTINGS, evaluate } from "../src/eval/evaluate.ts";
import type { Graph } from "../src/graph/mod.ts";
import { createSessionRunner } from "../src/engine/session_runner.ts";

interface Row {
  readonly title: string;
  readonly map: number;
  readonly map50: number;
  /** Bytes of weights over those of f32. */
  readonly bytes: number;
  readonly int8Layers: number;
  readonly worst: readonly string[];
}

interface Table {
  readonly model: string;
  readonly calibration: number;
  readonly images: number;
  readonly size: number;
  readonly rows: Row[];
  sensitivity?: LayerSensitivity[];
}

const OBSERVERS: readonly ObserverName[] = ["min-max", "moving-average", "percentile", "mse", "entropy"];

/** What is tried, by title: every observer with both schemes, then one thing at a time against the default. */
const SCHEMES: readonly (readonly [title: string, options: SchemeOptions])[] = [
  ...(["asymmetric", "symmetric"] as const).flatMap((activations) =>
    OBSERVERS.map((observer) => [`${observer}, ${activations}`, { observer, activations }] as const)
  ),
  ["mse, one scale of weights a tensor", { weights: "tensor" }],
  ["mse, clipped weights", { clipWeights: true }],
  ["mse, biases not corrected", { biasCorrection: false }],
  ["mse, a scale for each part of a Concat", { joins: "apart" }],
  ["mse, all in int8", { float: "none" }],
  ["min-max, all in int8", { float: "none", observer: "min-max" }],
];

const { values: given } = parseArgs({
  options: {
    out: { type: "string" },
    model: { type: "string", default: "yolo11n" },
    limit: { type: "string", default: "256" },
    images: { type: "string", default: "200" },
    size: { type: "string", default: "640" },
    only: { type: "string", default: "" },
    sensitivity: { type: "string", default: "4" },
  },
});
const [calibration, images, size, pictures] = [given.limit, given.images, given.size, given.sensitivity].map(Number);
if ("build" in findModel(given.model)) throw new Error(`${given.model} is not here: a model with weights is needed`);

/** The table that was begun, if it is of the same measurement. */
async function begun(): Promise<Table> {
  const fresh: Table = { model: given.model, calibration, images, size, rows: [] };
  try {
    const old: Table = JSON.parse(await Deno.readTextFile(given.out ?? ""));
    const isSame = (["model", "calibration", "images", "size"] as const).every((key) => old[key] === fresh[key]);
    return isSame ? old : fresh;
  } catch {
    return fresh;
  }
}

const table = await begun();
const keep = async () => {
  if (given.out !== undefined) await writeWhole(given.out, `${JSON.stringify(table, null, 1)}\n`);
};
const validation = await openDataset("coco", { split: "val", limit: images });

async function measure(title: string, graph: Graph, rest: Omit<Row, "title" | "map" | "map50">): Promise<void> {
  const detector = await Detector.load(graph, COCO_SETTINGS);
  try {
    const { map, map50 } = await evaluate(detector, validation);
    table.rows.push({ title, map, map50, ...rest });
    await keep();
    console.error(`${title}: mAP ${map.toFixed(4)}`);
  } finally {
    detector.destroy();
  }
}

const waiting = SCHEMES.filter(([title]) =>
  title.includes(given.only) && !table.rows.some((row) => row.title === title)
);
const graph = await loadModel(given.model, { size, batch: 1 });
if (!table.rows.some(({ title }) => title === "float")) {
  await measure("float", graph, { bytes: 1, int8Layers: 0, worst: [] });
}
const runner = createSessionRunner();
const samples = takeCalibrationSamples(await openDataset("coco", { split: "train", limit: calibration }), { size });
let calibrated: Calibration | undefined;
for (const [title, options] of waiting) {
  calibrated ??= await calibrate(graph, samples, { runner });
  const { graph: int8, report } = quantizeFromCalibration(calibrated, options);
  await measure(title, int8, { bytes: report.bytes.ratio, int8Layers: report.int8Layers, worst: report.worst });
}
if (table.sensitivity === undefined && pictures > 0) {
  table.sensitivity = await measureSensitivity(graph, samples, { runner, samples: pictures });
  await keep();
}
runner.destroy();

console.log(`| ${given.model} at ${size}, ${calibration} pictures | mAP50-95 | mAP50 | bytes | int8 layers |`);
console.log("| --- | --- | --- | --- | --- |");
for (const { title, map, map50, bytes, int8Layers } of table.rows) {
  console.log(`| ${title} | ${map.toFixed(4)} | ${map50.toFixed(4)} | ${(100 * bytes).toFixed(1)} % | ${int8Layers} |`);
}
const rated = table.sensitivity ?? [];
if (rated.length > 0) console.log("\n| layer alone in int8 | loss | preset |\n| --- | --- | --- |");
for (const { name, loss, covered } of rated.slice(0, 15)) {
  console.log(`| ${name} | ${loss.toFixed(5)} | ${covered ?? "int8"} |`);
}
