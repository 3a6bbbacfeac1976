/** What is odd about labels and pictures in YOLO's form: it is read right, said aloud, or refused in a sentence. */

import { assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { openDataset } from "../../src/data/open.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { inFolder } from "../support/data_folders.ts";
import {
  BMP,
  BOTH,
  DOG,
  DOG_BOX,
  names,
  type Oddity,
  PERSON_BOX,
  PICTURE,
  ROW,
  testOddSets,
  write,
  yolo,
} from "../support/odd_sets.ts";

const SETS: Record<string, Oddity> = {
  "outlines": {
    files: yolo({ "labels/val/a.txt": "0 0.375 0.375 0.625 0.5 0.5 0.625\n" }),
    images: BOTH,
    says: [/^1 outline is read as the box around it; if they are boxes with keypoints/],
  },
  "corners instead of sizes": {
    files: yolo({ "labels/val/a.txt": [1, 2, 3, 4].map((i) => `0 0.${i} 0.5 0.8 0.9\n`).join("") }),
    images: {
      "a.png": ["person 0,1.2,16,22.8", "person 0,1.2,19.2,22.8", "person 0,1.2,22.4,22.8", "person 0,1.2,25.6,22.8"],
      "b.png": DOG_BOX,
    },
    says: [/^most boxes reach over their images/, /^3 boxes over the edge/],
    strictly: /line 1 has a box/,
  },
  "a box over the edge": {
    files: yolo({ "labels/val/a.txt": "0 0.02 0.5 0.2 0.25\n" }),
    images: { "a.png": ["person 0,9,3.84,15"], "b.png": DOG_BOX },
    says: [/^1 box over the edge of its image clipped to it: labels\/val\/a\.txt: line 1 has a box from \(-2\.56, 9\)/],
    strictly: /line 1 has a box from \(-2\.56, 9\) to \(3\.84, 15\) that reaches over its image of 32x24$/,
  },
  "three boxes over the edge": {
    files: yolo({
      "labels/val/a.txt": "0 0.02 0.5 0.2 0.25\n0 0.98 0.5 0.2 0.25\n",
      "labels/val/b.txt": "1 0.5 0 0.25 0.5\n",
    }),
    images: { "a.png": ["person 0,9,3.84,15", "person 28.16,9,32,15"], "b.png": ["dog 12,0,20,6"] },
    says: [/^3 boxes over the edge of the image clipped to it, the first: labels\/val\/a\.txt: line 1 /],
    strictly: /line 1 has a box/,
  },
  "all places in pixels": {
    files: yolo({ "labels/val/a.txt": "0 16 12 8 6\n", "labels/val/b.txt": "1 16 12 8 6\n" }),
    refused: /2 of 2 boxes cannot be used, the first: .*line 1 has 16, expected parts of the picture from 0 to 1$/,
  },
  "folders within folders": {
    files: yolo({ "images/val/cam/c.png": PICTURE, "labels/val/cam/c.txt": DOG }),
    images: { ...BOTH, "c.png": DOG_BOX },
  },
  "folders of a year": {
    files: {
      "dataset.yml": names(),
      "images/val2017/a.png": PICTURE,
      "images/train2017/b.png": PICTURE,
      "labels/val2017/a.txt": ROW,
      "labels/train2017/b.txt": DOG,
    },
    images: { "a.png": PERSON_BOX },
  },
  "capitals in names of folders": {
    files: {
      "classes.txt": "person\ndog",
      "Train/Images/b.png": PICTURE,
      "Train/Labels/b.txt": DOG,
      "Valid/Images/a.png": PICTURE,
      "Valid/Labels/a.txt": ROW,
    },
    images: { "a.png": PERSON_BOX },
  },
  "one folder for all": {
    files: { "classes.txt": "person\ndog\n", "a.png": PICTURE, "a.txt": ROW, "b.png": PICTURE, "b.txt": DOG },
    images: BOTH,
  },
  "one folder with folders in it": {
    files: { "classes.txt": "person\ndog", "a.png": PICTURE, "a.txt": ROW, "x/y/b.png": PICTURE, "x/y/b.txt": DOG },
    images: BOTH,
  },
  "pictures and labels together in images": {
    files: { "classes.txt": "person\ndog", "images/a.png": PICTURE, "images/a.txt": ROW },
    images: { "a.png": PERSON_BOX },
  },
  "records of other systems": {
    files: yolo({ "images/val/Thumbs.db": "x", "images/val/desktop.ini": "x", "labels/val/desktop.ini": "x" }),
    images: BOTH,
  },
  "records of macOS": {
    files: yolo({
      "images/val/._a.png": "x",
      "labels/val/._a.txt": "x",
      "._data.yaml": "x",
      "images/val/.DS_Store": "x",
    }),
    images: BOTH,
  },
  "BMP, and formats that are not read": {
    files: yolo({ "images/val/c.BMP": BMP, "labels/val/c.txt": "", "images/val/d.jp2": "x", "labels/val/d.txt": ROW }),
    images: { ...BOTH, "c.BMP": [] },
    says: [
      "1 image of another format left out: images/val/d.jp2: is of a format that is not read",
      /^1 label file without its image left out: labels\/val\/d\.txt: its image is missing from images\/val$/,
    ],
    strictly: /d\.jp2: is of a format that is not read$/,
  },
  "links to pictures and folders": {
    files: yolo({
      "real/c.png": PICTURE,
      "images/val/c.png": { link: "../../real/c.png" },
      "images/val/loop": { link: "." },
    }),
    images: { ...BOTH, "c.png": [] },
    says: ["1 image has no label file and counts as showing nothing"],
  },
  "a link to a folder of pictures": {
    files: { "data.yaml": names(), "real/a.png": PICTURE, "images/val": { link: "../real" }, "labels/val/a.txt": ROW },
    images: { "a.png": PERSON_BOX },
  },
  "capitals and accents of names that differ": {
    files: yolo({
      "images/val/C.PNG": PICTURE,
      "labels/val/c.TXT": ROW,
      "images/val/e\u0301.png": PICTURE,
      "labels/val/\u00e9.txt": DOG,
    }),
    images: { "C.PNG": PERSON_BOX, ...BOTH, "e\u0301.png": DOG_BOX },
  },
  "labels without pictures, pictures without labels": {
    files: yolo({ "labels/val/x.txt": ROW, "labels/val/y.txt": ROW, "images/val/z.png": PICTURE }),
    images: { ...BOTH, "z.png": [] },
    says: [
      "1 image has no label file and counts as showing nothing",
      /^2 label files without their images left out, the first: labels\/val\/x\.txt/,
    ],
    strictly: /x\.txt: its image is missing from /,
  },
  "a blank line between names": {
    files: { "classes.txt": "person\n\ndog\n", "a.png": PICTURE, "a.txt": ROW },
    refused: /classes\.txt: line 2 is blank, expected the name of class 1$/,
  },
};

testOddSets("YOLO", SETS);

Deno.test("a damaged picture of a data set is told of once when it is read, and refused with strict", () =>
  inFolder(async (folder) => {
    await write(folder, yolo({ "images/val/a.png": PICTURE.subarray(0, PICTURE.length - 12) }));
    const [image] = (await openDataset(folder)).images;
    const told: string[] = [], { warn } = console;
    console.warn = (text: string) => void told.push(text);
    try {
      for (let time = 0; time < 3; time++) assertEquals((await image.load()).width, 32);
    } finally {
      console.warn = warn;
    }
    const damage = `${join(folder, "images/val/a.png")}: damaged PNG: the mark of its end is missing`;
    assertEquals(told, [`warning: ${damage}`]);
    const [strict] = (await openDataset(folder, { strict: true })).images;
    const { message } = await assertRejects(() => strict.load(), FeatherdetError);
    assertEquals(message, damage);
  }));
