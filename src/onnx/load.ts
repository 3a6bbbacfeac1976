/**
 * Loads a model from a path, a URL, or bytes.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { Graph } from "../graph/graph.ts";
import { externalLocations, stepsOf } from "./external.ts";
import { importModel, importOnnx, type ImportOptions } from "./import.ts";
import { fetchBytes, type FetchLimits } from "./fetch.ts";
import { decodeModel } from "./proto.ts";

/** What is used of Deno, where it is. */
interface Files {
  readFile?(path: string): Promise<Uint8Array>;
  realPath(path: string): Promise<string>;
}

const URL_SCHEME = /^(https?|file|blob|data):/i;

/** Fetches a URL. A data URL is the file itself, too long for a message. */
function fetchUrl(url: string, limits: FetchLimits): Promise<Uint8Array> {
  return fetchBytes(url, limits, url.length > 200 ? `${url.slice(0, 60)}...` : url);
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message.replace(/\s+/g, " ") : String(cause);
}

/** Reads a path where Deno is; elsewhere (in browsers) a path is a relative URL. */
async function readBytes(path: string, limits: FetchLimits): Promise<Uint8Array> {
  const deno = (globalThis as { Deno?: { readFile?(path: string): Promise<Uint8Array> } }).Deno;
  if (!deno?.readFile) return await fetchUrl(path, limits);
  try {
    return await deno.readFile(path);
  } catch (cause) {
    const name = cause instanceof Error ? cause.name : "";
    const detail = name === "NotFound" ? "does not exist" : `cannot be read (${reason(cause)})`;
    throw new FeatherdetError(detail, { file: path }, { cause });
  }
}

/** Reads a file in the folder of a model, or below it. Throws FeatherdetError for one that is not there or is a link out of the folder. */
async function readBeside(model: string, steps: readonly string[], limits: FetchLimits): Promise<Uint8Array> {
  const { Deno: deno } = globalThis as { Deno?: Files };
  const shown = steps.join("/");
  if (/^(blob|data):/i.test(model)) {
    throw new FeatherdetError(`keeps data in the file "${shown}", but a ${model.split(":")[0]} URL has no folder`);
  }
  try {
    if (/^https?:/i.test(model) || !deno?.readFile) {
      const relative = steps.map(encodeURIComponent).join("/");
      const base = model.replace(/[?#].*$/s, "");
      return await fetchUrl(base.slice(0, base.lastIndexOf("/") + 1) + relative, limits);
    }
    const path = /^file:/i.test(model) ? decodeURIComponent(new URL(model).pathname) : model;
    const folder = await deno.realPath(path.slice(0, path.search(/[^/\\]*$/)) || ".");
    const found = await deno.realPath(`${folder}/${shown}`);
    if (!found.startsWith(`${folder}/`) && !found.startsWith(`${folder}\\`)) {
      throw new FeatherdetError(`keeps data in "${shown}", a link out of the model's folder, which is not followed`);
    }
    return await deno.readFile(found);
  } catch (cause) {
    if (cause instanceof FeatherdetError && !cause.place.file) throw cause;
    const missing = cause instanceof Error && cause.name === "NotFound";
    const why = missing ? "is not beside it" : `cannot be read (${reason(cause)})`;
    throw new FeatherdetError(`keeps data in the file "${shown}", which ${why}`, {}, { cause });
  }
}

/**
 * Loads an ONNX model from a path, from an http, https or file URL, or from bytes. Options and errors are those of `importOnnx`.
 * Data that the model keeps in other files is read from the model's own folder, or the place below the same URL, and from nowhere else.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { demoDetector } from "../models/demo_detector.ts";
 * import { saveOnnx } from "./export.ts";
 * import { loadOnnx } from "./load.ts";
 * const file = await Deno.makeTempFile({ suffix: ".onnx" });
 * await Deno.writeFile(file, saveOnnx(demoDetector()));
 * const graph = await loadOnnx(file, { shapes: { images: [1, 3, 384, 640] } });
 * assert.deepEqual(graph.inputs[0].shape, [1, 3, 384, 640]);
 * await Deno.remove(file);
 * ```
 */
export async function loadOnnx(source: string | URL | Uint8Array, options: ImportOptions = {}): Promise<Graph> {
  if (source instanceof Uint8Array) return importOnnx(source, options);
  const text = String(source);
  const bytes = URL_SCHEME.test(text) ? await fetchUrl(text, options) : await readBytes(text, options);
  const file = options.file ?? (text.length > 200 ? `${text.slice(0, 60)}...` : text);
  const model = decodeModel(bytes, file);
  try {
    const externalData = new Map(options.externalData);
    for (const location of externalLocations(model.graph)) {
      if (!externalData.has(location)) externalData.set(location, await readBeside(text, stepsOf(location), options));
    }
    return importModel(model, { ...options, file, externalData });
  } catch (error) {
    throw error instanceof FeatherdetError ? error.at({ file }) : error;
  }
}
