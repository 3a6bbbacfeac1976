/**
 * The twelve figures from the accuracy of every class.
 *
 * @module
 */

import { accumulate, bestFirst, type ClassAccuracy } from "./accumulate.ts";
import type { ClassMatches } from "./match.ts";
import { AREA_RANGES, type CocoFigures, IOU_75, MAX_DETECTIONS, RECALL_POINTS } from "./protocol.ts";

/** Accuracy of a class as the figures need it; undefined if no true box counts. */
export interface ClassFigures {
  /** By area range, with the most detections a picture. */
  readonly areas: readonly (ClassAccuracy | undefined)[];
  /** Recall at each threshold by the number of detections a picture, objects of any size. */
  readonly recalls: readonly (Float64Array | undefined)[];
}

const MOST = MAX_DETECTIONS[MAX_DETECTIONS.length - 1];

/** Mean, or -1 of nothing. */
export function meanOf(numbers: Iterable<number>): number {
  let sum = 0, count = 0;
  for (const number of numbers) {
    sum += number;
    count++;
  }
  return count > 0 ? sum / count : -1;
}

/** Mean precision of a class at the threshold of overlap number `t`. */
export function precisionAt({ precision }: ClassAccuracy, t: number): Float64Array {
  return precision.subarray(t * RECALL_POINTS.length, (t + 1) * RECALL_POINTS.length);
}

/** Accuracy of a class in every area range and for every number of detections. */
export function classFigures({ score, rank, areas }: ClassMatches): ClassFigures & { readonly order: Uint32Array } {
  const order = bestFirst(score);
  const [all] = areas;
  const byArea = areas.map((matches) => matches.truths > 0 ? accumulate(matches, order, rank, MOST) : undefined);
  const recalls = MAX_DETECTIONS.map((most) => {
    if (most === MOST) return byArea[0]?.recall;
    return all.truths > 0 ? accumulate(all, order, rank, most).recall : undefined;
  });
  return { areas: byArea, recalls, order };
}

/** All numbers of several lists, those that are not there left out. */
function* each(lists: Iterable<Iterable<number> | undefined>): Generator<number> {
  for (const list of lists) if (list) yield* list;
}

/** The twelve figures. */
export function cocoFigures(classes: readonly ClassFigures[]): CocoFigures {
  const precision = (area: number, t?: number) =>
    meanOf(each(classes.map(({ areas }) => {
      const accuracy = areas[area];
      return accuracy && (t === undefined ? accuracy.precision : precisionAt(accuracy, t));
    })));
  const recall = (area: number) => meanOf(each(classes.map(({ areas }) => areas[area]?.recall)));
  const recallOf = (number: number) => meanOf(each(classes.map(({ recalls }) => recalls[number])));
  const [, small, medium, large] = AREA_RANGES.keys();
  return {
    map: precision(0),
    map50: precision(0, 0),
    map75: precision(0, IOU_75),
    mapSmall: precision(small),
    mapMedium: precision(medium),
    mapLarge: precision(large),
    mar1: recallOf(0),
    mar10: recallOf(1),
    mar100: recallOf(2),
    marSmall: recall(small),
    marMedium: recall(medium),
    marLarge: recall(large),
  };
}
