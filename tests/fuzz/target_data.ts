/**
 * Data sets in the forms of COCO, Pascal VOC and YOLO, with one of their files changed.
 *
 * @module
 */

import fc from "npm:fast-check@4.10.2";
import { join } from "node:path";
import { openDataset } from "../../src/data/open.ts";
import { cocoValue, put, putPictures, type TinySet, vocText, yoloLines } from "../support/data_folders.ts";
import {
  type ByteChange,
  byteChanges,
  changeBytes,
  changeTree,
  looseJson,
  type TreeChange,
  treeChanges,
} from "./changes.ts";
import { accepted, must, type Target, target } from "./target.ts";

const SET: TinySet = {
  classes: ["cat", "bird"],
  pictures: [
    { name: "1.png", width: 13, height: 17, boxes: [[1, 0, 0, 13, 17], [0, 2, 5, 9, 16]] },
    { name: "2.png", width: 20, height: 9, boxes: [] },
    { name: "3.png", width: 9, height: 9, boxes: [[0, 1, 1, 8, 8]] },
  ],
};

/** A set with one file that is changed: its text, or the tree of its JSON. */
interface Form {
  readonly pictures: string;
  readonly changed: string;
  readonly text?: string;
  readonly tree?: unknown;
  /** Other files. */
  readonly others?: Readonly<Record<string, string>>;
}

const LABELS = Object.fromEntries(SET.pictures.map((one) => [`labels/val/${one.name[0]}.txt`, yoloLines(one)]));
const NAMES = "names:\n  0: cat\n  1: bird\n";
const YAML = `path: .\ntrain: images/val\nval:\n  - images/val\nnc: 2\n${NAMES}`;
const ANNOTATIONS = Object.fromEntries(
  SET.pictures.map((one) => [`Annotations/${one.name[0]}.xml`, vocText(one, SET.classes)]),
);
const VOC: Record<string, string> = {
  ...ANNOTATIONS,
  "ImageSets/Main/val.txt": "1\n2\n3\n",
  "classes.txt": "cat\nbird\n",
};

const FORMS: Readonly<Record<string, Form>> = {
  "COCO": { pictures: "images", changed: "instances.json", tree: cocoValue(SET) },
  "COCO as text": { pictures: "images", changed: "instances.json", text: JSON.stringify(cocoValue(SET)) },
  "VOC": { pictures: "JPEGImages", changed: "Annotations/1.xml", text: VOC["Annotations/1.xml"], others: VOC },
  "VOC list": { pictures: "JPEGImages", changed: "ImageSets/Main/val.txt", text: "1\n2\n3\n", others: VOC },
  "YOLO rows": {
    pictures: "images/val",
    changed: "labels/val/1.txt",
    text: LABELS["labels/val/1.txt"],
    others: { ...LABELS, "data.yaml": NAMES },
  },
  "YOLO outline": {
    pictures: "images/val",
    changed: "labels/val/3.txt",
    text: "0 0.1 0.1 0.9 0.1 0.9 0.9 0.1 0.9\n",
    others: { ...LABELS, "data.yaml": NAMES },
  },
  "YAML": { pictures: "images/val", changed: "data.yaml", text: YAML, others: LABELS },
  "YAML of keypoints": {
    pictures: "images/val",
    changed: "data.yaml",
    text: `${YAML}kpt_shape: [2, 3]\nflip_idx: &x [1, 0]\nmore: *x\n`,
    others: LABELS,
  },
};

const folders = new Map<string, Promise<string>>();

/** The folder of a form, written once. */
function folderOf(name: string): Promise<string> {
  const known = folders.get(name) ?? (async () => {
    const { pictures, others = {} } = FORMS[name];
    const folder = await Deno.makeTempDir({ prefix: "featherdet-fuzz-" });
    globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
    await putPictures(join(folder, pictures), SET);
    for (const [path, text] of Object.entries(others)) await put(folder, path, text);
    return folder;
  })();
  folders.set(name, known);
  return known;
}

type DataChange = { readonly bytes: readonly ByteChange[] } | { readonly tree: readonly TreeChange[] };

/** What was read holds whatever the files say. */
async function check(folder: string): Promise<void> {
  const dataset = await accepted(() => openDataset(folder));
  for (const { file, width, height, boxes } of dataset?.images ?? []) {
    must(file === undefined || Deno.realPathSync(file).startsWith(Deno.realPathSync(folder)), `reads ${file}`);
    for (const { classId, box: [x1, y1, x2, y2], area } of boxes) {
      must(dataset!.classes[classId] !== undefined, `has class ${classId}`);
      must(0 <= x1 && x1 < x2 && x2 <= width && 0 <= y1 && y1 < y2 && y2 <= height, `box ${[x1, y1, x2, y2]}`);
      must(Number.isFinite(area) && area >= 0, `area ${area}`);
    }
  }
  await accepted(() => openDataset(folder, { strict: true }));
}

/** Data sets. */
export const dataTarget: Target = target<DataChange>({
  entries: Object.keys(FORMS),
  changes: fc.oneof(
    byteChanges.map((bytes): DataChange[] => [{ bytes }]),
    treeChanges.map((tree): DataChange[] => [{ tree }]),
  ),
  async run(entry, changes) {
    const { changed, text = "", tree } = FORMS[entry];
    const folder = await folderOf(entry);
    let now = new TextEncoder().encode(tree === undefined ? text : looseJson(tree));
    for (const change of changes) {
      if ("bytes" in change) now = changeBytes(now, change.bytes);
      else if (tree !== undefined) now = new TextEncoder().encode(looseJson(changeTree(tree, change.tree)));
    }
    const file = join(folder, changed);
    await Deno.mkdir(join(file, ".."), { recursive: true });
    await Deno.writeFile(file, now);
    await check(folder);
  },
});
