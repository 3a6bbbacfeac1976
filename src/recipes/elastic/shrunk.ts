/**
 * Batches of smaller pictures: steps of an elastic network at another input size.
 *
 * @module
 */

import type { TrainingBatch } from "../../train/loop/trainer.ts";

/** Numbers of a box: class, left, top, right, bottom. */
const BOX = 5;

/** Where the pixels of a side lie on another: the two beside each, and the share of the second. */
function placesOf(from: number, to: number) {
  return Array.from({ length: to }, (_, at) => {
    const place = Math.min(from - 1, Math.max(0, (at + 0.5) * from / to - 0.5)), first = Math.floor(place);
    return { first, second: Math.min(from - 1, first + 1), share: place - first };
  });
}

/** Pictures and boxes of a batch of square pictures at a smaller side, with straight lines between pixels; the batch itself at its own. */
export function shrunk(batch: TrainingBatch, from: number, to: number): TrainingBatch {
  if (from === to) return batch;
  const maps = batch.images.length / from ** 2, places = placesOf(from, to), images = new Float32Array(maps * to * to);
  for (let map = 0, at = 0; map < maps; map++) {
    for (const row of places) {
      const [above, below] = [row.first, row.second].map((y) => map * from * from + y * from);
      for (const { first, second, share } of places) {
        const line = (start: number) =>
          batch.images[start + first] * (1 - share) + batch.images[start + second] * share;
        images[at++] = line(above) * (1 - row.share) + line(below) * row.share;
      }
    }
  }
  const boxes = batch.boxes.map((value, i) => i % BOX === 0 ? value : value * to / from);
  return { ...batch, images, boxes };
}
