/**
 * A tiny set as annotation tools export it: folders and files as their documentation and their exporters have them.
 *
 * @module
 */

import { join } from "node:path";
import { cocoValue, put, putPictures, type TinyPicture, type TinySet, vocText, yoloLines } from "./data_folders.ts";

/** Writes a set into a folder. */
export type Export = (folder: string, set: TinySet) => Promise<void>;

const stem = ({ name }: TinyPicture) => name.replace(/\.[^.]+$/, "");

async function putAll(folder: string, texts: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(texts)) await put(folder, path, text);
}

/** Label files of all pictures, also of those without objects. */
async function putLabels(folder: string, { pictures }: TinySet): Promise<void> {
  for (const picture of pictures) await put(folder, `${stem(picture)}.txt`, yoloLines(picture));
}

async function putXml(folder: string, { pictures, classes }: TinySet, first: number): Promise<void> {
  for (const picture of pictures) await put(folder, `${stem(picture)}.xml`, vocText(picture, classes, first));
}

/** The YAML of Roboflow, whose paths have one step too many. */
const ROBOFLOW_YAML = ({ classes }: TinySet) =>
  `train: ../train/images\nval: ../valid/images\ntest: ../test/images\n\nnc: ${classes.length}\n` +
  `names: ${JSON.stringify(classes)}\n\nroboflow:\n  workspace: w\n  project: p\n  version: 1\n`;

/** COCO's value with the parent category that Roboflow adds. */
function roboflowCoco(set: TinySet) {
  const value = cocoValue(set);
  // deno-lint-ignore no-explicit-any
  const own = value.categories.map((category: any) => ({ ...category, supercategory: "things" }));
  return { info: {}, licenses: [], ...value, categories: [{ id: 0, name: "things", supercategory: "none" }, ...own] };
}

const list = (set: TinySet, path: (picture: TinyPicture) => string) =>
  set.pictures.map((one) => `${path(one)}\n`).join("");

/** Exports without parts. */
export const WHOLE: Readonly<Record<string, Export>> = {
  "CVAT, YOLO 1.1": async (folder, set) => {
    await putPictures(join(folder, "obj_train_data"), set);
    await putLabels(join(folder, "obj_train_data"), set);
    await putAll(folder, {
      "obj.names": `${set.classes.join("\n")}\n`,
      "obj.data": `classes = ${set.classes.length}\ntrain = data/train.txt\nnames = data/obj.names\nbackup = backup/\n`,
      "train.txt": list(set, ({ name }) => `data/obj_train_data/${name}`),
    });
  },
  "CVAT, YOLO 1.1 without its lists": async (folder, set) => {
    await putPictures(join(folder, "obj_train_data"), set);
    await putLabels(join(folder, "obj_train_data"), set);
    await put(folder, "obj.names", `${set.classes.join("\n")}\n`);
  },
  "CVAT, COCO": async (folder, set) => {
    await putPictures(join(folder, "images/default"), set);
    await put(folder, "annotations/instances_default.json", JSON.stringify({ licenses: [], ...cocoValue(set) }));
  },
  "CVAT, Pascal VOC": async (folder, set) => {
    await putPictures(join(folder, "JPEGImages"), set);
    await putXml(join(folder, "Annotations"), set, 0);
    await putAll(folder, {
      "ImageSets/Main/default.txt": list(set, stem),
      "labelmap.txt": `# label:color_rgb:parts:actions\nbackground:0,0,0::\n${
        set.classes.map((name) => `${name}:128,0,0::\n`).join("")
      }`,
    });
  },
  "Label Studio, YOLO": async (folder, set) => {
    await putPictures(join(folder, "images"), set);
    await putLabels(join(folder, "labels"), set);
    await putAll(folder, {
      "classes.txt": set.classes.join("\n"),
      "notes.json": JSON.stringify({ categories: [], info: { year: 2025, contributor: "Label Studio" } }),
    });
  },
  "Label Studio, COCO": async (folder, set) => {
    await putPictures(join(folder, "images"), set);
    const value = cocoValue(set);
    for (const image of value.images) image.file_name = `images\\${image.file_name}`;
    await put(folder, "result.json", JSON.stringify(value, null, 2));
  },
  "Label Studio, Pascal VOC": async (folder, set) => {
    await putPictures(join(folder, "images"), set);
    await putXml(join(folder, "Annotations"), set, 0);
  },
  "FiftyOne, COCO": async (folder, set) => {
    await putPictures(join(folder, "data"), set);
    await put(folder, "labels.json", JSON.stringify({ info: {}, licenses: [], ...cocoValue(set) }));
  },
  "FiftyOne, Pascal VOC": async (folder, set) => {
    await putPictures(join(folder, "data"), set);
    await putXml(join(folder, "labels"), set, 0);
  },
  "labelImg, YOLO beside the pictures": async (folder, set) => {
    await putPictures(folder, set);
    await putLabels(folder, set);
    await put(folder, "classes.txt", `${set.classes.join("\r\n")}\r\n`);
  },
  "labelImg, Pascal VOC beside the pictures": async (folder, set) => {
    await putPictures(folder, set);
    await putXml(folder, set, 0);
  },
  "annotations/ and images/": async (folder, set) => {
    await putPictures(join(folder, "images"), set);
    await putXml(join(folder, "annotations"), set, 1);
  },
  "one JSON file of any name": async (folder, set) => {
    await putPictures(join(folder, "pictures"), set);
    await put(folder, "export-17.json", JSON.stringify(cocoValue(set)));
  },
  "an archive that was unpacked into a folder": async (folder, set) => {
    await putPictures(join(folder, "My Set.v1/images/a/b"), set);
    await putLabels(join(folder, "My Set.v1/labels/a/b"), set);
    await put(folder, "My Set.v1/classes.txt", set.classes.join("\n"));
    await put(folder, "__MACOSX/._My Set.v1", "x");
  },
  "Roboflow, a part alone": (folder, set) =>
    SPLIT["Roboflow, COCO"](join(folder, "x"), set).then(() => {
      return Deno.rename(join(folder, "x/valid"), join(folder, "valid"));
    }).then(() => Deno.remove(join(folder, "x"))),
};

/** Exports in parts, of which this writes the one to validate on. */
export const SPLIT: Readonly<Record<string, Export>> = {
  "Roboflow, YOLO": async (folder, set) => {
    await putPictures(join(folder, "valid/images"), set);
    await putLabels(join(folder, "valid/labels"), set);
    await putAll(folder, { "data.yaml": ROBOFLOW_YAML(set), "README.roboflow.txt": "7 images" });
  },
  "Roboflow, COCO": async (folder, set) => {
    await putPictures(join(folder, "valid"), set);
    await put(folder, "valid/_annotations.coco.json", JSON.stringify(roboflowCoco(set)));
  },
  "Roboflow, Pascal VOC": async (folder, set) => {
    await putPictures(join(folder, "valid"), set);
    await putXml(join(folder, "valid"), set, 1);
  },
  "Roboflow, Darknet": async (folder, set) => {
    await putPictures(join(folder, "valid"), set);
    await putLabels(join(folder, "valid"), set);
    await put(folder, "valid/_darknet.labels", set.classes.join("\n"));
  },
  "CVAT, Ultralytics YOLO": async (folder, set) => {
    await putPictures(join(folder, "images/Validation"), set);
    await putLabels(join(folder, "labels/Validation"), set);
    await putAll(folder, {
      "data.yaml": `names:\n${
        set.classes.map((name, i) => `  ${i}: ${name}\n`).join("")
      }path: .\nval: Validation.txt\n`,
      "Validation.txt": list(set, ({ name }) => `data/images/Validation/${name}`),
    });
  },
  "CVAT, Pascal VOC in parts": async (folder, set) => {
    await putPictures(join(folder, "JPEGImages/Validation"), set);
    await putXml(join(folder, "Annotations/Validation"), set, 0);
    await put(folder, "ImageSets/Main/Validation.txt", list(set, (one) => `Validation/${stem(one)}`));
    await put(folder, "ImageSets/Main/Train.txt", "");
  },
  "FiftyOne, YOLO": async (folder, set) => {
    await putPictures(join(folder, "images/val"), set);
    await putLabels(join(folder, "labels/val"), set);
    const names = set.classes.map((name, i) => `  ${i}: ${name}\n`).join("");
    await put(folder, "dataset.yaml", `path: /home/someone/export\nval: ./images/val/\nnames:\n${names}`);
  },
  "COCO's own archives": async (folder, set) => {
    await putPictures(join(folder, "val2017"), set);
    await put(folder, "annotations/instances_val2017.json", JSON.stringify(cocoValue(set)));
    await put(folder, "annotations/person_keypoints_val2017.json", "{}");
  },
  "files named annotations_PART.json": async (folder, set) => {
    await putPictures(join(folder, "images"), set);
    await put(folder, "annotations_val.json", JSON.stringify(cocoValue(set)));
    await put(folder, "annotations_train.json", JSON.stringify(cocoValue(set)));
  },
  "annotations/PART and images/PART": async (folder, set) => {
    await putPictures(join(folder, "images/val"), set);
    await putXml(join(folder, "annotations/val"), set, 1);
  },
};
