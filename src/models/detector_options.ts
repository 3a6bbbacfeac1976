/**
 * What every family of detectors that is built here can be told, checked once for all of them.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import { checkAttention, type PlacedAttention } from "./attention_places.ts";
import { modelMetadata } from "./metadata.ts";
import { checkWhole } from "./option_checks.ts";

/** Options of every family. */
export interface DetectorModelOptions {
  /** Number of classes, or their names; 80 by default. */
  readonly classes?: number | readonly string[];
  /** Input side in pixels, or height and width, multiples of 32; 640 by default. */
  readonly size?: number | readonly [height: number, width: number];
  /** Pictures a run; 1 by default. */
  readonly batch?: number;
  /** Seed of the random weights, a whole number; 0 by default. */
  readonly seed?: number;
  /** Attention blocks at chosen places; none by default. */
  readonly attention?: PlacedAttention;
}

/** The same, checked and with defaults resolved. */
export interface DetectorFacts {
  /** Number of classes. */
  readonly classes: number;
  /** Their names, `class 0` and so on where none were given. */
  readonly names: readonly string[];
  /** Input height and width in pixels. */
  readonly size: readonly [height: number, width: number];
  readonly batch: number;
  readonly seed: number;
  /** Undefined where there is none. */
  readonly attention: PlacedAttention | undefined;
}

/** Input height and width. Throws FeatherdetError unless both are multiples of `unit`. */
export function checkSize(what: string, side: DetectorModelOptions["size"], unit: number): DetectorFacts["size"] {
  // A recipe read from a file may hold anything.
  const size = (Array.isArray(side) ? side : [side, side]) as [number, number];
  if (size.length !== 2 || !size.every((extent) => Number.isInteger(extent) && extent > 0 && extent % unit === 0)) {
    const expected = unit === 1 ? "whole numbers of at least 1" : `multiples of ${unit}`;
    throw new FeatherdetError(`${what}: input size is ${size.join("x")}, expected ${expected}`);
  }
  return size;
}

/** Number of classes and their names. Throws FeatherdetError if there are none. */
export function checkClasses(
  what: string,
  named: number | readonly string[],
): Pick<DetectorFacts, "classes" | "names"> {
  const classes = (Array.isArray(named) ? named.length : named) as number;
  checkWhole(what, "the number of classes", classes, 1);
  const names = Array.isArray(named) ? named as string[] : Array.from({ length: classes }, (_, i) => `class ${i}`);
  const odd = names.find((name) => typeof name !== "string");
  if (odd !== undefined) throw new FeatherdetError(`${what}: a class is called ${odd}, expected a text`);
  return { classes, names };
}

/** Options checked and resolved; `what` names the family in errors. Throws FeatherdetError for what cannot be built. */
export function detectorFacts(what: string, options: DetectorModelOptions): DetectorFacts {
  const { batch = 1, seed = 0, attention } = options;
  const size = checkSize(what, options.size ?? 640, 32);
  const { classes, names } = checkClasses(what, options.classes ?? 80);
  checkWhole(what, "batch", batch, 1);
  checkWhole(what, "seed", seed, -Infinity);
  if (attention) checkAttention(what, attention);
  // Attention of no kind or at no place is no attention: the model is the plain one, and says so.
  const isPlain = attention === undefined || attention.kind === "none" || attention.places.length === 0;
  return { classes, names, size, batch, seed, attention: isPlain ? undefined : attention };
}

/** Metadata of a detector; the recipe holds the family's own options and those of every family, but for the names of classes. */
export function detectorMetadata(
  description: string,
  { names, ...shared }: DetectorFacts,
  own: Readonly<{ family: string; [option: string]: string | number }>,
): Record<string, string> {
  const { classes, size, batch, seed, attention } = shared;
  const recipe = { ...own, classes, size, batch, seed, ...(attention && { attention }) };
  return modelMetadata({ description, names, batch, size, recipe });
}
