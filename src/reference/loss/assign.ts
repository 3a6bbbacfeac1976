/**
 * Task-aligned assignment (Feng et al. 2021, "TOOD"): which anchors learn which box, and with what target score.
 *
 * A box may claim the anchors whose points lie inside it. It claims the `topK` best aligned of them,
 *
 *     metric = score^alpha * overlap^beta,
 *
 * with the anchor's score for the box's class and the overlap (CIoU, at least 0) of the anchor's box. An anchor that several boxes claim
 * goes to that box around it with which it overlaps most, be it one of these or not. Target scores are the metrics of a box's
 * anchors, scaled so that the greatest becomes the greatest overlap among them.
 *
 * @module
 */

import { type Box, overlapOf } from "./overlap.ts";

/** A box to be found. */
export interface TargetBox {
  readonly box: Box;
  readonly label: number;
}

/** An anchor with what the head says at it. */
export interface Anchor {
  /** Its centre in input pixels. */
  readonly point: readonly [x: number, y: number];
  /** Its box in input pixels. */
  readonly box: Box;
  /** Its score for a class, 0..1. */
  readonly score: (label: number) => number;
}

/** Settings of the assignment. */
export interface AssignOptions {
  readonly topK: number;
  readonly alpha: number;
  readonly beta: number;
}

/** What an anchor learns. */
export interface Assigned {
  /** Index of the box, -1 for none. */
  readonly box: number;
  readonly metric: number;
  readonly overlap: number;
  /** Target score of the box's class. */
  readonly target: number;
}

/** Greatest metric and overlap among the anchors of a box, 0 if it has none. */
export interface BoxMaxima {
  readonly metric: number;
  readonly overlap: number;
}

/** Keeps the greatest metric, which target scores are divided by, from 0. */
const EPSILON = 1e-9;

/** Whether a point lies inside a box; on its edge it does not. */
export function isInside([x, y]: readonly [number, number], [left, top, right, bottom]: Box): boolean {
  return Math.min(x - left, y - top, right - x, bottom - y) > EPSILON;
}

/** Assigns the anchors of one image to its boxes. Undefined boxes are ignored. */
export function assignTargets(
  anchors: readonly Anchor[],
  boxes: readonly (TargetBox | undefined)[],
  { topK, alpha, beta }: AssignOptions,
): { readonly assigned: Assigned[]; readonly maxima: BoxMaxima[] } {
  const pairs = boxes.map((target) =>
    anchors.map(({ point, box, score }) => {
      if (target === undefined || !isInside(point, target.box)) return { metric: 0, overlap: 0 };
      const overlap = Math.max(overlapOf("ciou", box, target.box).value, 0);
      return { metric: overlap > 0 ? score(target.label) ** alpha * overlap ** beta : 0, overlap };
    })
  );
  const claims = pairs.map((row) => {
    const ranked = row.map(({ metric }, anchor) => ({ metric, anchor })).filter(({ metric }) => metric > 0);
    return new Set(ranked.sort((a, b) => b.metric - a.metric).slice(0, topK).map(({ anchor }) => anchor));
  });
  const owners = anchors.map((_, anchor) => {
    const claimants = claims.flatMap((claimed, box) => claimed.has(anchor) ? [box] : []);
    if (claimants.length < 2) return claimants[0] ?? -1;
    const overlaps = pairs.map((row) => row[anchor].overlap);
    return overlaps.indexOf(Math.max(...overlaps));
  });
  const maxima = boxes.map((_, box): BoxMaxima => {
    const own = pairs[box].filter((_, anchor) => owners[anchor] === box);
    return {
      metric: Math.max(0, ...own.map(({ metric }) => metric)),
      overlap: Math.max(0, ...own.map(({ overlap }) => overlap)),
    };
  });
  const assigned = owners.map((box, anchor): Assigned => {
    if (box < 0) return { box, metric: 0, overlap: 0, target: 0 };
    const { metric, overlap } = pairs[box][anchor];
    return { box, metric, overlap, target: metric * maxima[box].overlap / (maxima[box].metric + EPSILON) };
  });
  return { assigned, maxima };
}
