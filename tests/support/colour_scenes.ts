/**
 * The scene of the detector of colours as a data set.
 *
 * @module
 */

import { join } from "node:path";
import { encodePng } from "../../src/image/codec/encode.ts";
import { colourScene, SCENE_OBJECTS, SIDE } from "./colour_detector.ts";

/** The scene as a data set in COCO's form, once for each part of so many. */
export async function writeScenes(folder: string, count: number): Promise<string> {
  await Deno.mkdir(join(folder, "images"), { recursive: true });
  const images = Array.from({ length: count }, (_, id) => ({ id, width: SIDE, height: SIDE, file_name: `${id}.png` }));
  for (const { file_name } of images) {
    await Deno.writeFile(join(folder, "images", file_name), await encodePng(colourScene()));
  }
  const annotations = images.flatMap(({ id: image_id }) =>
    SCENE_OBJECTS.map(({ box: [x1, y1, x2, y2], classId }, at) => {
      const bbox = [x1, y1, x2 - x1, y2 - y1];
      return { id: image_id * 2 + at + 1, image_id, category_id: classId, bbox, area: bbox[2] * bbox[3], iscrowd: 0 };
    })
  );
  const categories = ["red", "green", "blue"].map((name, id) => ({ id, name }));
  await Deno.writeTextFile(join(folder, "instances.json"), JSON.stringify({ images, categories, annotations }));
  return folder;
}
