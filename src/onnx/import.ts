/**
 * ONNX bytes to Graph.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { Graph } from "../graph/graph.ts";
import { verify } from "../graph/verify.ts";
import { buildGraph } from "./build.ts";
import { Initializers } from "./initializers.ts";
import { type InputShapes, readInputs, type ShapeOf } from "./inputs.ts";
import { decodeModel } from "./proto.ts";
import { changeShapes } from "../passes/sizes/change.ts";

/** What the importer may be told. */
export interface ImportOptions {
  /** Path or URL, for messages. */
  readonly file?: string;
  /** Extents by input name: those the file leaves open, and others than it was exported for. */
  readonly shapes?: InputShapes;
  /** Asked for the extents of inputs whose names are not known before. */
  readonly shapeOf?: ShapeOf;
}

/**
 * Reads an ONNX model (operator sets 9 to 21) as a graph for inputs of fixed shapes.
 *
 * All shapes are inferred, what can be computed from shapes and constants is computed, and attributes are normalised as
 * `graph/operators.ts` says. The graph shares no memory with the bytes.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { demoDetector } from "../models/demo_detector.ts";
 * import { saveOnnx } from "./export.ts";
 * import { importOnnx } from "./import.ts";
 * const bytes = saveOnnx(demoDetector({ size: 640 })); // or what a file holds
 * const graph = importOnnx(bytes, { file: "demo.onnx", shapes: { images: [2, 3, 320, 320] } });
 * assert.deepEqual(graph.inputs[0].shape, [2, 3, 320, 320]);
 * ```
 *
 * Throws FeatherdetError with file, node, operator and shapes for files that are no ONNX models or damaged, for what is not
 * supported, for extents left open, and for shapes that the model cannot be changed to.
 */
export function importOnnx(bytes: Uint8Array, options: ImportOptions = {}): Graph {
  const { file = "model", shapes = {}, shapeOf } = options;
  try {
    const model = decodeModel(bytes, file);
    const initializers = new Initializers(model.graph, file);
    const { exported, wanted } = readInputs(model.graph, initializers, shapes, file, shapeOf);
    const graph = changeShapes(buildGraph(model, initializers, exported, file), shapesOf(wanted));
    verify(graph);
    return graph;
  } catch (error) {
    throw error instanceof FeatherdetError ? error.at({ file }) : error;
  }
}

function shapesOf(inputs: Graph["inputs"]): InputShapes {
  return Object.fromEntries(inputs.map(({ name, shape }) => [name, shape]));
}
