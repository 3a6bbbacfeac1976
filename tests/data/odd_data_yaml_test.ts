/** What is odd about `data.yaml` and lists of pictures: it is read right, said aloud, or refused in a sentence. */

import { assertEquals } from "@std/assert";
import { openTrainingPart, openValidationPart } from "../../src/data/parts.ts";
import { inFolder } from "../support/data_folders.ts";
import {
  BOTH,
  DOG,
  DOG_BOX,
  encoded,
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
  "data.yaml has its validation pictures elsewhere": {
    files: yolo({
      "data.yaml": names(undefined, "path: .\ntrain: images/val\nval: images/holdout\n"),
      "images/holdout/h.png": PICTURE,
      "labels/holdout/h.txt": DOG,
    }),
    images: { "h.png": DOG_BOX },
  },
  "data.yaml names lists of pictures": {
    files: yolo({
      "data.yaml": names(undefined, "path: .\ntrain: train.txt\nval: val.txt\n"),
      "train.txt": "./images/val/a.png\n",
      "val.txt": "./images/val/b.png\r\n\r\n",
    }),
    images: { "b.png": DOG_BOX },
  },
  "data.yaml names a list of folders and pictures": {
    files: yolo({
      "data.yaml": names(undefined, "train: images/val\nval: [images/val, other/images, more/c.png]\n"),
      "other/images/o.png": PICTURE,
      "other/labels/o.txt": ROW,
      "more/c.png": PICTURE,
      "more/c.txt": DOG,
    }),
    images: { ...BOTH, "o.png": PERSON_BOX, "c.png": DOG_BOX },
  },
  "data.yaml begins at a folder of another machine": {
    files: yolo({ "data.yaml": names(undefined, "path: ../datasets/set\ntrain: images/val\nval: images/val\n") }),
    images: BOTH,
    says: [
      /^data\.yaml says val "images\/val" below "\.\.\/datasets\/set", which is not there: read from images\/val$/,
      "data.yaml has the same pictures for val and train",
    ],
  },
  "data.yaml begins at a folder that lies beside it here": {
    files: {
      "set.yaml": names(undefined, "path: /home/someone/datasets/set\nval: images/val\n"),
      "set/images/val/a.png": PICTURE,
      "set/labels/val/a.txt": ROW,
    },
    images: { "a.png": PERSON_BOX },
    says: [
      /^set\.yaml says val "images\/val" below "\/home\/someone\/datasets\/set", which is not there: read from set\/images\/val$/,
    ],
  },
  "other names in classes.txt than in data.yaml": {
    files: yolo({ "classes.txt": "dog\nperson\n" }),
    images: BOTH,
    says: ["data.yaml has other classes than classes.txt: those of data.yaml count"],
  },
  "lists of pictures without data.yaml": {
    files: {
      "classes.txt": "person\ndog",
      "images/a.png": PICTURE,
      "images/b.png": PICTURE,
      "labels/a.txt": ROW,
      "labels/b.txt": DOG,
      "autosplit_train.txt": "./images/a.png\n",
      "autosplit_val.txt": "./images/b.png\n",
    },
    images: { "b.png": DOG_BOX },
  },
  "data.yaml names folders of another machine": {
    files: yolo({ "data.yaml": names(undefined, "val: C:\\data\\set\\images\\val\n") }),
    images: BOTH,
    says: [/^data\.yaml says val "C:\\data\\set\\images\\val", which is not there: read from images\/val$/],
  },
  "a list names pictures of another machine": {
    files: yolo({ "data.yaml": names(undefined, "val: val.txt\n"), "val.txt": "/content/set/images/val/b.png\n" }),
    images: { "b.png": DOG_BOX },
  },
  "a list names a picture that is not there": {
    files: yolo({ "data.yaml": names(undefined, "val: val.txt\n"), "val.txt": "images/val/none.png\n" }),
    refused: /images\/val\/none\.png: the image is missing, val\.txt names it$/,
  },
  "data.yaml names a folder that is not there": {
    files: yolo({ "data.yaml": names(undefined, "val: images/none\n") }),
    refused: /data\.yaml: its val "images\/none" is not there \(.*images\/none\)$/,
  },
  "data.yaml lacks the split": {
    files: yolo({ "data.yaml": names(undefined, "train: images/val\n") }),
    refused: /it has no split "val", there are: train$/,
  },
  "names are a mapping": { files: yolo({ "data.yaml": "names: {0: person, 1: dog}\n" }), images: BOTH },
  "names are only counted": {
    files: yolo({ "data.yaml": "nc: 2\n" }),
    images: { "a.png": ["class 0 12,9,20,15"], "b.png": ["class 1 12,9,20,15"] },
  },
  "keypoints with two numbers": {
    files: yolo({
      "data.yaml": names(undefined, "kpt_shape: [4, 2]\n"),
      "labels/val/a.txt": "0 0.5 0.5 0.25 0.25 0.1 0.1 0.9 0.1 0.1 0.9 0.9 0.9\n",
    }),
    images: BOTH,
  },
  "keypoints with three numbers": {
    files: yolo({
      "data.yaml": names(undefined, "kpt_shape: [2, 3]\n"),
      "labels/val/a.txt": "0 0.5 0.5 0.25 0.25 0.1 0.1 2 0.9 0.1 0\n",
    }),
    images: BOTH,
  },
  "keypoints of another number than they should be": {
    files: yolo({
      "data.yaml": names(undefined, "kpt_shape: [3, 2]\n"),
      "labels/val/a.txt": `${ROW}0 0 0 1 1 0.5 0.5\n`,
    }),
    images: BOTH,
    says: [
      /^1 object without a usable box left out: labels\/val\/a\.txt: line 2 has 7 numbers, expected 5, or 11 with its keypoints$/,
    ],
    strictly: /line 2 has 7 numbers/,
  },
  "keypoints that data.yaml does not tell of": {
    files: yolo({ "labels/val/a.txt": `${ROW}0 0.5 0.5 0.25 0.25 0.1 0.1 2 0.9 0.1 2\n` }),
    images: BOTH,
    says: [/^1 object without a usable box left out: labels\/val\/a\.txt: line 2 has 2, expected parts of the picture/],
    strictly: /line 2 has 2, expected/,
  },
  "names in Latin-1": {
    files: { "classes.txt": encoded("caf?x?\n", 0xe9), "a.png": PICTURE, "a.txt": ROW },
    refused: /classes\.txt: is not UTF-8 text, save it as UTF-8$/,
  },
  "names that differ in capitals alone": {
    files: yolo({ "data.yaml": names(["Dog", "dog "]) }),
    images: { "a.png": ["Dog 12,9,20,15"], "b.png": ["dog  12,9,20,15"] },
    says: ['"Dog" and "dog " are two classes'],
  },
};

testOddSets("data.yaml", SETS);

Deno.test("pictures that are trained and validated on are counted", () =>
  inFolder(async (folder) => {
    const yaml = names(undefined, "train: images\nval: val.txt\n");
    await write(folder, yolo({ "data.yaml": yaml, "val.txt": "./images/val/b.png\n" }));
    const training = await openTrainingPart(folder);
    const validation = await openValidationPart(folder, training);
    assertEquals(validation?.warnings, ["1 of the 1 pictures to validate on are trained on too"]);
    assertEquals((await openValidationPart(folder, { split: "train" }))?.warnings, []);
  }));
