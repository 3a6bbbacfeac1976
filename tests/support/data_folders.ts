/**
 * Small data sets written in each of the forms that are read, by code that has nothing in common with the readers.
 *
 * @module
 */

import { join } from "node:path";
import { encodePng } from "../../src/image/codec/encode.ts";
import { randomTensor } from "./random.ts";

/** An object: class number, edges in whole pixels. */
export type TinyBox = readonly [classId: number, x1: number, y1: number, x2: number, y2: number];

/** A picture of a tiny set. */
export interface TinyPicture {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly TinyBox[];
  /** Copy this file instead of making one. */
  readonly copy?: URL;
}

/** A tiny set. */
export interface TinySet {
  readonly classes: readonly string[];
  readonly pictures: readonly TinyPicture[];
}

/** Odd sizes, boxes at the edges, a box that is all of its picture, a picture without any, and one that its EXIF data turns. */
export const TINY: TinySet = {
  classes: ["cat & dog", "bird"],
  pictures: [
    { name: "000000000003.png", width: 13, height: 127, boxes: [[1, 0, 0, 13, 127], [0, 2, 5, 9, 20]] },
    { name: "000000000007.png", width: 64, height: 33, boxes: [] },
    {
      name: "000000000012.png",
      width: 127,
      height: 65,
      boxes: [[0, 100, 1, 127, 65], [1, 0, 60, 1, 61], [1, 7, 7, 8, 50]],
    },
    {
      name: "000000000020.jpg",
      width: 7,
      height: 13,
      boxes: [[0, 1, 2, 6, 12]],
      copy: new URL("../fixtures/images/orientation6.jpg", import.meta.url),
    },
  ],
};

/** Runs with an empty folder that is removed afterwards. */
export async function inFolder<T>(run: (folder: string) => T | Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir({ prefix: "featherdet-data-" });
  try {
    return await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Writes a text file, its folders included. */
export async function put(folder: string, path: string, content: string): Promise<void> {
  const file = join(folder, path);
  await Deno.mkdir(join(file, ".."), { recursive: true });
  await Deno.writeTextFile(file, content);
}

/** Writes the pictures into a folder. */
export async function putPictures(folder: string, { pictures }: TinySet): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const { name, width, height, copy } of pictures) {
    const file = join(folder, name);
    if (copy) {
      await Deno.copyFile(copy, file);
    } else {
      const noise = randomTensor([height, width, 3], width);
      await Deno.writeFile(file, await encodePng({ width, height, data: Uint8Array.from(noise, (x) => 128 + 60 * x) }));
    }
  }
}

/** The JSON value of a set in COCO's form, for tests to spoil. */
// deno-lint-ignore no-explicit-any
export function cocoValue({ classes, pictures }: TinySet): any {
  let id = 0;
  return {
    images: pictures.map(({ name, width, height }) => ({ id: Number.parseInt(name), file_name: name, width, height })),
    annotations: pictures.flatMap(({ name, boxes }) =>
      boxes.map(([classId, x1, y1, x2, y2]) => ({
        id: ++id,
        image_id: Number.parseInt(name),
        category_id: classId + 1,
        bbox: [x1, y1, x2 - x1, y2 - y1],
        area: (x2 - x1) * (y2 - y1),
        iscrowd: 0,
      }))
    ),
    categories: classes.map((name, classId) => ({ id: classId + 1, name })),
  };
}

/** Writes a set in COCO's form. */
export async function putCoco(folder: string, set: TinySet, file = "instances.json"): Promise<void> {
  await putPictures(join(folder, "images"), set);
  await put(folder, file, JSON.stringify(cocoValue(set)));
}

/** The text of a picture's file in VOC's form, where the first pixel is 1 and the last one inside is named; or with edges from 0. */
export function vocText({ name, width, height, boxes }: TinyPicture, classes: readonly string[], first = 1): string {
  const objects = boxes.map(([classId, x1, y1, x2, y2]) => `
  <object>
    <name>${classes[classId].replace("&", "&amp;")}</name><pose>Unspecified</pose><difficult>0</difficult>
    <bndbox><xmin>${x1 + first}</xmin><ymin>${y1 + first}</ymin><xmax>${x2}</xmax><ymax>${y2}</ymax></bndbox>
  </object>`);
  return `<?xml version="1.0"?>\n<annotation verified="yes">
  <folder>JPEGImages</folder><filename>${name}</filename>
  <size><width>${width}</width><height>${height}</height><depth>3</depth></size>${objects.join("")}
</annotation>\n`;
}

/** Writes a set in Pascal VOC's form, all of it in the split `val`. */
export async function putVoc(folder: string, set: TinySet): Promise<void> {
  await putPictures(join(folder, "JPEGImages"), set);
  const stems = set.pictures.map(({ name }) => name.split(".")[0]);
  for (const [i, picture] of set.pictures.entries()) {
    await put(folder, `Annotations/${stems[i]}.xml`, vocText(picture, set.classes));
  }
  // VOC's own classes are not in the order of the alphabet here, so they have to be listed.
  await put(folder, "classes.txt", set.classes.join("\n"));
  await put(folder, "ImageSets/Main/val.txt", `${stems.join("\n")}\n`);
}

/** The lines of a picture in YOLO's form. */
export function yoloLines({ width, height, boxes }: TinyPicture): string {
  return boxes.map(([classId, x1, y1, x2, y2]) => {
    const parts = [(x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height];
    return `${classId} ${parts.join(" ")}\n`;
  }).join("");
}

/** Writes a set in YOLO's form, all of it in the split `val`; pictures without objects have no label file. */
export async function putYolo(folder: string, set: TinySet): Promise<void> {
  await putPictures(join(folder, "images/val"), set);
  await Deno.mkdir(join(folder, "labels/val"), { recursive: true });
  for (const picture of set.pictures.filter(({ boxes }) => boxes.length > 0)) {
    await put(folder, `labels/val/${picture.name.split(".")[0]}.txt`, yoloLines(picture));
  }
  await put(folder, "data.yaml", `nc: 2\nnames:\n${set.classes.map((name, i) => `  ${i}: ${name}\n`).join("")}`);
}
