/**
 * Weights of one, two or four bits: the levels that they have, and how they are packed into bytes.
 *
 * An element is a code of `bits` bits that stands for a level. Codes follow each other in row-major order, several a byte, the first
 * in the lowest bits; those that fill up the last byte are 0.
 *
 * @module
 */

import { FeatherdetError } from "./error.ts";
import { type Shape, sizeOf } from "./graph.ts";

/** Bits of a packed weight: 1 for binary, 2 for ternary, 4 for whole numbers from -7 to 7. */
export type WeightBits = 1 | 2 | 4;

/**
 * The level of each code. Ternary weights leave the last one unused. Codes of four bits are numbers in two's complement, packed as those of
 * ONNX's INT4 are; -8 is unused, so that a scale serves both signs.
 */
export const LEVELS: Readonly<Record<WeightBits, readonly number[]>> = {
  1: [-1, 1],
  2: [-1, 0, 1, 2],
  4: [0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1],
};

/** Every number of bits that packed weights may have. */
export const WEIGHT_BITS: readonly WeightBits[] = [1, 2, 4];

/** Bytes that `count` packed weights take. */
export function packedBytes(bits: WeightBits, count: number): number {
  return Math.ceil(count * bits / 8);
}

/**
 * Packs levels. Throws FeatherdetError for a number that is no level.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { packLevels } from "./packed_weights.ts";
 * assert.deepEqual(packLevels(2, [1, -1, 0, 1, 1]), Uint8Array.of(146, 2));
 * ```
 */
export function packLevels(bits: WeightBits, levels: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  const packed = new Uint8Array(packedBytes(bits, levels.length));
  const known = LEVELS[bits];
  for (let i = 0; i < levels.length; i++) {
    const code = known.indexOf(levels[i]);
    if (code < 0) throw new FeatherdetError(`${levels[i]} at index ${i} is no weight of ${bits} bits (${known})`);
    packed[i * bits >> 3] |= code << (i * bits & 7);
  }
  return packed;
}

/** The first `count` levels of packed weights. */
export function unpackLevels(bits: WeightBits, packed: ArrayLike<number>, count: number): Int8Array<ArrayBuffer> {
  const levels = new Int8Array(count);
  const known = LEVELS[bits], mask = (1 << bits) - 1;
  for (let i = 0; i < count; i++) levels[i] = known[packed[i * bits >> 3] >> (i * bits & 7) & mask];
  return levels;
}

/** What an UnpackWeights makes: the levels times the scale of their output channel, the first axis of the shape. */
export function unpackWeights(
  { bits, shape }: { readonly bits: WeightBits; readonly shape: Shape },
  packed: ArrayLike<number>,
  scale: ArrayLike<number>,
): Float32Array<ArrayBuffer> {
  const weights = Float32Array.from(unpackLevels(bits, packed, sizeOf(shape)));
  const channel = weights.length / shape[0];
  for (let output = 0; output < shape[0]; output++) {
    const factor = scale[output], end = (output + 1) * channel;
    for (let i = output * channel; i < end; i++) weights[i] *= factor;
  }
  return weights;
}
