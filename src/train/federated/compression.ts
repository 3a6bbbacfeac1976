/**
 * What clients send made smaller: int8 by the toolkit's own quantizer, or the greatest numbers alone, with what was left out sent later.
 *
 * @module
 */

import { quantizeWeights } from "../../compress/quantize/weights.ts";
import { FeatherdetError } from "../../graph/error.ts";
import type { VectorPart } from "./vector.ts";

/** How updates are sent: as they are, in int8 with a scale for each tensor, or the greatest share of the numbers in int8. */
export type UpdateCompression = "none" | "int8" | "topk";

/** Four bytes that begin each packed update, by its form. */
const FORMS: Readonly<Record<UpdateCompression, number>> = { none: 0, int8: 1, topk: 2 };

const LITTLE = true;

/** Integers of numbers, with one scale. */
function integersOf(numbers: ArrayLike<number>): { readonly data: Int8Array; readonly scale: number } {
  const shape = [numbers.length], data = Float32Array.from(numbers);
  const { data: integers, scales: [scale] } = quantizeWeights({ data, shape }, undefined, { clip: false }, {
    inputScale: 1,
  });
  return { data: integers, scale };
}

/** The indices of the `count` numbers of greatest size, in ascending order. */
function greatest(vector: ArrayLike<number>, count: number): Uint32Array {
  const order = Uint32Array.from(vector, (_, i) => i).sort((a, b) =>
    Math.abs(vector[b]) - Math.abs(vector[a]) || a - b
  );
  return order.slice(0, count).sort();
}

/**
 * Packs an update. `keep` is the share of numbers that `topk` sends, at least one number.
 *
 * - `int8`: form, a float a part, a byte a number.
 * - `topk`: form, count, scale, an index and a byte for each number sent.
 */
export function packUpdate(
  vector: Float32Array,
  parts: readonly VectorPart[],
  how: UpdateCompression,
  keep = 0.01,
): Uint8Array<ArrayBuffer> {
  if (how === "none") {
    const bytes = new Uint8Array(4 + 4 * vector.length), view = new DataView(bytes.buffer);
    view.setUint32(0, FORMS.none, LITTLE);
    vector.forEach((value, i) => view.setFloat32(4 + 4 * i, value, LITTLE));
    return bytes;
  }
  if (how === "int8") {
    const bytes = new Uint8Array(4 + 4 * parts.length + vector.length), view = new DataView(bytes.buffer);
    view.setUint32(0, FORMS.int8, LITTLE);
    let at = 0;
    for (const [part, { length }] of parts.entries()) {
      const { data, scale } = integersOf(vector.subarray(at, at + length));
      view.setFloat32(4 + 4 * part, scale, LITTLE);
      bytes.set(new Uint8Array(data.buffer), 4 + 4 * parts.length + at);
      at += length;
    }
    return bytes;
  }
  const indices = greatest(vector, Math.max(1, Math.round(keep * vector.length)));
  const { data, scale } = integersOf(Float32Array.from(indices, (i) => vector[i]));
  const bytes = new Uint8Array(12 + 5 * indices.length), view = new DataView(bytes.buffer);
  view.setUint32(0, FORMS.topk, LITTLE);
  view.setUint32(4, indices.length, LITTLE);
  view.setFloat32(8, scale, LITTLE);
  indices.forEach((index, i) => view.setUint32(12 + 4 * i, index, LITTLE));
  bytes.set(new Uint8Array(data.buffer), 12 + 4 * indices.length);
  return bytes;
}

/** The vector that `packUpdate` has packed, as the server sees it. Throws FeatherdetError for bytes that are no packed update of these parts. */
export function unpackUpdate(bytes: Uint8Array, parts: readonly VectorPart[]): Float32Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 0), vector = new Float32Array(length);
  const wrong = (): never => {
    throw new FeatherdetError(`${bytes.length} bytes are no packed update of ${length} numbers`);
  };
  if (bytes.length < 4) wrong();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), form = view.getUint32(0, LITTLE);
  if (form === FORMS.none) {
    if (bytes.length !== 4 + 4 * length) wrong();
    return vector.map((_, i) => view.getFloat32(4 + 4 * i, LITTLE));
  }
  if (form === FORMS.int8) {
    const start = 4 + 4 * parts.length;
    if (bytes.length !== start + length) wrong();
    let at = 0;
    for (const [part, own] of parts.entries()) {
      const scale = view.getFloat32(4 + 4 * part, LITTLE);
      for (const end = at + own.length; at < end; at++) vector[at] = scale * view.getInt8(start + at);
    }
    return vector;
  }
  const count = form === FORMS.topk && bytes.length >= 12 ? view.getUint32(4, LITTLE) : wrong();
  if (bytes.length !== 12 + 5 * count) wrong();
  const scale = view.getFloat32(8, LITTLE);
  for (let i = 0; i < count; i++) {
    const index = view.getUint32(12 + 4 * i, LITTLE);
    if (index >= length) wrong();
    vector[index] = scale * view.getInt8(12 + 4 * count + i);
  }
  return vector;
}

/**
 * Packs a client's updates one round after the other. What packing left out is added to the next update (error feedback: Seide et al. 2014;
 * Karimireddy et al. 2019, https://arxiv.org/abs/1901.09847).
 */
export class UpdatePacker {
  #left: Float32Array | undefined;

  /** A packer of vectors of these parts. `left` is what an earlier one has left out. */
  constructor(
    private readonly parts: readonly VectorPart[],
    private readonly how: UpdateCompression,
    private readonly keep?: number,
    left?: Float32Array,
  ) {
    this.#left = left;
  }

  /** What was left out so far; undefined before the first update. */
  get left(): Float32Array | undefined {
    return this.#left;
  }

  /** Packs the next update. */
  pack(update: Float32Array): Uint8Array<ArrayBuffer> {
    const left = this.#left, wanted = left ? update.map((value, i) => value + left[i]) : update;
    const bytes = packUpdate(wanted, this.parts, this.how, this.keep), seen = unpackUpdate(bytes, this.parts);
    this.#left = Float32Array.from(wanted, (value, i) => value - seen[i]);
    return bytes;
  }
}
