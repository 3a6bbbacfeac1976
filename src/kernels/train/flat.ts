/**
 * How the tensors of a model lie in one flat buffer of f32, for kernels that treat all alike.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";

/** Every tensor begins at a multiple of so many elements: 256 bytes, where any device can bind a buffer. */
export const FLAT_ALIGNMENT = 64;

/** Groups of parameters in the order in which they lie; what each means is said by `ParameterGroup` of `src/train/`. */
export const FLAT_GROUPS = ["weight", "bias", "norm"] as const;

/** One of `FLAT_GROUPS`. */
export type FlatGroup = typeof FLAT_GROUPS[number];

/** A tensor that is to lie in a flat buffer. */
export interface FlatTensor {
  /** What it is found by. */
  readonly name: string;
  /** Elements. */
  readonly size: number;
  /** `weight` unless given; statistics have none. */
  readonly group?: FlatGroup;
}

/** Where tensors lie. What is between them is zero and has to stay so. */
export interface FlatLayout {
  /** Elements of the buffer, a multiple of `FLAT_ALIGNMENT`. */
  readonly size: number;
  /** First element of each tensor: by groups, within a group in the order given. */
  readonly offsets: ReadonlyMap<string, number>;
  /** First element behind each group of `FLAT_GROUPS`. */
  readonly ends: Readonly<Record<FlatGroup, number>>;
}

/**
 * Lays tensors out one behind the other, group after group, so that the group of an element follows from where it lies.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { flatLayout } from "./flat.ts";
 * const layout = flatLayout([{ name: "b", size: 3, group: "bias" }, { name: "w", size: 65, group: "weight" }]);
 * assert.deepEqual([layout.offsets.get("w"), layout.offsets.get("b"), layout.size], [0, 128, 192]);
 * ```
 *
 * Throws FeatherdetError for a name that comes twice.
 */
export function flatLayout(tensors: readonly FlatTensor[]): FlatLayout {
  const offsets = new Map<string, number>();
  let end = 0;
  const ends = FLAT_GROUPS.map((group) => {
    for (const { name, size } of tensors.filter((tensor) => (tensor.group ?? "weight") === group)) {
      if (offsets.has(name)) throw new FeatherdetError(`two tensors of a flat buffer have the name "${name}"`);
      offsets.set(name, end);
      end += Math.ceil(size / FLAT_ALIGNMENT) * FLAT_ALIGNMENT;
    }
    return [group, end] as const;
  });
  return { size: end, offsets, ends: Object.fromEntries(ends) as Record<FlatGroup, number> };
}

/** One flat array from arrays by name; zero where nothing lies. Throws FeatherdetError for a name that has no array. */
export function flatten(layout: FlatLayout, arrays: ReadonlyMap<string, ArrayLike<number>>): Float32Array<ArrayBuffer> {
  const flat = new Float32Array(layout.size);
  for (const [name, offset] of layout.offsets) {
    const data = arrays.get(name);
    if (!data) throw new FeatherdetError(`a flat buffer has a place for "${name}", but no data was given`);
    flat.set(data, offset);
  }
  return flat;
}

/** The arrays of the given tensors out of a flat one; copies. */
export function unflatten(
  layout: FlatLayout,
  flat: Float32Array,
  tensors: readonly FlatTensor[],
): Map<string, Float32Array<ArrayBuffer>> {
  return new Map(tensors.map(({ name, size }) => {
    const offset = layout.offsets.get(name);
    if (offset === undefined) throw new FeatherdetError(`a flat buffer has no tensor "${name}"`);
    return [name, Float32Array.from(flat.subarray(offset, offset + size))];
  }));
}
