/**
 * Layouts for kernel tests, and how near a kernel must come to the reference.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { BlockedLayout, StorageForm } from "../../src/kernels/kernel.ts";

/** Cells in a row of the tests' arenas. */
export const PITCH = 301;

/** Every way in which activations are stored. */
export const FORMS: readonly StorageForm[] = [
  { storage: "texture", scalar: "f32", pageShift: 3 },
  { storage: "buffer", scalar: "f32", pageShift: 3 },
  { storage: "texture", scalar: "f16", pageShift: 3 },
  { storage: "buffer", scalar: "f16", pageShift: 3 },
];

/**
 * The forms of kernels beside the basic ones. Forms differ in the libraries that all kernels include; tests of convolutions, arithmetic,
 * copies and pooling read and write by each of them. The other kernels are tested in two forms, which have neither storage nor type in
 * common, and in all of them with FEATHERDET_TEST_FORMS=all (`tests/long/kernel_forms.ts`).
 */
export const SOME_FORMS: readonly StorageForm[] = Deno.env.get("FEATHERDET_TEST_FORMS") === "all"
  ? FORMS
  : [FORMS[0], FORMS[3]];

/** Name of a form for test titles. */
export const formName = ({ storage, scalar }: StorageForm) => `${storage} ${scalar}`;

/** `[N,C,H,W]` (or `[N,C,L]`) in row memory, with several planes side by side and a gap below them. */
export function blockedLayout(shape: readonly number[], columns = 3, gap = 2): BlockedLayout {
  const [batch, channels, height, width] = shape.length === 3 ? [shape[0], shape[1], 1, shape[2]] : shape;
  const most = Math.max(1, Math.floor(PITCH / width));
  const planes = batch * Math.ceil(channels / 4);
  return {
    kind: "blocked",
    batch,
    channels,
    height,
    width,
    columns: Math.min(columns, most, planes),
    rise: height + gap,
  };
}

/** Rounds to what the form can store, so that inputs are the same on both sides. */
export function storable(data: Float32Array, { scalar }: StorageForm): Float32Array {
  return scalar === "f16" ? Float32Array.from(new Float16Array(data)) : data;
}

/**
 * Asserts that every element lies within a relative 1e-5 (f32) or 2e-3 (f16) of the reference, relative to the larger of 1
 * and the element; `slack` widens that for long sums.
 */
export function assertClose(
  actual: Float32Array,
  expected: ArrayLike<number>,
  { scalar }: StorageForm,
  what: string,
  slack = 1,
): void {
  assertEquals(actual.length, expected.length, `${what}: number of elements`);
  const relative = slack * (scalar === "f16" ? 2e-3 : 1e-5);
  for (let i = 0; i < actual.length; i++) {
    const allowed = relative * Math.max(1, Math.abs(expected[i]));
    const near = Math.abs(actual[i] - expected[i]) <= allowed;
    assert(near, `${what}: element ${i} is ${actual[i]}, the reference says ${expected[i]}`);
  }
}
