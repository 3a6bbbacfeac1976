/** What is odd about data sets in COCO's form: it is read right, said aloud, or refused in a sentence. */

import { BMP, BOTH, DOG_BOX, encoded, type Oddity, PERSON_BOX, PICTURE, testOddSets } from "../support/odd_sets.ts";

/** COCO's value of the pictures a.png and b.png, the one with a person, the other with a dog. */
// deno-lint-ignore no-explicit-any
function coco(change: (value: any) => void = () => {}): string {
  const value = {
    images: ["a.png", "b.png"].map((file_name, i) => ({ id: i + 1, file_name, width: 32, height: 24 })),
    annotations: [1, 2].map((id) => ({ id, image_id: id, category_id: id, bbox: [12, 9, 8, 6], area: 48, iscrowd: 0 })),
    categories: [{ id: 1, name: "person" }, { id: 2, name: "dog" }],
  };
  change(value);
  return JSON.stringify(value);
}
const COCO = { "images/a.png": PICTURE, "images/b.png": PICTURE };

const utf16 = (text: string) => {
  const bytes = new Uint8Array(2 + 2 * text.length);
  const view = new DataView(bytes.buffer);
  [0xfeff, ...text].forEach((one, i) => view.setUint16(2 * i, typeof one === "number" ? one : one.charCodeAt(0), true));
  return bytes;
};

const SETS: Record<string, Oddity> = {
  "file_name from the root": {
    files: { ...COCO, "instances.json": coco((value) => value.images[0].file_name = "images/a.png") },
    images: BOTH,
  },
  "file_name of another machine": {
    files: { ...COCO, "instances.json": coco((value) => value.images[0].file_name = "D:\\set\\images\\a.png") },
    images: BOTH,
  },
  "file_name of a web address": {
    files: {
      "images/a b.png": PICTURE,
      "images/b.png": PICTURE,
      "instances.json": coco((value) => value.images[0].file_name = "/data/upload/1/a%20b.png"),
    },
    images: { "a b.png": PERSON_BOX, "b.png": DOG_BOX },
  },
  "file_name with folders that are not there": {
    files: { "pictures/x/a.png": PICTURE, "pictures/y/b.png": PICTURE, "instances.json": coco() },
    images: BOTH,
  },
  "pictures of the same names in another split": {
    files: {
      ...{ "images/a.png": BMP, "images/val/a.png": PICTURE, "images/val/b.png": PICTURE, "images/train/a.png": BMP },
      "instances_val.json": coco(),
    },
    images: BOTH,
  },
  "file_name that may be two pictures": {
    files: { "x/a.png": PICTURE, "y/a.png": PICTURE, "y/b.png": PICTURE, "instances.json": coco() },
    refused: /"a\.png" may be x\/a\.png or y\/a\.png$/,
  },
  "file_name of a format that is not read": {
    files: {
      "images/a.jp2": "x",
      "images/b.png": PICTURE,
      "instances.json": coco((value) => value.images[0].file_name = "a.jp2"),
    },
    refused: /images\/a\.jp2: is of a format that is not read, instances\.json names it$/,
  },
  "sizes of 0, sizes and ids left out": {
    files: {
      ...COCO,
      "instances.json": coco((value) => {
        value.images[0].width = value.images[0].height = 0;
        delete value.images[1].width;
        for (const one of value.annotations) delete one.id;
      }),
    },
    images: BOTH,
  },
  "a picture that is not listed": {
    files: { ...COCO, "images/c.png": PICTURE, "instances.json": coco() },
    images: BOTH,
    says: ["1 image is not listed in instances.json and left out, the first: images/c.png"],
  },
  "two entries for one picture": {
    files: { ...COCO, "instances.json": coco((value) => value.images[1].file_name = "a.png") },
    refused: /instances\.json: images 1 and 2 are both "a\.png"$/,
  },
  "boxes in parts of the picture": {
    files: {
      ...COCO,
      "instances.json": coco((value) =>
        value.annotations.forEach((one: { bbox: number[] }) => one.bbox = [0.1, 0.1, 0.5, 1])
      ),
    },
    refused: /instances\.json: its boxes lie between 0 and 1, expected pixels$/,
  },
  "a box without width, one that begins outside": {
    files: {
      ...COCO,
      "instances.json": coco((value) => {
        value.annotations[0].bbox = [12, 9, 0, 6];
        value.annotations[1].bbox = [-1.5, 9, 21.5, 6];
      }),
    },
    images: { "a.png": [], "b.png": ["dog 0,9,20,15"] },
    says: [
      /^1 box without width or height left out: instances\.json: annotation 1 of image 1 has a box without width/,
      /^1 box up to 2 pixels outside the image clipped to it: instances\.json: annotation 2 of image 2/,
    ],
  },
  "an area below zero": {
    files: { ...COCO, "instances.json": coco((value) => value.annotations[0].area = -1) },
    images: { "a.png": PERSON_BOX, "b.png": DOG_BOX },
    says: ["1 negative area replaced by the box's: instances.json: annotation 1 has an area of -1"],
    strictly: /annotation 1 has an area of -1$/,
  },
  "a box in text": {
    files: { ...COCO, "instances.json": coco((value) => value.annotations[0].bbox = ["12", "9", "8", "6"]) },
    images: { "a.png": [], "b.png": DOG_BOX },
    says: [/^1 object without a usable box left out: instances\.json: annotation 1 has no "bbox" of four numbers$/],
    strictly: /annotation 1 has no "bbox" of four numbers$/,
  },
  "two categories of one name": {
    files: {
      ...COCO,
      "instances.json": coco((value) => {
        value.categories.push({ id: 7, name: "person" });
        value.annotations[1].category_id = 7;
      }),
    },
    images: { "a.png": PERSON_BOX, "b.png": ["person 12,9,20,15"] },
    says: ['categories 1 and 7 are both "person" and count as one class'],
  },
  "a category that groups others": {
    files: {
      ...COCO,
      "instances.json": coco((value) => {
        for (const one of value.categories) one.supercategory = "animals";
        value.categories.unshift({ id: 0, name: "animals", supercategory: "none" });
      }),
    },
    images: BOTH,
    says: ['"animals" only groups other classes and is none itself'],
  },
  "a parent of the same name as its only class": {
    files: {
      ...COCO,
      "instances.json": coco((value) => {
        value.categories = [
          { id: 0, name: "helmet", supercategory: "none" },
          { id: 1, name: "helmet", supercategory: "helmet" },
        ];
        for (const one of value.annotations) one.category_id = 1;
      }),
    },
    images: { "a.png": ["helmet 12,9,20,15"], "b.png": ["helmet 12,9,20,15"] },
    says: ['categories 0 and 1 are both "helmet" and count as one class'],
  },
  "files of two years": {
    files: { ...COCO, "annotations/instances_val2014.json": coco(), "annotations/instances_val2017.json": coco() },
    refused: /the split "val" may be instances_val2014\.json or instances_val2017\.json, name one: val2014, val2017$/,
  },
  "files of two years, one of them named": {
    files: { ...COCO, "annotations/instances_val2014.json": "{", "annotations/instances_val2017.json": coco() },
    split: "val2017",
    images: BOTH,
  },
  "names in Latin-1": {
    files: { ...COCO, "instances.json": encoded(coco((value) => value.categories[1].name = "chi?x?n"), 0xe9) },
    refused: /instances\.json: is not UTF-8 text, save it as UTF-8$/,
  },
  "text in UTF-16": {
    files: { ...COCO, "instances.json": utf16(coco((value) => value.categories[1].name = "\u732b")) },
    images: { "a.png": PERSON_BOX, "b.png": ["\u732b 12,9,20,15"] },
  },
  "labels in YOLO's form beside": {
    files: { ...COCO, "instances.json": coco(), "labels/a.txt": "0 0.5 0.5 0.25 0.25\n", "classes.txt": "person" },
    images: BOTH,
    says: ["it is read in the form of COCO, files in that of YOLO are there too"],
  },
};

testOddSets("COCO", SETS);
