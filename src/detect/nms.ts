/**
 * Non-maximum suppression on the host, for short lists that come from several runs, such as the tiles of a large picture. What a
 * run itself finds is suppressed on the device, by `shaders/detect/suppress.wgsl`.
 *
 * @module
 */

import type { RawDetection } from "./decode.ts";
import type { Corners } from "./letterbox.ts";

/** Area of a box. */
function area([x1, y1, x2, y2]: Corners): number {
  return (x2 - x1) * (y2 - y1);
}

/** Intersection over union of two boxes, in 0..1; 0 where both are empty. */
export function intersectionOverUnion(a: Corners, b: Corners): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const intersection = width * height;
  return intersection / (area(a) + area(b) - intersection);
}

/**
 * Those of the detections that overlap no better kept one of their class by more than `iou`, best first (equals in the order
 * given), at most `maxDetections`.
 */
export function suppressDetections<T extends RawDetection>(
  detections: readonly T[],
  iou: number,
  maxDetections = Infinity,
): T[] {
  const kept: T[] = [];
  const byClass = new Map<number, T[]>();
  for (const detection of [...detections].sort((a, b) => b.score - a.score)) {
    if (kept.length >= maxDetections) break;
    const rivals = byClass.get(detection.classId) ?? [];
    if (rivals.some(({ box }) => intersectionOverUnion(box, detection.box) > iou)) continue;
    kept.push(detection);
    byClass.set(detection.classId, [...rivals, detection]);
  }
  return kept;
}
