/**
 * The arithmetic that scenes are made with. It keeps to what IEEE 754 fixes to the last bit (the four operations, square root,
 * rounding) and to integers: sines and logarithms differ between engines in their last digit, which would make the same seed give
 * pictures that differ.
 *
 * @module
 */

import type { Random } from "../../numbers/random.ts";

/** A direction of length 1. */
export type Direction = readonly [x: number, y: number];

/** Within 0 and 1. */
export function clamp01(value: number): number {
  return value < 0 ? 0 : value > 1 ? 1 : value;
}

/** A direction, each as likely as any other: a point of the unit disc, found by trying, moved to its edge. */
export function randomDirection(random: Random): Direction {
  while (true) {
    const [x, y] = [random.uniform(-1, 1), random.uniform(-1, 1)];
    const square = x * x + y * y;
    if (square <= 0.01 || square > 1) continue;
    const length = Math.sqrt(square);
    return [x / length, y / length];
  }
}

/** Between `low` and `high`, nearer to `low` more often: half of all are in the first quarter. */
export function mostlyLow(random: Random, low: number, high: number): number {
  const part = random.next();
  return low + (high - low) * part * part;
}

/** Mixes 32 bits so that neighbours have nothing in common; different values stay different. */
export function mix(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x7feb352d);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
  return mixed ^ (mixed >>> 16);
}

/** A number in `[0, 1)` for a point of a lattice. */
function latticeValue(x: number, y: number, seed: number): number {
  return (mix(Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ seed) >>> 0) / 0x1_0000_0000;
}

/** From 0 to 1 as its argument goes from 0 to 1, without a bend at either end. */
function smooth(part: number): number {
  return part * part * (3 - 2 * part);
}

/** Smooth noise in `[0, 1)`: random values at whole coordinates, blended in between. */
export function noiseAt(x: number, y: number, seed: number): number {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const right = smooth(x - left);
  const down = smooth(y - top);
  const upper = latticeValue(left, top, seed) * (1 - right) + latticeValue(left + 1, top, seed) * right;
  const lower = latticeValue(left, top + 1, seed) * (1 - right) + latticeValue(left + 1, top + 1, seed) * right;
  return upper * (1 - down) + lower * down;
}

/** Adds noise of one size of grain to a field of `width` x `height`: as `noiseAt`, row by row because that is quicker. */
export function addNoiseField(
  field: Float32Array,
  width: number,
  height: number,
  { grain, strength, random }: { grain: number; strength: number; random: Random },
): void {
  const columns = Math.ceil(width / grain) + 2;
  const lattice = () => Float32Array.from({ length: columns }, () => (random.next() - 0.5) * strength);
  const column = Int32Array.from({ length: width }, (_, x) => Math.floor(x / grain));
  const right = Float32Array.from(column, (left, x) => smooth(x / grain - left));
  const blended = new Float32Array(columns);
  let [upper, lower] = [lattice(), lattice()];
  let row = 0;
  for (let y = 0, at = 0; y < height; y++) {
    while (Math.floor(y / grain) > row) {
      [upper, lower] = [lower, lattice()];
      row++;
    }
    const down = smooth(y / grain - row);
    for (let i = 0; i < columns; i++) blended[i] = upper[i] + down * (lower[i] - upper[i]);
    for (let x = 0; x < width; x++, at++) {
      const from = blended[column[x]];
      field[at] += from + right[x] * (blended[column[x] + 1] - from);
    }
  }
}
