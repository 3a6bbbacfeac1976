/**
 * Comparing lists of detections.
 *
 * @module
 */

import { intersectionOverUnion } from "../../src/detect/nms.ts";

/** What is compared of a detection. */
export interface FoundBox {
  readonly box: readonly [number, number, number, number];
  readonly score: number;
  readonly classId: number;
}

/** When two detections are the same. */
export interface Sameness {
  /** They overlap by more than this. */
  readonly iou: number;
  /** Their scores differ by at most this. */
  readonly score: number;
}

/** How two lists of detections go together. */
export interface Agreement {
  /** Pairs that are the same. */
  readonly same: number;
  /** Detections that only one of the lists has. */
  readonly onlyFirst: readonly FoundBox[];
  readonly onlySecond: readonly FoundBox[];
}

/** Pairs every detection of the first list with the one of the second that it overlaps most, each of them once. */
export function compareDetections(
  first: readonly FoundBox[],
  second: readonly FoundBox[],
  { iou, score }: Sameness,
): Agreement {
  const free = new Set(second);
  const onlyFirst = first.filter((one) => {
    const rivals = [...free].filter((other) => other.classId === one.classId);
    const overlaps = rivals.map((other) => intersectionOverUnion(one.box, other.box));
    const best = overlaps.indexOf(Math.max(...overlaps));
    const same = best >= 0 && overlaps[best] > iou && Math.abs(rivals[best].score - one.score) <= score;
    if (same) free.delete(rivals[best]);
    return !same;
  });
  return { same: first.length - onlyFirst.length, onlyFirst, onlySecond: [...free] };
}

/** A detection in one line. */
export function printDetection({ box, score, classId }: FoundBox): string {
  return `class ${classId} ${score.toFixed(4)} [${box.map((value) => value.toFixed(2)).join(" ")}]`;
}
