/**
 * A network that takes part in `precision_latency.ts`, as it is given on the command line.
 *
 * @module
 */

import { basename } from "node:path";
import { historyOf } from "../src/compress/history.ts";
import type { FloatStorage } from "../src/compress/quantize/mod.ts";
import type { Graph } from "../src/graph/mod.ts";

/** A file, and how its floats are to be stored where that was said. */
export interface GivenFile {
  readonly file: string;
  readonly storage: FloatStorage | undefined;
}

/** Reads `file.onnx`, `file.onnx:f32` or `file.onnx:f16`. */
export function givenFile(text: string): GivenFile {
  const [, file, storage] = text.match(/^(.+?)(?::(f32|f16))?$/s)!;
  return { file, storage: storage as FloatStorage | undefined };
}

/** One precision: a graph and how its floats are stored. */
export interface Entrant {
  readonly title: string;
  readonly graph: Graph;
  readonly precision: FloatStorage;
}

/** How floats are to be stored, as the search for mixed precision chose it; undefined where it did not. */
function storageOf(graph: Graph): FloatStorage | undefined {
  return historyOf(graph).findLast(({ options }) => options.storage !== undefined)?.options.storage as
    | FloatStorage
    | undefined;
}

/** The entrant of a file: floats as it was said, else as `quantize --mixed` chose and the file remembers, else in f32. */
export function entrantOf({ file, storage }: GivenFile, graph: Graph): Entrant {
  const precision = storage ?? storageOf(graph) ?? "f32";
  const name = basename(file, ".onnx");
  return { title: precision === "f32" ? name : `${name}, rest ${precision}`, graph, precision };
}
