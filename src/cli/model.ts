/**
 * Models named on the command line: a file, a URL, or a name.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { FeatherdetError } from "../graph/error.ts";
import type { Graph, Shape } from "../graph/graph.ts";
import { demoDetector } from "../models/demo_detector.ts";
import { loadOnnx } from "../onnx/mod.ts";

/** Folders where a name is looked for as NAME.onnx: the checkout's own, and the data for measuring beside it. */
const FOLDERS = [
  new URL("../../data/models/", import.meta.url),
  new URL("../../../shared/data/models/", import.meta.url),
];

/** Models that are built instead of read. */
const BUILT: Readonly<Record<string, (size: number | undefined) => Graph>> = {
  demo: (size) => demoDetector({ size }),
};

function exists(path: string | URL): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Names that can be used here: those that are built, and the files in the model folders. */
export function modelNames(): string[] {
  const found = FOLDERS.filter(exists).flatMap((folder) =>
    [...Deno.readDirSync(folder)].filter(({ name }) => name.endsWith(".onnx")).map(({ name }) => name.slice(0, -5))
  );
  return [...new Set([...Object.keys(BUILT), ...found.sort()])];
}

/** What a `--model` stands for: a graph that is built, or a path or URL to load. Throws a `FeatherdetError` for neither. */
export function findModel(model: string): { build: (size?: number) => Graph } | { source: string } {
  if (/^(https?|file):/i.test(model) || exists(model)) return { source: model };
  if (Object.hasOwn(BUILT, model)) return { build: BUILT[model] };
  for (const folder of FOLDERS) {
    const file = new URL(`${encodeURIComponent(model)}.onnx`, folder);
    if (exists(file)) return { source: fileURLToPath(file) };
  }
  if (/[\\/]|\.\w+$/.test(model)) throw new FeatherdetError("no such model file", { file: model });
  throw new FeatherdetError(
    `unknown model "${model}": it is no file, no URL and none of the names known here (${modelNames().join(", ")})`,
  );
}

/** Loads a model for an input of `size` x `size` pixels and `batch` pictures, or as it was exported where they are not given. */
export async function loadModel(model: string, options: { size?: number; batch?: number } = {}): Promise<Graph> {
  const found = findModel(model);
  if ("build" in found) return found.build(options.size);
  const graph = await loadOnnx(found.source);
  const input = graph.inputs[0];
  const { size = input.shape[2], batch = input.shape[0] } = options;
  const wanted: Shape = [batch, input.shape[1], size, options.size ?? input.shape[3]];
  if (String(wanted) === String(input.shape)) return graph;
  return await loadOnnx(found.source, { shapes: { [input.name]: wanted } });
}
