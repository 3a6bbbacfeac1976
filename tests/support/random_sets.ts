/**
 * Random data sets with detections, full of what evaluators get wrong: equal scores, equal overlaps, overlaps on a threshold, crowds,
 * more than a hundred detections of a class, pictures without objects or detections, classes without either, areas that are not those of the boxes.
 *
 * @module
 */

import type { GroundTruth } from "../../src/data/dataset.ts";
import type { CocoDetection, TruthSet } from "../../src/eval/coco.ts";
import { seededRandom } from "./random.ts";

/** A data set and detections on it. */
export interface RandomCase {
  readonly set: TruthSet;
  readonly detections: readonly CocoDetection[];
}

/** A case from a seed; equal seeds give equal cases. */
export function randomCase(seed: number): RandomCase {
  const random = seededRandom(seed);
  const upTo = (limit: number) => Math.floor(random() * limit);
  const classes = 1 + upTo(5);
  const categoryIds = Array.from({ length: classes }, (_, k) => 7 * k + 3);
  // Coarse grids give equal overlaps and overlaps on thresholds; fine ones give everything else.
  const grid = random() < 0.5 ? 5 : 0.01, scores = random() < 0.5 ? 8 : 1e6, sizes = random() < 0.3 ? 400 : 60;
  const snap = (value: number) => Math.max(grid, Math.round(value / grid) * grid);
  const detections: CocoDetection[] = [];
  let nextId = 1;
  const images = Array.from({ length: upTo(12) + 1 }, (_, i) => {
    const id = (i * 37) % 101;
    const boxes = Array.from({ length: upTo(9) }, (): GroundTruth => {
      const [x, y, width, height] = [random() * 300, random() * 200, random() * sizes, random() * sizes].map(snap);
      const isBoxArea = random() < 0.5;
      return {
        id: nextId++,
        // The last class is often absent.
        classId: upTo(random() < 0.7 ? Math.max(1, classes - 1) : classes),
        box: [x, y, x + width, y + height],
        area: isBoxArea ? width * height : random() < 0.2 ? 1024 : width * height * random(),
        crowd: random() < 0.15,
      };
    });
    const claims = Array.from({ length: random() < 0.05 ? 90 + upTo(80) : upTo(20) }, (): CocoDetection => {
      const near = boxes.length > 0 && random() < 0.8 ? boxes[upTo(boxes.length)] : undefined;
      const shift = () => (random() < 0.3 ? 0 : (random() - 0.5) * 20);
      const [x1, y1, x2, y2] = near?.box ?? [random() * 300, random() * 200, 300 + random() * 30, 200 + random() * 30];
      const [x, y, right, bottom] = [x1 + shift(), y1 + shift(), x2 + shift(), y2 + shift()].map(snap);
      return {
        image_id: id,
        category_id: categoryIds[near && random() < 0.9 ? near.classId : upTo(classes)],
        bbox: [x, y, Math.max(0, right - x), Math.max(0, bottom - y)],
        score: Math.ceil(random() * scores) / scores,
      };
    });
    detections.push(...claims);
    return { id, boxes };
  });
  return { set: { classes: categoryIds.map((id) => `class of ${id}`), categoryIds, images }, detections };
}

if (import.meta.main) {
  // For `make_coco_figures.py`: the cases of the seeds from 1 up to the number given.
  console.log(JSON.stringify(Array.from({ length: Number(Deno.args[0]) }, (_, i) => randomCase(i + 1))));
}
