/**
 * Checks the candidates that decoders on the host find.
 *
 * @module
 */

import type { Candidates } from "../../src/detect/host/candidates.ts";
import type { ReferenceCandidate } from "../../src/reference/detect.ts";
import { assert, assertEquals } from "./assert.ts";

/** Fails unless the candidates are the expected ones, in any order. */
export function checkHostCandidates(
  { scores, keys, boxes, faults }: Candidates,
  classes: number,
  expected: readonly ReferenceCandidate[],
): void {
  const keyOf = ({ anchor, label }: ReferenceCandidate) => anchor * classes + label;
  const byKey = new Map(expected.map((candidate) => [keyOf(candidate), candidate]));
  assertEquals(keys.toSorted((a, b) => a - b), [...byKey.keys()].toSorted((a, b) => a - b));
  assertEquals(faults, 0);
  keys.forEach((key, i) => {
    const { box, score, anchor } = byKey.get(key)!;
    const found = boxes.subarray(4 * anchor, 4 * anchor + 4);
    const near = box.every((value, k) => Math.abs(value - found[k]) < 0.001) && Math.abs(score - scores[i]) < 1e-6;
    assert(near, `candidate ${key}: ${found} ${scores[i]}, expected ${box} ${score}`);
  });
}
