/**
 * Data sets as COCO-form text, and digests of what they say.
 *
 * @module
 */

import type { Dataset } from "../dataset.ts";
import { sha256Of } from "./checksum.ts";

/** The text of an `instances.json` for a data set. */
export function cocoText({ name, split, classes, categoryIds, images }: Dataset): string {
  return JSON.stringify({
    info: { description: split === undefined ? name : `${name} ${split}` },
    licenses: [],
    images: images.map(({ id, name, width, height }) => ({ id, file_name: name, width, height })),
    annotations: images.flatMap((image) =>
      image.boxes.map(({ id, classId, box: [x1, y1, x2, y2], area, crowd }) => ({
        id,
        image_id: image.id,
        category_id: categoryIds[classId],
        bbox: [x1, y1, x2 - x1, y2 - y1],
        area,
        iscrowd: crowd ? 1 : 0,
      }))
    ),
    categories: classes.map((name, classId) => ({ id: categoryIds[classId], name, supercategory: "" })),
  });
}

/** SHA-256 over all boxes (picture, class, edges to a hundredth of a pixel), whatever order they are in. */
export function boxesDigest({ classes, images }: Dataset): string {
  const lines = images.flatMap(({ name, boxes }) =>
    boxes.map(({ classId, box }) => `${name} ${classes[classId]} ${box.map((edge) => edge.toFixed(2)).join(" ")}`)
  );
  return sha256Of(lines.sort().join("\n"));
}
