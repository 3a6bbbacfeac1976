/**
 * From candidates to detections on the host: what `shaders/detect/suppress.wgsl` does on the device, with its order and its roundings.
 *
 * @module
 */

import { MAX_CANDIDATES } from "../../kernels/detect/mod.ts";
import type { Candidates } from "./candidates.ts";

/** What decides which candidates are kept. */
export interface SuppressSettings {
  /** Classes of an anchor. */
  readonly classes: number;
  /** Overlap above which two boxes of a class count as one object; undefined where all are kept. */
  readonly iou?: number;
  /** Most that are kept. */
  readonly maxDetections: number;
}

const { fround, max, min } = Math;

/**
 * Numbers of the candidates that are kept, best score first (equals by anchor, then class): those that overlap no kept one of their class by
 * more than `iou`.
 */
export function suppressCandidates({ scores, keys, boxes }: Candidates, settings: SuppressSettings): number[] {
  const { classes, iou, maxDetections } = settings;
  const limit = fround(iou ?? 0);
  const order = Uint32Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a] || keys[a] - keys[b]);
  const kept: number[] = [];
  /** Places in `boxes`, by class. */
  const byClass = new Map<number, number[]>();
  const area = (at: number) => fround(fround(boxes[at + 2] - boxes[at]) * fround(boxes[at + 3] - boxes[at + 1]));
  const overlaps = (a: number, b: number) => {
    const width = max(fround(min(boxes[a + 2], boxes[b + 2]) - max(boxes[a], boxes[b])), 0);
    const height = max(fround(min(boxes[a + 3], boxes[b + 3]) - max(boxes[a + 1], boxes[b + 1])), 0);
    const common = fround(width * height);
    return common > fround(limit * fround(fround(area(a) + area(b)) - common));
  };
  for (const candidate of order.subarray(0, MAX_CANDIDATES)) {
    if (kept.length >= maxDetections) break;
    const label = keys[candidate] % classes, at = 4 * Math.floor(keys[candidate] / classes);
    let rivals = byClass.get(label);
    if (rivals === undefined) byClass.set(label, rivals = []);
    if (iou !== undefined && rivals.some((rival) => overlaps(rival, at))) continue;
    rivals.push(at);
    kept.push(candidate);
  }
  return kept;
}
