/**
 * What fixtures keep of a tensor: its sum, its norm and a few elements, evenly spread.
 *
 * @module
 */

import { assert } from "@std/assert";

/** As `digest` of `tests/fixtures/detection_loss.py` writes it. */
export interface Digest {
  readonly sum: number;
  readonly norm: number;
  /** Distance of neighbouring elements. */
  readonly step: number;
  readonly elements: readonly number[];
}

/** Asserts that a tensor is the digested one: norm and elements within a share of the norm, the sum within that of the elements' sum. */
export function assertDigest(data: Float64Array, expected: Digest, tolerance: number, what: string): void {
  const norm = Math.sqrt(data.reduce((sum, value) => sum + value ** 2, 0));
  const near = (name: string, actual: number, wanted: number, allowed: number) =>
    assert(
      Math.abs(actual - wanted) <= allowed,
      `${what}: ${name} is ${actual}, the fixture says ${wanted} (norm ${expected.norm})`,
    );
  // Some are 0 but for rounding: what is added in front of a normalisation, say.
  const allowed = tolerance * Math.max(expected.norm, 1e-3);
  near("norm", norm, expected.norm, allowed);
  near("sum", data.reduce((a, b) => a + b, 0), expected.sum, allowed * Math.sqrt(data.length));
  expected.elements.forEach((value, i) =>
    near(`element ${i * expected.step}`, data[i * expected.step], value, allowed)
  );
}
