/**
 * True boxes and detections as typed arrays, grouped by class and picture.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { MAX_DETECTIONS } from "./protocol.ts";
import type { CocoDetection, TruthSet } from "./results.ts";

/** Boxes grouped by class, within a class by picture in the order of the pictures' numbers. */
interface Grouped {
  /** Place of each box's picture in the order of the pictures' numbers. */
  readonly image: Uint32Array;
  /** Left, top, width, height of each box in pixels. */
  readonly box: Float64Array;
  /** Square pixels. */
  readonly area: Float64Array;
  /** Class `k` has the boxes from `start[k]` up to `start[k + 1]`. */
  readonly start: Uint32Array;
}

/** True boxes. */
export interface TruthTable extends Grouped {
  /** 1 for those that are not counted. */
  readonly crowd: Uint8Array;
}

/** Detections, those of a class on a picture best first and at most a hundred. */
export interface DetectionTable extends Grouped {
  readonly score: Float64Array;
}

/** Order of items by key, equal keys in the order given. */
function sortByKey(items: Uint32Array, key: Uint32Array, keys: number): Uint32Array {
  const next = new Uint32Array(keys + 1);
  for (let i = 0; i < items.length; i++) next[key[i] + 1]++;
  for (let k = 0; k < keys; k++) next[k + 1] += next[k];
  const sorted = new Uint32Array(items.length);
  for (const item of items) sorted[next[key[item]]++] = item;
  return sorted;
}

/** Items by class, within a class by picture, within a picture in the order given. */
function grouped(classId: Uint32Array, image: Uint32Array, classes: number, images: number): Uint32Array {
  const items = Uint32Array.from(classId, (_, i) => i);
  return sortByKey(sortByKey(items, image, images), classId, classes);
}

function starts(classId: Uint32Array, order: Uint32Array, classes: number): Uint32Array {
  const start = new Uint32Array(classes + 1);
  for (const item of order) start[classId[item] + 1]++;
  for (let k = 0; k < classes; k++) start[k + 1] += start[k];
  return start;
}

function gather<T extends Uint8Array | Uint32Array | Float64Array>(into: T, from: T, order: Uint32Array, width = 1): T {
  for (let i = 0; i < order.length; i++) {
    for (let k = 0; k < width; k++) into[width * i + k] = from[width * order[i] + k];
  }
  return into;
}

/** Place of each picture in the order of the numbers, by number. Throws FeatherdetError if two share one. */
function imagePlaces({ images }: TruthSet): Map<number, number> {
  const places = new Map(images.map(({ id }) => id).sort((a, b) => a - b).map((id, place) => [id, place]));
  if (places.size !== images.length) throw new FeatherdetError("two pictures of the data set have the same number");
  return places;
}

/** The table of a data set's true boxes. Throws FeatherdetError for one of a class that the set does not have. */
export function truthTable(set: TruthSet): TruthTable {
  const places = imagePlaces(set);
  const flat = set.images.flatMap(({ id, boxes }) => boxes.map((truth) => ({ truth, place: places.get(id)!, id })));
  const count = flat.length;
  const classId = new Uint32Array(count), image = new Uint32Array(count), crowd = new Uint8Array(count);
  const box = new Float64Array(4 * count), area = new Float64Array(count);
  flat.forEach(({ truth, place, id }, i) => {
    const { box: [x1, y1, x2, y2] } = truth;
    if (!(Number.isInteger(truth.classId) && truth.classId >= 0 && truth.classId < set.classes.length)) {
      throw new FeatherdetError(
        `picture ${id} has an object of class ${truth.classId}, the data set has ${set.classes.length} classes`,
      );
    }
    classId[i] = truth.classId;
    image[i] = place;
    box.set([x1, y1, x2 - x1, y2 - y1], 4 * i);
    area[i] = truth.area;
    crowd[i] = truth.crowd ? 1 : 0;
  });
  const order = grouped(classId, image, set.classes.length, places.size);
  return {
    image: gather(new Uint32Array(count), image, order),
    box: gather(new Float64Array(4 * count), box, order, 4),
    area: gather(new Float64Array(count), area, order),
    crowd: gather(new Uint8Array(count), crowd, order),
    start: starts(classId, order, set.classes.length),
  };
}

/** Within each class and picture: best first, equal scores in the order given, and no more than the protocol looks at. */
function bestOfEach(order: Uint32Array, classId: Uint32Array, image: Uint32Array, score: Float64Array): Uint32Array {
  const most = MAX_DETECTIONS[MAX_DETECTIONS.length - 1];
  const best = new Uint32Array(order.length);
  let kept = 0;
  for (let first = 0, end = 0; first < order.length; first = end) {
    const [k, place] = [classId[order[first]], image[order[first]]];
    while (end < order.length && classId[order[end]] === k && image[order[end]] === place) end++;
    const group = order.subarray(first, end).sort((a, b) => score[b] - score[a] || a - b);
    best.set(group.subarray(0, most), kept);
    kept += Math.min(most, group.length);
  }
  return best.slice(0, kept);
}

/**
 * The table of detections. Throws FeatherdetError for a detection of a picture or class that the data set does not have, and for one
 * whose box or score is no number.
 */
export function detectionTable(set: TruthSet, detections: Iterable<CocoDetection>): DetectionTable {
  const places = imagePlaces(set);
  const classOf = new Map(set.categoryIds.map((category, k) => [category, k]));
  const list = Array.isArray(detections) ? detections as readonly CocoDetection[] : [...detections];
  const count = list.length;
  const classId = new Uint32Array(count), image = new Uint32Array(count);
  const box = new Float64Array(4 * count), score = new Float64Array(count);
  list.forEach((one, i) => {
    const place = places.get(one.image_id), k = classOf.get(one.category_id);
    if (place === undefined) {
      throw new FeatherdetError(`detection ${i} is of picture ${one.image_id}, which the data set does not have`);
    }
    if (k === undefined) {
      throw new FeatherdetError(`detection ${i} is of category ${one.category_id}, which the data set does not have`);
    }
    const [x, y, width, height] = one.bbox;
    if (![x, y, width, height, one.score].every(Number.isFinite) || width < 0 || height < 0) {
      throw new FeatherdetError(`detection ${i} has the box [${one.bbox.join(", ")}] and the score ${one.score}`);
    }
    classId[i] = k;
    image[i] = place;
    box[4 * i] = x;
    box[4 * i + 1] = y;
    box[4 * i + 2] = width;
    box[4 * i + 3] = height;
    score[i] = one.score;
  });
  const order = bestOfEach(grouped(classId, image, set.classes.length, places.size), classId, image, score);
  const kept = order.length;
  const boxes = gather(new Float64Array(4 * kept), box, order, 4);
  return {
    image: gather(new Uint32Array(kept), image, order),
    box: boxes,
    area: Float64Array.from({ length: kept }, (_, i) => boxes[4 * i + 2] * boxes[4 * i + 3]),
    score: gather(new Float64Array(kept), score, order),
    start: starts(classId, order, set.classes.length),
  };
}
