/**
 * Exported models in the runtimes that they are for, compared by boxes: is each loaded, and is its mAP that of onnxruntime?
 *
 * `deno task exports --python venv/bin/python --out data/results/exports/exports.json [--model FILE ...] [--data coco] [--images 100]
 * [--size 320] [--limit 64] [--threads 2] [--only openvino,mnn]
 * [--forms f32,int8]`
 *
 * Every model is exported for every target in float and in int8, run by `tests/fixtures/run_export.py` (which says what it needs), and held
 * against the published rules of the runtimes that cannot be run here. The file is written after each row, and rows that it holds are not
 * measured again. Prints the table in Markdown.
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
import { loadModel, modelSource } from "../src/host/models.ts";
import { writeWhole } from "../src/host/whole_file.ts";
import { saveOnnx } from "../src/onnx/mod.ts";
import { breachLines, checkRules } from "../src/recipes/export/check_rules.ts";
import { isQdq, isQuantized, listExportPasses } from "../src/recipes/export/export_steps.ts";
import { type RuledRuntime, RULES } from "../src/recipes/export/rules.ts";
import { type TargetName, TARGETS } from "../src/recipes/export/targets.ts";

/** A target in the runtime that runs it here. */
const RUNS: readonly (readonly [target: TargetName, runtime: string])[] = [
  ["ort", "onnxruntime"],
  ["openvino", "openvino"],
  ["mnn", "mnn"],
  ["ncnn", "ncnn"],
  ["tflite", "litert"],
];

/** What one export does in one runtime. */
interface Row {
  readonly model: string;
  readonly target: TargetName;
  readonly form: "f32" | "f16" | "int8";
  readonly images: number;
  readonly found: {
    readonly versions: Readonly<Record<string, string>>;
    readonly bytes?: number;
    readonly map?: number;
    readonly map50?: number;
    readonly threads?: number;
    readonly milliseconds?: number;
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
    threads: { type: "string", default: "2" },
    only: { type: "string" },
    forms: { type: "string", default: "f32,f16,int8" },
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

async function run(runtime: string, file: string, form: Row["form"], like: string): Promise<Row["found"]> {
  const args = ["tests/fixtures/run_export.py", runtime, file, "--truth", given.truth, "--images", given.images];
  const { success, stdout, stderr } = await new Deno.Command(given.python, {
    args: [...args, "--size", given.size, "--threads", given.threads, "--form", form, "--like", like],
  }).output();
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

for (const source of given.model) {
  const graph = await loadModel(source, { size, batch: 1 });
  const model = basename(modelSource(source)), calibration = calibrationOf(graph);
  const quantizedAlready = isQuantized(graph);
  const int8For = async (target: TargetName): Promise<Graph> => {
    const { int8 } = TARGETS[target];
    if (quantizedAlready || !isQdq(int8)) return graph;
    return quantizeFromCalibration(await calibration(), { activations: int8.activations }).graph;
  };
  // Where the model is quantized already, its own numbers are the measure.
  const like = await exported(graph, "ort", `${model}-like`);
  for (const [target, runtime] of RUNS) {
    if (only && !only.includes(target)) continue;
    const { int8 } = TARGETS[target];
    const forms: readonly Row["form"][] = quantizedAlready
      ? ["int8"]
      : target === "ort"
      ? ["f32", "int8"]
      : ["f32", "f16", "int8"];
    for (const form of forms) {
      if (!given.forms.split(",").includes(form)) continue;
      const images = Number(given.images);
      if (table.rows.some((row) => isOf(row, model, target, form) && row.images === images)) continue;
      let found: Row["found"];
      try {
        const wanted = form === "int8" ? await int8For(target) : graph;
        const file = await exported(wanted, target, `${model}-${target}-${form}`);
        // What is in the file need not be made by the runtime.
        found = await run(runtime, file, form === "int8" && isQdq(int8) ? "f32" : form, like);
      } catch (error) {
        found = { versions: {}, error: (error as Error).message };
      }
      table.rows.push({ model, target, form, images, found });
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
console.log(
  "| model | target | form | pictures | MB | mAP50-95 | against onnxruntime | largest difference (px, score) | ms |",
);
console.log("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
for (const { model, target, form, images, found } of table.rows) {
  const same = table.rows.find((row) =>
    isOf(row, model, "ort", form === "f16" ? "f32" : form) && row.images === images
  );
  const against = found.map !== undefined && same?.found.map !== undefined ? found.map - same.found.map : undefined;
  const cells = found.error ? [number(found.bytes && found.bytes / 1e6, 2), `failed: ${found.error}`, "", "", ""] : [
    number(found.bytes! / 1e6, 2),
    number(found.map, 4),
    number(against, 4),
    found.difference ? `${found.difference.pixels}, ${found.difference.score}` : "",
    number(found.milliseconds, 1),
  ];
  console.log(`| ${[model, target, form, images, ...cells].join(" | ")} |`);
}
for (const { model, runtime, form, breaches } of table.rules) {
  console.log(
    `${model} ${form} by the rules of ${runtime}: ${breaches.length === 0 ? "nothing refused" : breaches.join("; ")}`,
  );
}
