/**
 * Models rebuilt from what they say of themselves: a recipe in the metadata holds the family and every option of a built model.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { Graph } from "../graph/graph.ts";
import { classifier, type ClassifierOptions } from "./classifier.ts";
import type { DetectorModelOptions } from "./detector_options.ts";
import { type Recipe, recipeOf } from "./metadata.ts";
import { yolo11, type Yolo11Options } from "./yolo11.ts";
import { yolo11Lite, type Yolo11LiteOptions } from "./yolo11_lite.ts";
import { yolov5, type Yolov5Options } from "./yolov5.ts";
import { yolov5u, type Yolov5uOptions, yolov8, type Yolov8Options } from "./yolov8.ts";

/** A builder, and every option that it knows. */
interface Family {
  readonly build: (options: Readonly<Record<string, unknown>>) => Graph;
  readonly options: readonly string[];
}

/** The list of options is a record of all of them, so that one that is added to a builder cannot be forgotten here. */
function family<Options extends object>(
  build: (options: Options) => Graph,
  options: Readonly<Record<keyof Options, true>>,
): Family {
  // Builders check the values that they are given.
  return { build: (given) => build(given as Options), options: Object.keys(options) };
}

const SHARED = { classes: true, size: true, batch: true, seed: true } as const;
const FAMILIES: Readonly<Record<string, Family>> = {
  yolo11: family<Yolo11Options>(yolo11, {
    ...SHARED,
    scale: true,
    depth: true,
    width: true,
    psa: true,
    attention: true,
  }),
  yolo11lite: family<Yolo11LiteOptions>(yolo11Lite, {
    ...SHARED,
    backbone: true,
    neck: true,
    head: true,
    width: true,
    neckWidth: true,
    depth: true,
    attention: true,
  }),
  yolov8: family<Yolov8Options>(yolov8, { ...SHARED, scale: true }),
  yolov5u: family<Yolov5uOptions>(yolov5u, { ...SHARED, scale: true }),
  yolov5: family<Yolov5Options>(yolov5, { ...SHARED, scale: true }),
  classifier: family<ClassifierOptions>(classifier, { ...SHARED, backbone: true, width: true, depth: true }),
};

/** Options that may differ from a recipe's. */
export type RecipeChanges = Pick<DetectorModelOptions, "classes" | "size" | "batch" | "seed">;

/**
 * Builds the model of a recipe, with the random weights of its seed. `changes` override options of the recipe.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { recipeOf } from "./metadata.ts";
 * import { buildFromRecipe } from "./recipe.ts";
 * import { yolo11Lite } from "./yolo11_lite.ts";
 * const recipe = recipeOf(yolo11Lite({ backbone: "mobilenetv3-small", width: 0.5, size: 320 }))!;
 * const blood = buildFromRecipe(recipe, { classes: ["red", "white", "platelet"] });
 * assert.equal(blood.name, "yolo11lite-mobilenetv3-small");
 * assert.deepEqual(blood.inputs[0].shape, [1, 3, 320, 320]);
 * ```
 *
 * Throws FeatherdetError for families and options that do not exist and for values that their builder refuses.
 */
export function buildFromRecipe(recipe: Recipe, changes: RecipeChanges = {}): Graph {
  const { family: name, ...options } = recipe;
  if (!Object.hasOwn(FAMILIES, name)) {
    throw new FeatherdetError(
      `recipe: family "${name}" does not exist, expected one of ${Object.keys(FAMILIES).join(", ")}`,
    );
  }
  const { build, options: known } = FAMILIES[name];
  const unknown = Object.keys(options).find((option) => !known.includes(option));
  if (unknown !== undefined) {
    throw new FeatherdetError(`recipe: ${name} has no option "${unknown}", its options are ${known.join(", ")}`);
  }
  const asked = Object.entries(changes).filter(([, value]) => value !== undefined);
  return build({ ...options, ...Object.fromEntries(asked) });
}

/**
 * Builds the model of a graph again, for the graph's present batch and input size: the same layers with their first weights, not folded,
 * and the graph's class names. `loadWeights(rebuild(graph), graph)` puts the trained weights back.
 *
 * Throws FeatherdetError if the metadata of the graph hold no recipe, or one that cannot be built.
 */
export function rebuild(graph: Graph): Graph {
  const recipe = recipeOf(graph);
  if (recipe === undefined) {
    throw new FeatherdetError(`"${graph.name}" does not say how it was made: metadata "featherdet" is missing`);
  }
  const [batch, , height, width] = graph.inputs[0].shape;
  const built = buildFromRecipe(recipe, { batch, size: [height, width] });
  const { names = built.metadata.names } = graph.metadata;
  return { ...built, metadata: { ...built.metadata, names } };
}
