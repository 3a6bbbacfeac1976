/**
 * What the toolkit wrote itself: checkpoints, tuning records, journals of evaluations, manifests, records of measured files.
 *
 * @module
 */

import fc from "npm:fast-check@4.10.2";
import { join } from "node:path";
import { JournalFile } from "../../src/host/evaluation_file.ts";
import { drawResultPareto, readResults, renderCsv, renderMarkdown } from "../../src/report/table/mod.ts";
import { readSeedRecord } from "../../src/host/seed_record.ts";
import { readTuning, tuningFile } from "../../src/host/tuning_store.ts";
import { pathToFileURL } from "node:url";
import { parseManifest } from "../../src/report/table/manifest.ts";
import { readCheckpoint } from "../../src/train/loop/checkpoint.ts";
import { NEW_RUN } from "../../src/train/loop/record.ts";
import { writeTensors } from "../../src/train/loop/safetensors.ts";
import {
  type ByteChange,
  byteChanges,
  changeBytes,
  changeTree,
  looseJson,
  type TreeChange,
  treeChanges,
} from "./changes.ts";
import { accepted, fuzzFolder, must, type Target, target } from "./target.ts";

const folder = fuzzFolder();

/** Throws where a number in a tree is not finite. */
function mustBeFinite(tree: unknown, path = "it"): void {
  if (typeof tree === "number") must(Number.isFinite(tree), `${path} is ${tree}`);
  if (typeof tree !== "object" || tree === null || ArrayBuffer.isView(tree)) return;
  for (const [key, value] of Object.entries(tree)) mustBeFinite(value, `${path}.${key}`);
}

const EPOCH = {
  ...{ epoch: 0, losses: { box: 1, class: 2 }, learningRates: { weights: 0.01, biases: 0.01, scales: 0.01 } },
  ...{ imagesPerSecond: 10, seconds: 3, skipped: 0, score: { map: 0.1, map50: 0.2 } },
};
const RUN = {
  ...NEW_RUN,
  position: { epoch: 1, step: 0, updates: 10 },
  epochs: [EPOCH],
  best: { epoch: 0, map: 0.1, map50: 0.2 },
  seconds: 3,
};
const CHECKPOINT = { updates: 10, run: RUN, settings: { epochs: 3, notes: { data: "synthetic", lr: 0.01 } } };

/** A checkpoint of a tree, signed as whole ones are. */
async function checkpointOf(tree: typeof CHECKPOINT): Promise<Uint8Array> {
  const { updates, run, settings } = (tree ?? {}) as Partial<typeof CHECKPOINT>;
  const arrays = new Map<string, Float32Array | Uint8Array>([
    ["state/parameters", Float32Array.of(1, 2, 3)],
    ["state/moments", Float32Array.of(0, 0, 0)],
  ]);
  const metadata = {
    ...{ format: "featherdet checkpoint", version: "1", updates: looseJson(updates) },
    ...{ run: looseJson(run), settings: looseJson(settings) },
  };
  return await writeTensors({ metadata, arrays });
}

async function tryCheckpoint(bytes: Uint8Array): Promise<void> {
  const read = await accepted(() => readCheckpoint(bytes, "a.ckpt"));
  if (read === undefined) return;
  mustBeFinite({ run: read.run, settings: read.settings, updates: read.state.updates });
  const { position, tally, epochs, best, seconds } = read.run;
  for (const count of [position.epoch, position.step, position.updates, tally.steps, read.state.updates]) {
    must(Number.isSafeInteger(count) && count >= 0, `counts ${count}`);
  }
  must(typeof seconds === "number" && epochs.every(({ epoch }) => Number.isSafeInteger(epoch)), "has no epochs");
  must(best === undefined || typeof best.map50 === "number", "has no best");
}

const KEY = { adapter: "fuzz", storage: "texture", scalar: "f32" };
const TUNING = {
  ...{ format: 2, ...KEY },
  choices: { "1x1 s1": { kernel: "direct", variant: "x=5 y=2", revision: "abc", milliseconds: 0.25 } },
};

async function tryTuning(text: Uint8Array): Promise<void> {
  const place = pathToFileURL(`${folder}/`);
  await Deno.writeFile(tuningFile(KEY, place), text);
  const found = readTuning(KEY, place);
  if (found === undefined) return;
  mustBeFinite(found);
  for (const { kernel, variant, revision } of Object.values(found.choices)) {
    must([kernel, variant, revision].every((one) => typeof one === "string"), "has a choice without a name");
  }
}

const RUN_OF_EVALUATION = {
  ...{ model: "m", digest: "00", dataset: "d", split: null, inputSize: [64, 64] as const, precision: "f32" },
  ...{ adapter: "a", confidence: 0.001, iou: 0.7, maxDetections: 300, multiLabel: true },
};
const DETECTION = { image_id: 1, category_id: 1, bbox: [1, 2, 3, 4], score: 0.5 };
const JOURNAL = [
  { featherdetEvaluation: 1, run: RUN_OF_EVALUATION },
  { imageId: 1, detections: [DETECTION, DETECTION] },
  { imageId: 2, detections: [] },
];

async function tryJournal(text: Uint8Array): Promise<void> {
  const file = join(folder, "found.json.partial");
  await Deno.writeFile(file, text);
  const journal = new JournalFile(file);
  const records = await accepted(() => journal.open(RUN_OF_EVALUATION as Parameters<JournalFile["open"]>[0]));
  journal.close();
  mustBeFinite(records);
  for (const { imageId, detections } of records ?? []) {
    must(Number.isSafeInteger(imageId), `has a picture ${imageId}`);
    for (const { bbox, score, category_id } of detections) {
      must(Array.isArray(bbox) && bbox.length === 4 && bbox.every(Number.isFinite), `has a box ${bbox}`);
      must(Number.isFinite(score) && Number.isSafeInteger(category_id), "has a detection without a score");
    }
  }
}

const MANIFEST = {
  variants: [
    {
      ...{ id: "demo", title: "demo", data: "synthetic", role: "original", model: { name: "demo" } },
      ...{ size: 320, precision: "f32", made: "built by the program" },
    },
    {
      ...{ id: "int8", title: "int8", data: "synthetic", role: "quantization", model: { file: "models/a.onnx" } },
      ...{
        size: 320,
        precision: "int8",
        made: {
          steps: [{ verb: "quantize", options: { model: "demo", calibrate: "x" } }],
          out: ".cache/models/a.onnx",
        },
      },
    },
  ],
};

const SEEDS = {
  ...{ schema: 1, data: "bccd", split: "test", images: 72, storage: "texture" },
  seeds: [{
    ...{ variant: "a", seed: 0, recipe: "00", size: 320, precision: "f32", sha256: "00" },
    figures: { map: 0.5, map50: 0.7 },
  }],
};

async function trySeeds(text: Uint8Array): Promise<void> {
  const file = join(folder, "seeds.json");
  await Deno.writeFile(file, text);
  const record = await accepted(() => readSeedRecord(file));
  mustBeFinite(record);
  for (const { seed, size, figures } of record?.seeds ?? []) {
    must(Number.isSafeInteger(seed) && Number.isSafeInteger(size), "has no seed");
    must(Object.values(figures).every((figure) => typeof figure === "number"), "has no figures");
  }
}

const FIGURE = { value: 0.5, interval: [0.4, 0.6], range: [0.4, 0.6] };
const TIMES = {
  ...{ gpuMedian: { value: 20 }, detectP90: { missing: "not timed" } },
  ...{ middle: { gpuMedian: [19, 21] }, ratio: { gpuMedian: { median: 0.5, interval: [0.4, 0.6] } } },
};
const ROW = {
  ...{
    id: "a",
    title: "a",
    role: "original",
    model: { file: "models/a.onnx" },
    size: 320,
    precision: "f32",
    made: "a",
  },
  ...{ figures: { map: FIGURE, bytes: { value: 3, predictedBy: "a" } }, timing: TIMES },
  seeds: [{ seed: 0, source: "measured", sha256: "00", figures: { map: { value: 0.5 } } }],
};
const RESULTS = {
  ...{ schema: 1, data: "bccd", split: "test", images: 72, limit: null, latencyRuns: 20, storage: "texture" },
  settings: { confidence: 0.001, iou: 0.7, maxDetections: 300, multiLabel: true },
  rows: [ROW],
  family: [{ model: "yolo11n", size: 640, fileBytes: 10, publishedMap: 0.395, timing: TIMES }],
  run: {
    ...{ date: "2026", commit: null, adapter: null, versions: { deno: "2" } },
    machine: { os: "linux", arch: "x", cores: 2, load: 1 },
  },
};

/** What is written where a number was meant. */
const NO_NUMBER = /\bNaN\b|\bundefined\b|\[object/;

/** What is taken for results has to make tables and plots. */
async function tryResults(text: Uint8Array): Promise<void> {
  const file = join(folder, "table.json");
  await Deno.writeFile(file, text);
  const results = await accepted(() => readResults(pathToFileURL(file)));
  if (results === undefined) return;
  const { rows, family, settings } = results;
  // A name may be any word.
  const isOwn = NO_NUMBER.test(new TextDecoder().decode(text));
  mustBeFinite({ settings, rows: rows.map(({ figures, timing, size }) => ({ figures, timing, size })), family });
  for (const page of [renderMarkdown(results), renderCsv(results), drawResultPareto(results, "latency")]) {
    must(isOwn || !NO_NUMBER.test(page), "makes a page that holds no numbers");
  }
}

/** A record: its tree, how that becomes bytes, and what is tried with them. */
interface RecordKind {
  readonly tree: unknown;
  write(tree: unknown): Uint8Array | Promise<Uint8Array>;
  attempt(bytes: Uint8Array): Promise<void>;
}

const encoder = new TextEncoder();
const json = (tree: unknown) => encoder.encode(looseJson(tree));
const lines = (tree: unknown) =>
  encoder.encode((Array.isArray(tree) ? tree : [tree]).map((line) => `${looseJson(line)}\n`).join(""));

const KINDS: Readonly<Record<string, RecordKind>> = {
  "checkpoint": {
    tree: CHECKPOINT,
    write: (tree) => checkpointOf(tree as typeof CHECKPOINT),
    attempt: tryCheckpoint,
  },
  "tuning": { tree: TUNING, write: json, attempt: tryTuning },
  "journal": { tree: JOURNAL, write: lines, attempt: tryJournal },
  "manifest": {
    tree: MANIFEST,
    write: json,
    async attempt(bytes) {
      mustBeFinite(await accepted(() => parseManifest(new TextDecoder().decode(bytes))));
    },
  },
  "measured files": { tree: SEEDS, write: json, attempt: trySeeds },
  "results": { tree: RESULTS, write: json, attempt: tryResults },
};

type RecordChange = { readonly bytes: readonly ByteChange[] } | { readonly tree: readonly TreeChange[] };

/** Records. */
export const recordsTarget: Target = target<RecordChange>({
  entries: Object.keys(KINDS),
  changes: fc.oneof(
    { weight: 1, arbitrary: byteChanges.map((bytes): RecordChange[] => [{ bytes }]) },
    { weight: 3, arbitrary: treeChanges.map((tree): RecordChange[] => [{ tree }]) },
  ),
  async run(entry, changes) {
    const { tree, write, attempt } = KINDS[entry];
    let bytes = await write(tree);
    for (const change of changes) {
      bytes = "bytes" in change ? changeBytes(bytes, change.bytes) : await write(changeTree(tree, change.tree));
    }
    await attempt(bytes);
  },
});
