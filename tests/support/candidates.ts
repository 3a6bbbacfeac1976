/**
 * Checks the candidates that decoding kernels find.
 *
 * @module
 */

import { readDetections } from "../../src/detect/decode.ts";
import type { Operand } from "../../src/kernels/context.ts";
import { DETECT_VALUES, type DetectSpace, suppress } from "../../src/kernels/detect/mod.ts";
import type { Kernel, StorageForm } from "../../src/kernels/kernel.ts";
import { type ReferenceCandidate, suppressReference } from "../../src/reference/detect.ts";
import { assert, assertEquals } from "./assert.ts";
import { PITCH } from "./compare.ts";
import { detectTensors } from "./detect.ts";
import { runKernels, type TestTensor } from "./gpu.ts";

/** Side of the pictures: no box is cut. */
export const CANDIDATES_SIDE = 4096;

/** A value in plain order. */
export function plainOperand(value: string, shape: readonly number[]): Operand {
  return { value, shape, layout: { kind: "plain", shape } };
}

/** Runs decoding kernels with a suppression that suppresses nothing, and checks every candidate. */
export async function checkCandidates(
  kernels: readonly Kernel[],
  inputs: readonly TestTensor[],
  space: DetectSpace,
  form: StorageForm,
  expected: readonly (readonly ReferenceCandidate[])[],
): Promise<void> {
  const all = [...kernels, suppress({ space, iou: 1 })];
  const results = await runKernels(all, [...inputs, ...detectTensors(space, CANDIDATES_SIDE)], form, PITCH);
  expected.forEach((candidates, image) => {
    const { detections, candidates: count } = readDetections(results.get(DETECT_VALUES.result)!, image);
    assertEquals(count, candidates.length, `image ${image}: candidates`);
    const best = suppressReference(candidates, 1, 300, 30000);
    assertEquals(detections.length, best.length);
    detections.forEach(({ box, score, classId }, i) => {
      const near = best[i].box.every((value, k) => Math.abs(Math.max(0, value) - box[k]) < 0.01);
      const same = classId === best[i].label && Math.abs(score - best[i].score) < 1e-5;
      assert(
        near && same,
        `image ${image}, place ${i}: ${box} ${score} ${classId}, expected ${JSON.stringify(best[i])}`,
      );
    });
  });
}
