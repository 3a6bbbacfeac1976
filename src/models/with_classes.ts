/**
 * Models for other classes: a trained detector gets a head for the classes that it will learn next.
 *
 * @module
 */

import { type Graph, verify } from "../graph/mod.ts";
import { changeShapes, unfoldBatchNormalization } from "../passes/mod.ts";
import { headOf, withNewClassLayers } from "./class_layers.ts";
import { layersOf } from "./layers.ts";
import { namesText, recipeOf } from "./metadata.ts";
import { loadWeights } from "./weights.ts";

/** For which pictures, and how what is new begins. */
export interface WithClassesOptions {
  /** Side of the input in pixels, or height and width; that of the graph by default. */
  readonly size?: number | readonly [height: number, width: number];
  /** Pictures a run; 1 by default. */
  readonly batch?: number;
  /** Seed of the new layers' weights; 0 by default. */
  readonly seed?: number;
}

/** A model ready for training on its classes. */
export interface Prepared {
  /** BatchNormalization not folded. */
  readonly graph: Graph;
  /** Whether the class layers have their first values, because the weights are for other classes. */
  readonly newHead: boolean;
  /** Whether the weights had BatchNormalization folded in. Statistics are then placeholders (see `adaptStatistics`). */
  readonly folded: boolean;
}

/** Whether a graph lacks the BatchNormalization that another has. */
function isFolded(model: Graph, source: Graph): boolean {
  return layersOf(model).some(({ norm }) => norm) && !layersOf(source).some(({ norm }) => norm);
}

/** The graph for another input, which its metadata then say. */
function resized(graph: Graph, batch: number, [height, width]: readonly number[]): Graph {
  const [{ name, shape }] = graph.inputs;
  const wanted = [batch, shape[1], height, width];
  const sized = String(wanted) === String(shape) ? graph : changeShapes(graph, { [name]: wanted });
  const { metadata } = graph;
  return {
    ...sized,
    metadata: {
      ...metadata,
      ...(metadata.batch !== undefined && { batch: String(batch) }),
      ...(metadata.imgsz !== undefined && { imgsz: `[${height}, ${width}]` }),
    },
  };
}

/**
 * Prepares a graph for training with the named classes, at another batch or input size if the options say so. BatchNormalization that
 * was folded away is put back. If the graph's classes have other names, the layers that make class logits are new, and the graph's
 * metadata no longer hold the recipe by which it was built. Boxes, features and widths stay.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { withClasses } from "./with_classes.ts";
 * import { yolo11 } from "./yolo11.ts";
 * const pretrained = yolo11({ scale: "n", classes: 80, size: 640 }); // or await loadOnnx("yolo11n.onnx")
 * const { graph, newHead } = withClasses(pretrained, ["red", "white", "platelet"], { size: 256 });
 * assert.deepEqual(graph.inputs[0].shape, [1, 3, 256, 256]);
 * assert.ok(newHead);
 * ```
 *
 * Throws FeatherdetError for a graph without the head of a YOLO11 or YOLOv5, for sizes that it cannot have, and if class layers that have to be
 * replaced are rounded.
 */
export function withClasses(graph: Graph, names: readonly string[], options: WithClassesOptions = {}): Prepared {
  const [, , ...own] = graph.inputs[0].shape;
  const { size = own, batch = 1, seed = 0 } = options;
  const head = headOf(graph);
  const sized = resized(graph, batch, typeof size === "number" ? [size, size] : size);
  const text = namesText(names);
  const newHead = graph.metadata.names !== text || head.classes !== names.length;
  const classed = newHead ? withNewClassLayers(sized, names.length, seed) : sized;
  const { featherdet, ...metadata } = classed.metadata;
  const kept: Record<string, string> = newHead || featherdet === undefined ? {} : { featherdet };
  const model = unfoldBatchNormalization({ ...classed, metadata: { ...metadata, ...kept, names: text } });
  verify(model);
  return { graph: model, newHead, folded: isFolded(model, graph) };
}

/**
 * A built model with the weights of a graph of the same structure: layers that make class logits stay as they are built where the classes
 * are others (by name).
 *
 * Throws FeatherdetError for the first layer that does not fit.
 */
export function builtWithWeights(model: Graph, source: Graph): Prepared {
  const newHead = source.metadata.names === undefined || source.metadata.names !== model.metadata.names;
  const head = headOf(model), seed = recipeOf(model)?.seed;
  // Of layers that make boxes too, a part stays.
  const given = newHead && head.kind === "anchors"
    ? withNewClassLayers(source, head.classes, typeof seed === "number" ? seed : 0)
    : source;
  // Names belong to the classes that are asked for, whatever the weights were for.
  const loaded = loadWeights(model, given, { newClasses: newHead && given === source });
  const metadata = { ...loaded.metadata, names: model.metadata.names };
  return { graph: { ...loaded, metadata }, newHead, folded: isFolded(model, source) };
}
