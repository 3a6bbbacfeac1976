/**
 * The metadata that travels with a built model: what it is, its classes, and how it was made.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { Graph } from "../graph/graph.ts";

/** How a model was built: its family and the options of its builder (see `buildFromRecipe`). */
export interface Recipe {
  /** `yolo11`, and so on. */
  readonly family: string;
  /** The family's options: whatever JSON can hold. */
  readonly [option: string]: unknown;
}

/** What is known of a model when it is built. */
export interface ModelFacts {
  /** One sentence. */
  readonly description: string;
  /** Class names in order. */
  readonly names: readonly string[];
  /** Pictures a run. */
  readonly batch: number;
  /** Input height and width in pixels. */
  readonly size: readonly [number, number];
  /** Coarsest stride; 32 by default. */
  readonly stride?: number;
  /** `detect` by default. */
  readonly task?: "detect" | "classify";
  /** How it was made. */
  readonly recipe: Recipe;
}

/**
 * Text as a Python string literal, which is how class names are written in exported models. What ends a line, and halves of surrogate
 * pairs, which UTF-8 cannot hold, are written by number.
 */
function quoted(text: string): string {
  // deno-lint-ignore no-control-regex
  const special = /[\\'\x00-\x1f\x7f\x85\u2028\u2029]|\p{Cs}/gu;
  const escape = (character: string) =>
    /[\\']/.test(character) ? `\\${character}` : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `'${text.replace(special, escape)}'`;
}

/** Class names as exported models write them. */
export function namesText(names: readonly string[]): string {
  return `{${names.map((name, i) => `${i}: ${quoted(name)}`).join(", ")}}`;
}

/** Metadata under the keys that exported detectors use, and the recipe under `featherdet`. */
export function modelMetadata(facts: ModelFacts): Record<string, string> {
  const { description, names, batch, size, stride = 32, task = "detect", recipe } = facts;
  return {
    description,
    task,
    stride: String(stride),
    batch: String(batch),
    imgsz: `[${size.join(", ")}]`,
    names: namesText(names),
    featherdet: JSON.stringify(recipe),
  };
}

/** Reads how a model was built from its metadata; undefined if they do not say. Throws FeatherdetError if they are damaged. */
export function recipeOf(graph: Graph): Recipe | undefined {
  const text = graph.metadata.featherdet;
  if (text === undefined) return undefined;
  try {
    const recipe = JSON.parse(text);
    if (typeof recipe?.family === "string") return recipe;
  } catch {
    // Said below.
  }
  throw new FeatherdetError(`metadata "featherdet" of "${graph.name}" are no recipe: ${text.slice(0, 80)}`);
}
