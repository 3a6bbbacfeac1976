/**
 * Assigns detections of one class to true boxes, picture by picture, as COCO's protocol does: greedily, best score first, for each
 * area range and each threshold of overlap.
 *
 * @module
 */

import { overlap } from "./overlap.ts";
import { AREA_RANGES, IOU_THRESHOLDS } from "./protocol.ts";
import type { DetectionTable, TruthTable } from "./table.ts";

/** What became of the detections of a class in one area range. */
export interface Matches {
  /** Bit `t` of a detection: it was assigned to a true box at threshold `t`. */
  readonly matched: Uint16Array;
  /** Bit `t` of a detection: it counts neither as correct nor as wrong at threshold `t`. */
  readonly ignored: Uint16Array;
  /** True boxes that count. */
  readonly truths: number;
}

/** What became of the detections of a class: arrays by the detections of the class, in the order of the table. */
export interface ClassMatches {
  readonly score: Float64Array;
  /** Place of each detection on its picture, best first. */
  readonly rank: Uint8Array;
  /** By area range. */
  readonly areas: readonly Matches[];
}

const ALL_BITS = (1 << IOU_THRESHOLDS.length) - 1;

/** True boxes and detections of a class on one picture, and their overlaps. */
interface Scene {
  readonly detections: number;
  readonly truths: number;
  readonly crowd: Uint8Array;
  /** Row by row, one row a detection. */
  readonly overlaps: Float64Array;
  /** Greatest of each row. */
  readonly greatest: Float64Array;
}

function sceneOf(truth: TruthTable, t0: number, t1: number, found: DetectionTable, d0: number, d1: number): Scene {
  const [truths, detections] = [t1 - t0, d1 - d0];
  const overlaps = new Float64Array(truths * detections), greatest = new Float64Array(detections);
  for (let d = 0; d < detections; d++) {
    for (let g = 0; g < truths; g++) {
      const value = overlap(found.box, d0 + d, truth.box, t0 + g, truth.crowd[t0 + g] === 1);
      overlaps[d * truths + g] = value;
      if (value > greatest[d]) greatest[d] = value;
    }
  }
  return { detections, truths, crowd: truth.crowd.subarray(t0, t1), overlaps, greatest };
}

/** Assigns at one threshold; `order` has the true boxes that count before those that are `left` out. */
function assign(
  { detections, truths, crowd, overlaps, greatest }: Scene,
  threshold: number,
  order: readonly number[],
  left: Uint8Array,
  taken: Uint8Array,
  report: (detection: number, truth: number) => void,
): void {
  taken.fill(0);
  const least = Math.min(threshold, 1 - 1e-10);
  for (let d = 0; d < detections; d++) {
    if (greatest[d] < least) continue;
    let best = least, match = -1;
    for (const g of order) {
      if (taken[g] === 1 && crowd[g] === 0) continue;
      // Whoever has found a box that counts does not go on to those left out.
      if (match >= 0 && left[match] === 0 && left[g] === 1) break;
      const value = overlaps[d * truths + g];
      if (value < best) continue;
      best = value;
      match = g;
    }
    if (match < 0) continue;
    taken[match] = 1;
    report(d, match);
  }
}

/** Assigns the detections of class `k`. */
export function matchClass(truth: TruthTable, found: DetectionTable, k: number): ClassMatches {
  const [firstTruth, endTruth] = [truth.start[k], truth.start[k + 1]];
  const [firstFound, endFound] = [found.start[k], found.start[k + 1]];
  const count = endFound - firstFound;
  const rank = new Uint8Array(count);
  const areas = AREA_RANGES.map(([least, greatest]) => {
    let truths = 0;
    for (let g = firstTruth; g < endTruth; g++) {
      if (truth.crowd[g] === 0 && truth.area[g] >= least && truth.area[g] <= greatest) truths++;
    }
    return { matched: new Uint16Array(count), ignored: new Uint16Array(count), truths };
  });
  let t0 = firstTruth;
  for (let d0 = firstFound, d1 = d0; d0 < endFound; d0 = d1) {
    const picture = found.image[d0];
    while (d1 < endFound && found.image[d1] === picture) rank[d1 - firstFound] = d1++ - d0;
    while (t0 < endTruth && truth.image[t0] < picture) t0++;
    let t1 = t0;
    while (t1 < endTruth && truth.image[t1] === picture) t1++;
    const scene = sceneOf(truth, t0, t1, found, d0, d1);
    const left = new Uint8Array(scene.truths), taken = new Uint8Array(scene.truths);
    AREA_RANGES.forEach(([least, greatest], a) => {
      const { matched, ignored } = areas[a];
      const counted: number[] = [], others: number[] = [];
      for (let g = 0; g < scene.truths; g++) {
        const area = truth.area[t0 + g];
        left[g] = scene.crowd[g] === 1 || area < least || area > greatest ? 1 : 0;
        (left[g] === 1 ? others : counted).push(g);
      }
      const order = [...counted, ...others];
      const first = d0 - firstFound;
      if (order.length > 0) {
        IOU_THRESHOLDS.forEach((threshold, t) =>
          assign(scene, threshold, order, left, taken, (d, g) => {
            matched[first + d] |= 1 << t;
            ignored[first + d] |= left[g] << t;
          })
        );
      }
      for (let d = d0; d < d1; d++) {
        // Found nothing, but would not have been looked for either.
        const outside = found.area[d] < least || found.area[d] > greatest;
        if (outside) ignored[d - firstFound] |= ALL_BITS & ~matched[d - firstFound];
      }
    });
    t0 = t1;
  }
  return { score: found.score.subarray(firstFound, endFound), rank, areas };
}
