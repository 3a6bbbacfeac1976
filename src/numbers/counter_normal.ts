/**
 * Normal numbers by a counter: each follows from a seed, a place and the bits of a number, without a state that is carried on.
 *
 * `shaders/lib/counter_normal.wgsl` has the same on the device. Because the bits of what the noise is added to count too, another picture
 * has other noise at the same place, and the same picture always the same: runs are equal however they are split over dispatches, workers
 * or sessions, and a map that is computed again on the way back has the noise that it had.
 *
 * @module
 */

/** Mixes 32 bits: the steps of `Random`, all of which can be undone, so that no two counters meet. */
function scramble(bits: number): number {
  let mixed = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return mixed ^ (mixed >>> 15);
}

/** What a seed is mixed to before places are: neighbouring seeds are as different as any. */
export function scrambledSeed(seed: number): number {
  return scramble((seed + 0x9e3779b9) | 0);
}

const word = new DataView(new ArrayBuffer(4));

/** 24 bits of a word as a fraction. */
const fraction = (bits: number) => (bits >>> 8) / 2 ** 24;

/**
 * A normal number with mean 0 and variance 1 (Box-Muller; at most 5.8) that follows from a seed, a place (a whole number) and a value, of
 * which the bits in f32 count.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { counterNormal } from "./counter_normal.ts";
 * assert.equal(counterNormal(1, 7, 0.5), counterNormal(1, 7, 0.5));
 * assert.notEqual(counterNormal(1, 7, 0.5), counterNormal(1, 8, 0.5));
 * ```
 */
export function counterNormal(seed: number, place: number, value: number): number {
  word.setFloat32(0, value);
  const first = scramble(word.getInt32(0) ^ scramble((place + scrambledSeed(seed)) | 0));
  const second = scramble((first + 0x9e3779b9) | 0);
  // Never 0, of which there is no logarithm.
  const radius = Math.sqrt(-2 * Math.log(fraction(first) + 2 ** -24));
  return radius * Math.cos(2 * Math.PI * fraction(second));
}
