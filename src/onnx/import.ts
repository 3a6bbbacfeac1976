/**
 * ONNX bytes to Graph.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { Graph } from "../graph/graph.ts";
import { verify } from "../graph/verify.ts";
import { Budget } from "./budget.ts";
import { buildGraph } from "./build.ts";
import { Initializers } from "./initializers.ts";
import { type InputShapes, readInputs, type ShapeOf } from "./inputs.ts";
import { attachExternal, type ExternalData } from "./external.ts";
import { type DecodedModel, decodeModel } from "./proto.ts";
import { explainChoosing, leaveOutSuppression } from "./suppression.ts";
import { changeShapes } from "../passes/sizes/change.ts";

/** How to import. */
export interface ImportOptions {
  /** Path or URL, for messages. */
  readonly file?: string;
  /** Extents by input name: extents that the file leaves open, or that replace those of the export. */
  readonly shapes?: InputShapes;
  /** Called for the extents of inputs that `shapes` does not name. */
  readonly shapeOf?: ShapeOf;
  /**
   * Bytes of files in which the model keeps data, by the places that it names. `loadOnnx` reads those beside a path or URL itself; who
   * hands over bytes has to give them.
   */
  readonly externalData?: ExternalData;
  /**
   * For detectors that choose their results by NonMaxSuppression inside the graph: whether the output is to be what they are chosen from, the
   * boxes and scores of all anchors. Metadata then have the key `suppression_left_out`. Default false: such models are refused.
   */
  readonly leaveOutSuppression?: boolean;
  /** Of a model by its URL: milliseconds without a byte after which `loadOnnx` gives it up; 60,000 by default. */
  readonly patience?: number;
  /** Of a model by its URL: most bytes that `loadOnnx` takes, of each file; 2 GiB by default. */
  readonly maxBytes?: number;
}

/**
 * Reads an ONNX model (operator sets 7 to 28) as a graph for inputs of fixed shapes.
 *
 * The importer infers all shapes, computes what follows from shapes and constants, and normalises attributes as `graph/operators.ts`
 * says. The graph shares no memory with the bytes.
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
 * Throws FeatherdetError with file, node, operator and shapes: for files that are damaged or no ONNX models, for operators and attributes
 * that are not supported, for extents that are left open, and for shapes that the model cannot be changed to.
 */
export function importOnnx(bytes: Uint8Array, options: ImportOptions = {}): Graph {
  const { file = "model" } = options;
  try {
    return importModel(decodeModel(bytes, file), options);
  } catch (error) {
    throw error instanceof FeatherdetError ? error.at({ file }) : error;
  }
}

/** The same of a model that is decoded already; its tensors are given their external data. */
export function importModel(model: DecodedModel, options: ImportOptions): Graph {
  const { file = "model", shapes = {}, shapeOf, externalData = new Map<string, Uint8Array>() } = options;
  try {
    attachExternal(model.graph, externalData);
    const external = [...externalData.values()].reduce((sum, { length }) => sum + length, 0);
    const initializers = new Initializers(model.graph, new Budget(model.bytes + external));
    const read = options.leaveOutSuppression ? leaveOutSuppression(model, initializers) : model;
    const { exported, wanted } = readInputs(read.graph, initializers, shapes, file, shapeOf);
    const graph = changeShapes(buildGraph(read, initializers, exported, file), shapesOf(wanted));
    verify(graph);
    return graph;
  } catch (error) {
    throw error instanceof FeatherdetError ? explainChoosing(error, model).at({ file }) : error;
  }
}

function shapesOf(inputs: Graph["inputs"]): InputShapes {
  return Object.fromEntries(inputs.map(({ name, shape }) => [name, shape]));
}
