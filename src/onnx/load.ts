/**
 * Loads a model from a path, a URL, or bytes.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { Graph } from "../graph/graph.ts";
import { importOnnx, type ImportOptions } from "./import.ts";

const URL_SCHEME = /^(https?|file|blob|data):/i;

/** Fetches a URL. Throws FeatherdetError naming the URL and what went wrong. */
async function fetchBytes(url: string): Promise<Uint8Array> {
  // A data URL is the file itself, too long for a message.
  const file = url.length > 200 ? `${url.slice(0, 60)}...` : url;
  let response: Response;
  try {
    response = await fetch(url);
  } catch (cause) {
    throw new FeatherdetError(`cannot be fetched (${reason(cause)})`, { file }, { cause });
  }
  if (!response.ok) {
    await response.body?.cancel();
    throw new FeatherdetError(`cannot be fetched (HTTP status ${response.status})`, { file });
  }
  return new Uint8Array(await response.arrayBuffer());
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message.replace(/\s+/g, " ") : String(cause);
}

/** Reads a path where Deno is; elsewhere (in browsers) a path is a relative URL. */
async function readBytes(path: string): Promise<Uint8Array> {
  const deno = (globalThis as { Deno?: { readFile?(path: string): Promise<Uint8Array> } }).Deno;
  if (!deno?.readFile) return await fetchBytes(path);
  try {
    return await deno.readFile(path);
  } catch (cause) {
    const name = cause instanceof Error ? cause.name : "";
    const detail = name === "NotFound" ? "does not exist" : `cannot be read (${reason(cause)})`;
    throw new FeatherdetError(detail, { file: path }, { cause });
  }
}

/**
 * Loads an ONNX model from a path, from an http, https or file URL, or from bytes. Options and errors are those of `importOnnx`.
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
  const bytes = URL_SCHEME.test(text) ? await fetchBytes(text) : await readBytes(text);
  const file = options.file ?? (text.length > 200 ? `${text.slice(0, 60)}...` : text);
  return importOnnx(bytes, { ...options, file });
}
