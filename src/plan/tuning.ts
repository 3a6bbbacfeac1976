/**
 * Tuning records: which tile was measured to be fastest for which convolution on one adapter.
 *
 * @module
 */

import type { ConvAttributes } from "../graph/operators.ts";
import type { ConvTile } from "../kernels/conv_direct.ts";

/** What tuning found on one adapter, for one form of storage. */
export interface Tuning {
  /** Name of the adapter. */
  readonly adapter: string;
  /** Storage of activations: `texture` or `buffer`. */
  readonly storage: string;
  /** Stored type: `f32` or `f16`. */
  readonly scalar: string;
  /** Best tile by convolution (see `convKey`), and its GPU time in milliseconds. */
  readonly tiles: Readonly<Record<string, ConvTile & { readonly milliseconds: number }>>;
}

/** The name of a convolution's shape in a tuning record, such as `3x3 s1 1x64x80x80->64 r int8`; `r` marks a residual. */
export function convKey(
  input: readonly number[],
  weight: readonly number[],
  attributes: ConvAttributes,
  residual: boolean,
  int8: boolean,
): string {
  const [outputs, , kh, kw] = weight;
  return `${kh}x${kw} s${attributes.strides[0]} ${input.join("x")}->${outputs}${residual ? " r" : ""}${
    int8 ? " int8" : ""
  }`;
}
