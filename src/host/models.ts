/**
 * Models named on the command line: a file (ONNX, or the checkpoint of a training run), a URL, or a name.
 *
 * @module
 */

import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { cacheFolder } from "../data/cache.ts";
import { kindOf } from "../data/files.ts";
import { FeatherdetError } from "../graph/error.ts";
import type { Graph } from "../graph/graph.ts";
import { NAMED_MODELS, type NamedOptions } from "../models/named.ts";
import { loadOnnx } from "../onnx/mod.ts";
import { readCheckpoint } from "../train/loop/checkpoint.ts";
import { BEST_MODEL } from "../train/loop/loop.ts";

/**
 * Folders where a name is looked for as NAME.onnx: the checkout's own, the data for measuring beside it, what was downloaded. A function,
 * since the cache's place needs a permission that an import alone must not need.
 */
function modelFolders(): URL[] {
  return [
    new URL("../../data/models/", import.meta.url),
    new URL("../../../shared/data/models/", import.meta.url),
    pathToFileURL(`${cacheFolder("models")}/`),
  ];
}

function exists(path: string | URL): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Names that can be used here: those that can be built, and the files in the model folders. */
export function modelNames(): string[] {
  const found = modelFolders().filter(exists).flatMap((folder) =>
    [...Deno.readDirSync(folder)].filter(({ name }) => name.endsWith(".onnx")).map(({ name }) => name.slice(0, -5))
  );
  return [...new Set([...Object.keys(NAMED_MODELS), ...found.sort()])];
}

/** A model that is built by its name. */
export interface BuiltModel {
  readonly build: (options?: NamedOptions) => Graph;
}

/**
 * What a `--model` stands for: a path or URL to load, or a graph that is built. A name stands for the file NAME.onnx of the model
 * folders where there is one. Throws a `FeatherdetError` for anything else.
 */
export function findModel(model: string): BuiltModel | { source: string } {
  if (/^(https?|file):/i.test(model) || exists(model)) return { source: model };
  for (const folder of modelFolders()) {
    const file = new URL(`${encodeURIComponent(model)}.onnx`, folder);
    if (exists(file)) return { source: fileURLToPath(file) };
  }
  if (Object.hasOwn(NAMED_MODELS, model)) return { build: NAMED_MODELS[model] };
  if (/[\\/]|\.\w+$/.test(model)) throw new FeatherdetError("no such model file", { file: model });
  throw new FeatherdetError(
    `unknown model "${model}": it is no file, no URL and none of the names known here (${modelNames().join(", ")})`,
  );
}

/** The file or URL that a `--model` stands for, or its name if it is built. */
export function modelSource(model: string): string {
  const found = findModel(model);
  return "build" in found ? model : found.source;
}

/** Names that were built with random weights and said so. */
const noted = new Set<string>();

/** How a model is loaded. */
export interface LoadModelOptions extends NamedOptions {
  /** Whether `size` and `batch` are only for what the file leaves open. Default false. */
  readonly whereOpen?: boolean;
  /** Whether a name without a file may be built with random weights, where weights do not matter. Default false. */
  readonly untrained?: boolean;
}

/**
 * Builds a model that has learned nothing, with a remark on stderr (once). Throws FeatherdetError where weights matter: whatever such a
 * model finds would mislead.
 */
function build(model: string, built: BuiltModel, { untrained = false, ...options }: LoadModelOptions): Graph {
  if (model === "demo") return built.build(options);
  const missing = `no file ${model}.onnx is in data/models or in the cache`;
  if (!untrained) {
    const help = model === "yolo11n"
      ? "`deno task data yolo11n` downloads it"
      : `\`deno task train --model ${model}\` makes one, \`deno task data yolo11n\` downloads one of YOLO11n`;
    throw new FeatherdetError(`${missing}, and with random weights ${model} finds nothing: ${help}`);
  }
  if (!noted.has(model)) {
    noted.add(model);
    console.error(`${model} is built with random weights: ${missing}`);
  }
  return built.build(options);
}

/** A model's bytes in the checkpoint of a training run, for a file that is one; else where the model is. */
async function contentOf(source: string): Promise<string | Uint8Array> {
  if (!/\.ckpt$/i.test(source) || !exists(source)) return source;
  const { model, settings: { quantize } } = await readCheckpoint(await Deno.readFile(source), source);
  if (model === undefined) throw new FeatherdetError("is a checkpoint without a model", { file: source });
  if (quantize !== undefined) {
    console.error(
      `${source} holds the floats of a run with --quantize ${quantize}: the rounded model is its best.onnx`,
    );
  }
  return model;
}

/**
 * Loads a model by name, path or URL, for an input of `size` x `size` pixels and `batch` pictures; by default as it was exported. Both
 * also fill in extents that the file leaves open; of pictures it is one by default.
 *
 * Throws FeatherdetError for what is no model, and for a name without a file unless untrained weights will do.
 */
export async function loadModel(model: string, options: LoadModelOptions = {}): Promise<Graph> {
  const found = findModel(model);
  if ("build" in found) return build(model, found, options);
  const { size, batch, whereOpen = false } = options;
  refuseFolder(found.source);
  const content = await contentOf(found.source);
  return await loadOnnx(content, {
    leaveOutSuppression: true,
    shapeOf({ name, extents }, index) {
      // Of what are no maps there is no size to change.
      if (index > 0 || extents.length !== 4 && size === undefined) return undefined;
      const channelsLast = extents[1] !== 3 && extents[3] === 3;
      const [pictures, ...others] = extents;
      const [channels, height, width] = channelsLast ? [others[2], others[0], others[1]] : others;
      if (size === undefined && [height, width].some((extent) => typeof extent === "string")) {
        throw new FeatherdetError(`input "${name}" [${extents.join(",")}] has no size of its own: say one with --size`);
      }
      const chosen = (extent: number | string, asked: number | undefined) =>
        whereOpen && typeof extent === "number" ? extent : asked ?? extent;
      const sides = [chosen(height, size), chosen(width, size)];
      const count = chosen(pictures, batch);
      const wanted = [
        typeof count === "number" ? count : 1,
        ...channelsLast ? [...sides, channels] : [channels, ...sides],
      ];
      return wanted.every((extent) => typeof extent === "number") ? wanted : undefined;
    },
  });
}

/** Throws FeatherdetError for a folder, which holds models at most; names the best model of a training run. */
function refuseFolder(source: string): void {
  if (kindOf(source) !== "folder") return;
  const best = join(source, BEST_MODEL);
  const instead = kindOf(best) === "file" ? `: its model is ${best}` : ", not a model's file";
  throw new FeatherdetError(`is a folder${instead}`, { file: source });
}

/** Throws FeatherdetError where the file to write is the model to read, whose numbers would be lost. */
export function refuseSource(model: string, out: string): void {
  const found = findModel(model);
  if ("build" in found || /^(https?|file):/i.test(found.source)) return;
  let written: string;
  try {
    written = Deno.realPathSync(out);
  } catch {
    return;
  }
  if (written === Deno.realPathSync(found.source)) {
    throw new FeatherdetError("is the model itself, whose floats would be lost: name another file to write", {
      file: out,
    });
  }
}
