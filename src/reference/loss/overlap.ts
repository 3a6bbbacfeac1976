/**
 * How much two boxes overlap: intersection over union and its generalised, distance and complete forms, with their slopes.
 *
 * With w, h the sides of a box, c the diagonal of the smallest box around both, C its area, d the distance of the centres:
 *
 *     iou  = intersection / union
 *     giou = iou - (C - union) / C                       (Rezatofighi et al. 2019)
 *     diou = iou - d^2 / c^2                             (Zheng et al. 2020)
 *     ciou = diou - alpha * v,   v = (2 / pi * (atan(w' / h') - atan(w / h)))^2,   alpha = v / (1 - iou + v)
 *
 * A small number is added to denominators and to heights, as usual, so that boxes without area have finite values and slopes.
 *
 * @module
 */

import type { BoxLoss } from "../../graph/operators.ts";

/** Left, top, right, bottom. */
export type Box = readonly [left: number, top: number, right: number, bottom: number];

/** Keeps denominators from 0. */
const EPSILON = 1e-7;

/** The overlap and its slope along each side of the first box. */
export interface Overlap {
  readonly value: number;
  readonly slope: Box;
}

/**
 * The overlap of a box with a target. The slope takes alpha of `ciou` as a constant, which is part of the definition of the loss.
 */
export function overlapOf(kind: BoxLoss, box: Box, target: Box): Overlap {
  const sides = [0, 1, 2, 3] as const;
  const combine = (f: (side: 0 | 1 | 2 | 3) => number) => sides.map(f) as unknown as Box;
  // Which way width and height grow with a side.
  const widens = [-1, 0, 1, 0], rises = [0, -1, 0, 1];
  const w = box[2] - box[0], h = box[3] - box[1] + EPSILON;
  const targetW = target[2] - target[0], targetH = target[3] - target[1] + EPSILON;

  const commonW = Math.min(box[2], target[2]) - Math.max(box[0], target[0]);
  const commonH = Math.min(box[3], target[3]) - Math.max(box[1], target[1]);
  const overlaps = commonW > 0 && commonH > 0;
  const intersection = overlaps ? commonW * commonH : 0;
  const union = w * h + targetW * targetH - intersection + EPSILON;
  const iou = intersection / union;
  // A side moves the intersection where it is the inner one.
  const inner = [box[0] > target[0], box[1] > target[1], box[2] < target[2], box[3] < target[3]];
  const intersectionSlope = combine((s) => overlaps && inner[s] ? widens[s] * commonH + rises[s] * commonW : 0);
  const unionSlope = combine((s) => widens[s] * h + rises[s] * w - intersectionSlope[s]);
  const iouSlope = combine((s) => (intersectionSlope[s] - iou * unionSlope[s]) / union);
  if (kind === "iou") return { value: iou, slope: iouSlope };

  const hullW = Math.max(box[2], target[2]) - Math.min(box[0], target[0]);
  const hullH = Math.max(box[3], target[3]) - Math.min(box[1], target[1]);
  const hullWSlope = combine((s) => inner[s] ? 0 : widens[s]);
  const hullHSlope = combine((s) => inner[s] ? 0 : rises[s]);
  if (kind === "giou") {
    const hull = hullW * hullH + EPSILON;
    const hullSlope = combine((s) => hullWSlope[s] * hullH + hullW * hullHSlope[s]);
    return {
      value: iou - (hull - union) / hull,
      slope: combine((s) => iouSlope[s] + unionSlope[s] / hull - union * hullSlope[s] / hull ** 2),
    };
  }

  const diagonal = hullW ** 2 + hullH ** 2 + EPSILON;
  const diagonalSlope = combine((s) => 2 * (hullW * hullWSlope[s] + hullH * hullHSlope[s]));
  // Centre less the target's, along x and y.
  const apart = [0, 1].map((axis) => (box[axis] + box[axis + 2] - target[axis] - target[axis + 2]) / 2);
  const distance = apart[0] ** 2 + apart[1] ** 2;
  const diou = iou - distance / diagonal;
  const diouSlope = combine((s) => iouSlope[s] - (apart[s % 2] - distance / diagonal * diagonalSlope[s]) / diagonal);
  if (kind === "diou") return { value: diou, slope: diouSlope };

  const angle = Math.atan(targetW / targetH) - Math.atan(w / h);
  const v = (2 / Math.PI * angle) ** 2;
  const alpha = v / (1 - iou + v + EPSILON);
  const slopeOfAngle = 8 / Math.PI ** 2 * angle / (w ** 2 + h ** 2);
  return {
    value: diou - alpha * v,
    slope: combine((s) => diouSlope[s] - alpha * slopeOfAngle * (rises[s] * w - widens[s] * h)),
  };
}
