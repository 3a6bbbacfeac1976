/**
 * Models for other classes: a trained detector gets a head for the classes that it will learn next.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import { type Graph, inferTypes } from "../graph/mod.ts";
import { layersOf } from "./layers.ts";
import { recipeOf } from "./metadata.ts";
import { buildFromRecipe } from "./recipe.ts";
import { loadWeights } from "./weights.ts";
import { yolo11, YOLO11_SCALES, type Yolo11Scale } from "./yolo11.ts";

/** How the model is built. */
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
  /** Built, BatchNormalization not folded. */
  readonly graph: Graph;
  /** Whether the class layers have their first values, because the weights are for other classes. */
  readonly newHead: boolean;
  /** Whether the weights had BatchNormalization folded in. Statistics are then placeholders (see `loadWeights`). */
  readonly folded: boolean;
}

/** Class names as the metadata write them; undefined where they do not. */
function sameNames(graph: Graph, built: Graph): boolean {
  return graph.metadata.names !== undefined && graph.metadata.names === built.metadata.names;
}

/** Whether weights lack the BatchNormalization that the model has. */
function isFolded(model: Graph, source: Graph): boolean {
  return layersOf(model).some(({ norm }) => norm) && !layersOf(source).some(({ norm }) => norm);
}

/** The published size whose layers are those of a graph. */
function yolo11ScaleOf(graph: Graph, classes: number): Yolo11Scale | undefined {
  return (Object.keys(YOLO11_SCALES) as Yolo11Scale[]).find((scale) => {
    try {
      // Weights are drawn when they are read, and none is read here.
      loadWeights(yolo11({ scale, classes, size: 64 }), graph);
      return true;
    } catch (error) {
      if (error instanceof FeatherdetError) return false;
      throw error;
    }
  });
}

/**
 * Builds a model for the named classes with the weights of a graph: of a model that Featherdet saved earlier, or of an export of YOLO11.
 * If the graph's classes have other names, the layers that make class logits are new; all others keep their weights.
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
 * Throws FeatherdetError for a graph that cannot be built again: it has no recipe and is no YOLO11, or its layers were changed.
 */
export function withClasses(graph: Graph, names: readonly string[], options: WithClassesOptions = {}): Prepared {
  const [, , height, width] = graph.inputs[0].shape;
  const { size = [height, width] as const, batch = 1, seed = 0 } = options;
  const recipe = recipeOf(graph);
  let build: (classes: readonly string[]) => Graph;
  if (recipe !== undefined) {
    build = (classes) => buildFromRecipe(recipe, { classes, size, batch, seed });
  } else {
    const [, channels] = inferTypes(graph).get(graph.outputs[0])!.shape;
    const scale = channels > 4 ? yolo11ScaleOf(graph, channels - 4) : undefined;
    if (scale === undefined) {
      throw new FeatherdetError(
        `"${graph.name}" cannot be trained: it does not say how it was built, and its layers are those of no YOLO11`,
      );
    }
    build = (classes) => yolo11({ scale, classes, size, batch, seed });
  }
  const model = build(names);
  const newHead = !sameNames(graph, model);
  // Names belong to the classes that are asked for, whatever the weights were for.
  const loaded = loadWeights(model, graph, { newClasses: newHead });
  const metadata = { ...loaded.metadata, names: model.metadata.names };
  return { graph: { ...loaded, metadata }, newHead, folded: isFolded(model, graph) };
}
