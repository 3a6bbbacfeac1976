/**
 * A manifest with recipes in a folder of its own: a detector of few channels and a handful of pictures, cut and quantized with two seeds.
 *
 * @module
 */

import { join } from "node:path";
import { historyEntry, withHistory } from "../../src/compress/history.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { loadOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import type { PlannedFile } from "../../src/recipes/reproduce/plan.ts";
import { inFolder, put, putYolo, TINY } from "./data_folders.ts";

/** Side of the input. */
export const SIZE = 64;

/** Enough pictures for one batch of those that are looked at before and after a cut. */
const EIGHT = {
  ...TINY,
  pictures: [0, 1].flatMap((copy) => TINY.pictures.map((one) => ({ ...one, name: `${copy}${one.name}` }))),
};

/** A YOLO folder with parts to train on and to validate on. */
async function putSet(folder: string): Promise<void> {
  await putYolo(folder, EIGHT);
  for (const kind of ["images", "labels"]) {
    await Deno.mkdir(join(folder, kind, "train"));
    for (const { name } of Deno.readDirSync(join(folder, kind, "val"))) {
      await Deno.copyFile(join(folder, kind, "val", name), join(folder, kind, "train", name));
    }
  }
}

/** The variants of the manifest; children stand before their parents. */
export function variants(set: string, { epochs = 2, gflops = 0.8 } = {}) {
  const of = { data: set, size: SIZE, precision: "f32" };
  const file = (id: string) => ({ id, title: `T ${id}`, model: { file: `models/${id}.onnx` } });
  const seeds = (id: string) => ({
    out: `data/models/${id}.onnx`,
    seeds: [0, 1],
    seedOut: `.cache/models/${id}-{seed}.onnx`,
  });
  return [
    {
      ...{ ...of, ...file("cut-int8"), precision: "int8", role: "pruning+quantization" },
      made: {
        steps: [{
          verb: "quantize",
          options: { model: { variant: "cut" }, calibrate: set, limit: 2, latency: false },
          seconds: 5,
        }],
        ...seeds("cut-int8"),
      },
    },
    {
      ...{ ...of, ...file("cut"), role: "pruning" },
      made: {
        steps: [{
          verb: "prune",
          options: {
            ...{
              model: { variant: "base" },
              data: set,
              gflops,
              rounds: 1,
              epochs: 0,
              lastEpochs: 2,
              valEvery: 2,
              batch: 2,
            },
            criterion: "l2",
          },
          seconds: { record: "data/times.json", run: "seed-{seed}" },
        }],
        ...seeds("cut"),
      },
    },
    {
      ...{ ...of, ...file("base"), role: "original" },
      made: {
        steps: [{
          verb: "train",
          options: { model: "yolo11n", width: 0.0625, depth: 0.3, data: set, size: SIZE, epochs, batch: 2, workers: 0 },
        }],
        out: "data/models/base.onnx",
      },
    },
    {
      ...of,
      ...file("base"),
      id: "base-32",
      title: "T base at 32",
      role: "control",
      size: 32,
      made: { variant: "base" },
    },
    { ...of, ...file("later"), role: "distillation", made: "to come" },
  ];
}

/** A folder with a set, a manifest and a record of times; its cache is in it too. */
export async function inWorkshop(
  run: (place: { folder: string; set: string; manifest: string }) => Promise<void>,
  more: Parameters<typeof variants>[1] = {},
): Promise<void> {
  await inFolder(async (folder) => {
    const set = join(folder, "set"), manifest = join(folder, "data", "variants.json");
    await putSet(set);
    await put(folder, "data/variants.json", JSON.stringify({ variants: variants(set, more) }));
    await put(folder, "data/times.json", JSON.stringify({ runs: [{ label: "seed-0", end: { seconds: 120 } }] }));
    await Deno.mkdir(join(folder, "data", "models"));
    const before = Deno.env.get("FEATHERDET_CACHE");
    Deno.env.set("FEATHERDET_CACHE", join(folder, "cache"));
    try {
      await run({ folder, set, manifest });
    } finally {
      if (before === undefined) Deno.env.delete("FEATHERDET_CACHE");
      else Deno.env.set("FEATHERDET_CACHE", before);
    }
  });
}

/** Files of a plan as `VARIANT SEED`. */
export function brief(files: readonly Pick<PlannedFile, "variant" | "seed">[]): string[] {
  return files.map(({ variant, seed }) => `${variant} ${seed}`);
}

/** Those that are made. */
export function making(files: readonly PlannedFile[]): string[] {
  return brief(files.filter(({ action }) => action === "make"));
}

/** Verbs that compute nothing: training makes random weights of the number of epochs, cuts and integers change only the history. */
export async function pretend(verb: string, words: readonly string[]): Promise<{ reason?: string }> {
  const after = (name: string) => words[words.indexOf(name) + 1];
  const seed = words.includes("--seed") ? Number(after("--seed")) : undefined;
  if (verb === "train") {
    const epochs = Number(after("--epochs"));
    const model = yolo11({ width: 0.0625, depth: 0.3, size: SIZE, classes: TINY.classes, seed: epochs });
    await put(after("--out"), "log.jsonl", "");
    const made = withHistory(model, historyEntry("train", { epochs }, model, { seed }));
    await Deno.writeFile(join(after("--out"), "best.onnx"), saveOnnx(made));
    return {};
  }
  const parent = await loadOnnx(after("--model"));
  await Deno.writeFile(after("--out"), saveOnnx(withHistory(parent, historyEntry(verb, {}, parent, { seed }))));
  return {};
}
