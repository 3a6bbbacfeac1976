/**
 * Data sets of synthetic pictures that the demo detector knows, in memory and as folders.
 *
 * @module
 */

import { join } from "node:path";
import type { Dataset, DatasetImage } from "../../src/data/dataset.ts";
import { encodePng } from "../../src/image/codec/encode.ts";
import { SYNTHETIC_CLASSES, syntheticPicture } from "../../src/data/synthetic.ts";

const CLASSES = SYNTHETIC_CLASSES.map(({ label }) => label);

/** Numbers of the pictures, which are not in order. */
const numberOf = (index: number) => 100 + (7 * index) % 11;

type Sizes = readonly [number, number];

function picture(index: number, sizes?: Sizes) {
  const { image, objects } = syntheticPicture({
    seed: index + 1,
    width: 200 + 13 * index,
    height: 190,
    objects: 5,
    sizes,
  });
  const boxes = objects.map(({ classId, box }, i) => {
    const [x1, y1, x2, y2] = box;
    return { id: 20 * index + i + 1, classId, box, area: (x2 - x1) * (y2 - y1), crowd: false };
  });
  return { image, boxes };
}

/**
 * A set of up to 11 pictures of different sizes, at most five objects on each; `onLoad` is told of each that is asked for, and may throw;
 * `sizes` are the least and greatest widths of objects.
 */
export function demoDataset(
  count: number,
  onLoad: (image: DatasetImage) => void = () => {},
  sizes?: Sizes,
): Dataset {
  const images = Array.from({ length: count }, (_, index): DatasetImage => {
    const { image: pixels, boxes } = picture(index, sizes);
    const image: DatasetImage = {
      id: numberOf(index),
      name: `seed ${index + 1}`,
      width: pixels.width,
      height: pixels.height,
      boxes,
      bytes: () => encodePng(pixels),
      load() {
        onLoad(image);
        return Promise.resolve(pixels);
      },
    };
    return image;
  });
  return { name: "demo", classes: CLASSES, categoryIds: [4, 2, 9], images, warnings: [] };
}

/** Writes such a set into an empty folder in COCO's form. */
export async function writeDemoFolder(folder: string, count: number): Promise<void> {
  const { classes, categoryIds, images } = demoDataset(count);
  await Deno.mkdir(join(folder, "images"));
  for (const image of images) await Deno.writeFile(join(folder, "images", `${image.id}.png`), await image.bytes());
  const annotations = images.flatMap(({ id: image_id, boxes }) =>
    boxes.map(({ id, classId, box: [x1, y1, x2, y2], area }) => {
      return { id, image_id, category_id: categoryIds[classId], bbox: [x1, y1, x2 - x1, y2 - y1], area, iscrowd: 0 };
    })
  );
  const file = {
    images: images.map(({ id, width, height }) => ({ id, width, height, file_name: `${id}.png` })),
    categories: classes.map((name, k) => ({ id: categoryIds[k], name })),
    annotations,
  };
  await Deno.writeTextFile(join(folder, "instances.json"), JSON.stringify(file));
}
