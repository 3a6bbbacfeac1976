/**
 * Extents with a past: what a dimension was made of, so that it can be made again for another input size.
 *
 * An extent that the new input size changes is an Atom, with its exported and its new value. A Dim is an ordered product of
 * factors, in the order in which Reshape merged them: 400 of a 20x20 map is `[h, w]`, `[n, 2]` a batch times two heads. An
 * extent joined by Concat is one Atom whose parts are Dims: 8400 is `[[h3, w3], [h4, w4], [h5, w5]]`. What does not change is
 * a plain number.
 *
 * @module
 */

import type { Shape } from "../../graph/graph.ts";

/** An extent that changes. */
export interface Atom {
  /** Where it comes from (`n`, `h`, `w`, ...), inherited by the extents derived from it. */
  readonly kind: string;
  readonly old: number;
  readonly new: number;
  /** What Concat joined, in order; absent for an extent that is no sum. */
  readonly parts?: readonly Dim[];
}

/** A factor of a Dim. */
export type Factor = number | Atom;

/** An extent as an ordered product; `[]` is 1. */
export type Dim = readonly Factor[];

/** Extents of a tensor. */
export type Dims = readonly Dim[];

/** Value of a factor or of a Dim in one of the two sizes. */
export function valueOf(factor: Factor | Dim, which: "old" | "new"): number {
  if (typeof factor === "number") return factor;
  if ("kind" in factor) return factor[which];
  return factor.reduce<number>((product, each) => product * valueOf(each, which), 1);
}

/** Whether the extent differs between the two sizes. */
export function changes(dim: Dim): boolean {
  return dim.some((factor) => typeof factor !== "number");
}

/** Extents of all dims in one of the two sizes. */
export function shapeOf(dims: Dims, which: "old" | "new"): number[] {
  return dims.map((dim) => valueOf(dim, which));
}

/** Dims of a tensor that does not change. */
export function fixed(shape: Shape): Dim[] {
  return shape.map((extent) => [extent]);
}

/** The Dim's parts if it is a sum as a whole, else the Dim as the only part. */
export function partsOf(dim: Dim): readonly Dim[] {
  const [factor] = dim;
  return dim.length === 1 && typeof factor !== "number" && factor.parts ? factor.parts : [dim];
}

/** The sum of dims. */
export function sum(dims: readonly Dim[]): Dim {
  const parts = dims.flatMap(partsOf);
  if (parts.length === 1) return parts[0];
  const total = (which: "old" | "new") => parts.reduce((result, part) => result + valueOf(part, which), 0);
  if (!parts.some(changes)) return [total("old")];
  return [{ kind: "sum", old: total("old"), new: total("new"), parts }];
}

/** An extent of the two given values that comes from `source`: the very same if the values are, else a new atom of its kind. */
export function derived(source: Dim, old: number, next: number): Dim {
  if (valueOf(source, "old") === old && valueOf(source, "new") === next) return source;
  if (old === next) return [old];
  const atom = source.find((factor) => typeof factor !== "number");
  return [{ kind: typeof atom === "object" ? atom.kind : "derived", old, new: next }];
}
