/**
 * What a search may choose: named dimensions, each a finite ordered set of values.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/mod.ts";
import type { Random } from "../../numbers/random.ts";

/** What a dimension changes. */
export type DimensionKind = "width" | "depth" | "kernel" | "size" | "bits" | "backbone" | "attention" | "other";

/** One choice. */
export interface Dimension {
  /** Its name, once in a space: a coupling group's, `size`, `bits of model.4`. */
  readonly name: string;
  /** What it changes. */
  readonly kind: DimensionKind;
  /** Its values. Where a budget binds, they stand in the order of their costs, the cheapest first. */
  readonly values: readonly (number | string)[];
  /** Whether neighbouring values are alike; false for names such as backbones. Default true. */
  readonly ordered?: boolean;
  /**
   * What reinforcement learning sees of the dimension, as many numbers in each of a space: of a layer its channels, stride, kernel and map.
   * They are scaled to 0..1 over the space.
   */
  readonly features?: readonly number[];
}

/** What a search may choose. */
export interface Space {
  /** In the order of a candidate's numbers. */
  readonly dimensions: readonly Dimension[];
}

/** A candidate: the number of the value in each dimension. */
export type Point = readonly number[];

/** A candidate by the names of its dimensions. */
export type NamedPoint = Readonly<Record<string, number | string>>;

/**
 * A space of dimensions. Throws FeatherdetError for a space without dimensions, for names that occur twice, and for dimensions without
 * values, with equal ones, or with another number of features than the first.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { createSpace, namedPoint, pointOf } from "./space.ts";
 * const space = createSpace([
 *   { name: "size", kind: "size", values: [224, 256, 320] },
 *   { name: "attention", kind: "attention", values: ["none", "simam"], ordered: false },
 * ]);
 * assert.deepEqual(namedPoint(space, [2, 0]), { size: 320, attention: "none" });
 * assert.deepEqual(pointOf(space, { attention: "none", size: 320 }), [2, 0]);
 * ```
 */
export function createSpace(dimensions: readonly Dimension[]): Space {
  if (dimensions.length === 0) throw new FeatherdetError("a space has at least one dimension");
  const names = new Set<string>(), [first] = dimensions;
  for (const { name, values, features } of dimensions) {
    if (names.has(name)) throw new FeatherdetError(`two dimensions of the space are called "${name}"`);
    names.add(name);
    if (values.length === 0) throw new FeatherdetError(`dimension "${name}" has no values`);
    if (new Set(values).size < values.length) throw new FeatherdetError(`dimension "${name}" has a value twice`);
    if (features?.length !== first.features?.length) {
      throw new FeatherdetError(`dimension "${name}" has other features than "${first.name}"`);
    }
  }
  return { dimensions };
}

/** The number of candidates. */
export function sizeOfSpace({ dimensions }: Space): number {
  return dimensions.reduce((size, { values }) => size * values.length, 1);
}

/** A candidate by names and values. */
export function namedPoint({ dimensions }: Space, point: Point): NamedPoint {
  return Object.fromEntries(dimensions.map(({ name, values }, i) => [name, values[point[i]]]));
}

/** The numbers of named values. Throws FeatherdetError for dimensions that are missing and values that there are none of. */
export function pointOf({ dimensions }: Space, named: NamedPoint): Point {
  return dimensions.map(({ name, values }) => {
    const at = values.indexOf(named[name]);
    if (at >= 0) return at;
    const given = Object.hasOwn(named, name) ? `is ${JSON.stringify(named[name])}` : "is missing";
    throw new FeatherdetError(`dimension "${name}" ${given}, expected one of ${values.join(", ")}`);
  });
}

/** A candidate as text, equal for equal ones. */
export const pointKey = (point: Point): string => point.join(",");

/** A candidate of which each value is as likely as any other. */
export function randomPoint({ dimensions }: Space, random: Random): Point {
  return dimensions.map(({ values }) => random.integer(values.length));
}

/** The candidate of the first value of each dimension, which is the cheapest one. */
export function cheapestPoint({ dimensions }: Space): Point {
  return dimensions.map(() => 0);
}

/** The candidate of the last value of each dimension. */
export function dearestPoint({ dimensions }: Space): Point {
  return dimensions.map(({ values }) => values.length - 1);
}
