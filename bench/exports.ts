/**
 * Exported models in the runtimes that they are for, compared by boxes: is each loaded, and is its mAP that of onnxruntime?
 *
 * `deno task exports --python venv/bin/python --out data/results/exports/exports.json [--model FILE ...] [--data coco] [--images 100]
 * [--size 320] [--limit 64] [--threads 1] [--core 1] [--only openvino,mnn]
 * [--forms f32,int8] [--times]`
 *
 * Every model is exported for every target in float and in int8, run by `tests/fixtures/run_export.py` (which says what it needs, and what
 * `--core` does), and held against the published rules of the runtimes that cannot be run here. Of a model that is built by name, and so is
 * not trained, only outputs are compared. The file is written after each row, and rows that it holds are not measured again; `--times`
 * takes their times again. Prints the table in Markdown.
 *
 * @module
 */

import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { runPasses } from "../src/compress/pass.ts";
import { calibrate, type Calibration, quantizeFromCalibration } from "../src/compress/quantize/mod.ts";
import { openDataset } from "../src/data/open.ts";
import { createSessionRunner } from "../src/engine/session_runner.ts";
import { takeCalibrationSamples } from "../src/eval/calibration.ts";
import type { Graph } from "../src/graph/mod.ts";
import { findModel, loadModel, modelSource } from "../src/host/models.ts";
import { writeWhole } from "../src/host/whole_file.ts";
import { saveOnnx } from "../src/onnx/mod.ts";
import { writeBeside } from "../src/recipes/export/beside.ts";
import { breachLines, checkRules } from "../src/recipes/export/check_rules.ts";
import { isQdq, isQuantized, listExportPasses } from "../src/recipes/export/export_steps.ts";
import { type RuledRuntime, RULES } from "../src/recipes/export/rules.ts";
import { type TargetName, TARGETS } from "../src/recipes/export/targets.ts";

/** Of weights and activations; `w8` has weights of 8 bits alone. */
type Form = "f32" | "f16" | "w8" | "int8";

/** Targets in the runtimes that run them here, and the forms that these have. */
const RUNS: readonly (readonly [target: TargetName, runtime: string, forms: readonly Form[]])[] = [
  ["ort", "onnxruntime", ["f32", "int8"]],
  ["openvino", "openvino", ["f32", "f16", "int8"]],
  ["mnn", "mnn", ["f32", "f16", "w8", "int8"]],
  ["ncnn", "ncnn", ["f32", "f16", "int8"]],
  ["tflite", "litert", ["f32", "f16", "w8", "int8"]],
];

/** How far mAP may be from onnxruntime's: of a float file, of int8 in the file, and of the runtime's own from its float file. */
const BOUNDS = { float: 0.001, file: 0.01, own: 0.02 };

/** What one export does in one runtime. */
interface Row {
  readonly model: string;
  readonly target: TargetName;
  readonly form: Form;
  /** 0 where the model is not trained: outputs are compared alone. */
  readonly images: number;
  readonly found: {
    readonly versions: Readonly<Record<string, string>>;
    readonly bytes?: number;
    readonly map?: number;
    readonly map50?: number;
    readonly threads?: number;
    /** Median of rounds that alternate with the float file in onnxruntime. */
    readonly milliseconds?: number;
    /** That of the float file. */
    readonly floatMilliseconds?: number;
    readonly rounds?: number;
    readonly difference?: { readonly pixels: number; readonly score: number };
    readonly error?: string;
  };
}

/** What the published rules say of a file. */
interface RuleRow {
  readonly model: string;
  readonly runtime: RuledRuntime;
  readonly form: "f32" | "int8";
  readonly breaches: readonly string[];
}

interface Table {
  readonly data: string;
  readonly size: number;
  readonly rows: Row[];
  readonly rules: RuleRow[];
}

const { values: given } = parseArgs({
  options: {
    python: { type: "string", default: "python3" },
    out: { type: "string", default: "data/results/exports/exports.json" },
    model: { type: "string", multiple: true, default: ["yolo11n"] },
    data: { type: "string", default: "coco" },
    truth: { type: "string", default: "../shared/data/coco/val/instances.json" },
    images: { type: "string", default: "100" },
    size: { type: "string", default: "320" },
    limit: { type: "string", default: "64" },
    threads: { type: "string", default: "1" },
    core: { type: "string" },
    only: { type: "string" },
    forms: { type: "string", default: "f32,f16,w8,int8" },
    times: { type: "boolean", default: false },
  },
});
const size = Number(given.size), only = given.only?.split(",");
const folder = await Deno.makeTempDir({ prefix: "featherdet-exports-" });

function readTable(): Table {
  try {
    return JSON.parse(Deno.readTextFileSync(given.out));
  } catch {
    return { data: given.data, size, rows: [], rules: [] };
  }
}

const isOf = (row: Row, model: string, target: TargetName, form: Row["form"]) =>
  row.model === model && row.target === target && row.form === form;

const table = readTable();
const keep = () => writeWhole(given.out, `${JSON.stringify(table, undefined, 1)}\n`);

/** The file of a graph, for a target. */
async function exported(graph: Graph, target: TargetName, name: string): Promise<string> {
  const { graph: made } = await runPasses(graph, listExportPasses(graph, { target }, false));
  const file = join(folder, `${name}.onnx`);
  await writeWhole(file, saveOnnx(made));
  return file;
}

interface RunOptions {
  readonly form: Form;
  readonly images: number;
  /** The float file to compare with. */
  readonly like: string;
  /** Folder of pictures for the runtime's own quantizer. */
  readonly calibration?: string;
}

async function run(runtime: string, file: string, options: RunOptions): Promise<Row["found"]> {
  const { form, images, like, calibration } = options;
  const args = ["tests/fixtures/run_export.py", runtime, file, "--truth", given.truth, "--images", String(images)];
  args.push("--size", given.size, "--threads", given.threads, "--form", form, "--like", like);
  if (given.core !== undefined) args.push("--core", given.core);
  if (calibration !== undefined) args.push("--calibration", calibration);
  const { success, stdout, stderr } = await new Deno.Command(given.python, { args }).output();
  const [last] = new TextDecoder().decode(stdout).trim().split("\n").slice(-1);
  const crashed = {
    versions: {},
    error: `the runtime ended the program: ${new TextDecoder().decode(stderr).slice(-200)}`,
  };
  return success && last ? JSON.parse(last) : crashed;
}

/** The calibration of a float model, made when a row first needs it. */
function calibrationOf(graph: Graph): () => Promise<Calibration> {
  let made: Promise<Calibration> | undefined;
  return () =>
    made ??= (async () => {
      const dataset = await openDataset(given.data, { split: "train", limit: Number(given.limit) });
      const runner = createSessionRunner();
      const calibration = await calibrate(graph, takeCalibrationSamples(dataset, { size }), {
        runner,
        float: "yolo11",
      });
      runner.destroy();
      return calibration;
    })();
}

/** Writes pictures for a runtime's own quantizer, as `export` does, once for each kind; gives their folder. */
function picturesFor(graph: Graph, model: string): (target: TargetName) => Promise<string> {
  const made = new Map<string, Promise<string>>();
  return (target) => {
    const { calibration: kind = "" } = TARGETS[target];
    const known = made.get(kind) ?? (async () => {
      const dataset = await openDataset(given.data, { split: "train", limit: Number(given.limit) });
      const samples = takeCalibrationSamples(dataset, { size });
      const files = await writeBeside(join(folder, `${model}-${kind}.onnx`), graph, TARGETS[target], {
        ...{ samples, input: graph.inputs[0].name },
      });
      return files.at(-1)!;
    })();
    made.set(kind, known);
    return known;
  };
}

for (const source of given.model) {
  const graph = await loadModel(source, { size, batch: 1, untrained: true });
  const model = basename(modelSource(source)), calibration = calibrationOf(graph), pictures = picturesFor(graph, model);
  const images = "build" in findModel(source) ? 0 : Number(given.images);
  const quantizedAlready = isQuantized(graph);
  const int8For = async (target: TargetName): Promise<Graph> => {
    const { int8 } = TARGETS[target];
    if (quantizedAlready || !isQdq(int8)) return graph;
    return quantizeFromCalibration(await calibration(), { activations: int8.activations }).graph;
  };
  // Where the model is quantized already, its own numbers are the measure.
  const like = await exported(graph, "ort", `${model}-like`);
  for (const [target, runtime, all] of RUNS) {
    if (only && !only.includes(target)) continue;
    const { int8 } = TARGETS[target];
    for (const form of quantizedAlready ? ["int8"] as const : all) {
      if (!given.forms.split(",").includes(form)) continue;
      const at = table.rows.findIndex((row) => isOf(row, model, target, form) && row.images === images);
      if (at >= 0 !== given.times) continue;
      let found: Row["found"];
      try {
        const wanted = form === "int8" ? await int8For(target) : graph;
        const file = await exported(wanted, target, `${model}-${target}-${form}`);
        // What is in the file need not be made by the runtime.
        const isOwn = form === "int8" && !isQdq(int8);
        found = await run(runtime, file, {
          form: form === "int8" && !isOwn ? "f32" : form,
          images: given.times ? 0 : images,
          like,
          calibration: isOwn ? await pictures(target) : undefined,
        });
      } catch (error) {
        found = { versions: {}, error: (error as Error).message };
      }
      if (at < 0) table.rows.push({ model, target, form, images, found });
      else {
        const { milliseconds, floatMilliseconds, rounds, threads } = found;
        const row = table.rows[at];
        table.rows[at] = { ...row, found: { ...row.found, milliseconds, floatMilliseconds, rounds, threads } };
      }
      console.error(`${model} ${target} ${form}: ${JSON.stringify(found)}`);
      await keep();
    }
  }
  for (const runtime of Object.keys(RULES) as RuledRuntime[]) {
    const target: TargetName = runtime === "nnapi" ? "ort" : runtime;
    for (const form of quantizedAlready ? ["int8"] as const : ["f32", "int8"] as const) {
      if (table.rules.some((row) => row.model === model && row.runtime === runtime && row.form === form)) continue;
      if (form === "int8" && !quantizedAlready && !isQdq(TARGETS[target].int8)) continue;
      if (!given.forms.split(",").includes(form)) continue;
      let breaches: readonly string[];
      try {
        const file = await exported(form === "int8" ? await int8For(target) : graph, target, `${model}-${runtime}`);
        breaches = breachLines(checkRules(await Deno.readFile(file), RULES[runtime], file));
      } catch (error) {
        breaches = [(error as Error).message];
      }
      table.rules.push({ model, runtime, form, breaches });
      await keep();
    }
  }
}

const number = (value: number | undefined, digits: number) => value === undefined ? "" : value.toFixed(digits);

/** mAP less that of onnxruntime, in float or, where int8 is in the file, in that; undefined where there is none. */
function against({ model, target, form, images, found }: Row): number | undefined {
  const isInFile = form === "int8" && isQdq(TARGETS[target].int8);
  const same = table.rows.find((row) => isOf(row, model, "ort", isInFile ? "int8" : "f32") && row.images === images);
  return found.map === undefined || same?.found.map === undefined ? undefined : found.map - same.found.map;
}

function verdict(row: Row): string {
  const { target, form, images, found } = row, off = against(row);
  if (found.error !== undefined) return `failed: ${found.error}`;
  if (target === "ort" || images === 0 || off === undefined) return "";
  const bound = form === "f32" || form === "f16" ? "float" : isQdq(TARGETS[target].int8) ? "file" : "own";
  return Math.abs(off) <= BOUNDS[bound] ? "passed" : `failed: more than ${BOUNDS[bound]} off`;
}

console.log(
  "| model | target | form | pictures | MB | mAP50-95 | against onnxruntime | largest difference (px, score) | ms | float in onnxruntime, ms | verdict |",
);
console.log("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
for (const row of table.rows) {
  const { model, target, form, images, found: { bytes, map, difference, milliseconds, floatMilliseconds } } = row;
  const cells = [
    number(bytes && bytes / 1e6, 2),
    number(map, 4),
    number(against(row), 4),
    difference ? `${difference.pixels}, ${difference.score}` : "",
    number(milliseconds, 1),
    number(floatMilliseconds, 1),
    verdict(row),
  ];
  console.log(`| ${[model, target, form, images, ...cells].join(" | ")} |`);
}
for (const { model, runtime, form, breaches } of table.rules) {
  console.log(
    `${model} ${form} by the rules of ${runtime}: ${breaches.length === 0 ? "nothing refused" : breaches.join("; ")}`,
  );
}
