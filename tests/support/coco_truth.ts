/**
 * A COCO-form file read without the project's own readers.
 *
 * @module
 */

import type { TruthSet } from "../../src/eval/coco.ts";

interface CocoFile {
  images: { id: number }[];
  categories: { id: number; name: string }[];
  annotations: {
    id: number;
    image_id: number;
    category_id: number;
    bbox: [number, number, number, number];
    area: number;
    iscrowd?: number;
  }[];
}

/** The true boxes of a COCO-form file, as they are in it. */
export async function cocoTruth(file: URL): Promise<TruthSet> {
  const { images, categories, annotations }: CocoFile = JSON.parse(await Deno.readTextFile(file));
  const categoryIds = categories.map(({ id }) => id);
  return {
    classes: categories.map(({ name }) => name),
    categoryIds,
    images: images.map(({ id }) => ({
      id,
      boxes: annotations.filter(({ image_id }) => image_id === id).map((one) => {
        const [x, y, width, height] = one.bbox;
        return {
          id: one.id,
          classId: categoryIds.indexOf(one.category_id),
          box: [x, y, x + width, y + height] as const,
          area: one.area,
          crowd: one.iscrowd === 1,
        };
      }),
    })),
  };
}
