/** What is odd about data sets as people have them: each oddity is read right, said aloud, or refused in a sentence. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "node:path";
import { openDataset, type OpenOptions } from "../../src/data/open.ts";
import { openTrainingPart, openValidationPart } from "../../src/data/parts.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { encodePng } from "../../src/image/codec/encode.ts";
import { inFolder, put } from "../support/data_folders.ts";

/** A picture of 32x24. */
const PICTURE = await encodePng({ width: 32, height: 24, data: new Uint8Array(32 * 24 * 3).fill(90) });
const BMP = Deno.readFileSync(new URL("../fixtures/odd_images/colour.bmp", import.meta.url));

type Files = Readonly<Record<string, string | Uint8Array | { readonly link: string }>>;

/** What is seen of a data set: pictures with class and edges of their objects, and what was said. */
interface Seen {
  readonly images: Readonly<Record<string, readonly string[]>>;
  readonly warnings: readonly string[];
}

async function write(folder: string, files: Files): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    if (typeof content === "string") await put(folder, path, content);
    else {
      await Deno.mkdir(join(folder, path, ".."), { recursive: true });
      if (content instanceof Uint8Array) await Deno.writeFile(join(folder, path), content);
      else await Deno.symlink(content.link, join(folder, path));
    }
  }
}

async function see(folder: string, options: OpenOptions): Promise<Seen> {
  const { images, classes, warnings } = await openDataset(folder, options);
  const objects = images.map(({ name, boxes }) =>
    [
      name,
      boxes.map(({ classId, box }) => `${classes[classId]} ${box.map((edge) => Math.round(edge * 100) / 100)}`),
    ] as const
  );
  return {
    images: Object.fromEntries(objects),
    warnings: warnings.filter((one) => !one.startsWith("pixels of boxes are counted from 1"))
      .map((one) => one.replaceAll(`${folder}/`, "")),
  };
}

/** How a set is read; what is said, in order; the sentence that `strict` refuses it with. */
interface Oddity extends OpenOptions {
  readonly files: Files;
  readonly images?: Seen["images"];
  readonly says?: readonly (string | RegExp)[];
  /** With `strict` it is refused by this. */
  readonly strictly?: RegExp;
  /** It is refused by this in any case. */
  readonly refused?: RegExp;
}

const names = (classes = ["person", "dog"], more = "") => `names: ${JSON.stringify(classes)}\n${more}`;
const ROW = "0 0.5 0.5 0.25 0.25\n", DOG = "1 0.5 0.5 0.25 0.25\n";
const PERSON_BOX = ["person 12,9,20,15"], DOG_BOX = ["dog 12,9,20,15"];

/** A set in YOLO's form of the pictures `a` and `b`, both in `val`, with other files. */
const yolo = (files: Files): Files => ({
  "data.yaml": names(),
  "images/val/a.png": PICTURE,
  "images/val/b.png": PICTURE,
  "labels/val/a.txt": ROW,
  "labels/val/b.txt": DOG,
  ...files,
});
const BOTH = { "a.png": PERSON_BOX, "b.png": DOG_BOX };

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

/** An XML file of Pascal VOC with one object. */
const xml = (filename: string, name: string, { head = "", box = [13, 10, 20, 15], inside = "" } = {}) =>
  `${head}<annotation><folder>x</folder><filename>${filename}</filename><size><width>32</width><height>24</height>` +
  `<depth>3</depth></size><object><name>${name}</name>${inside}<bndbox>${
    ["xmin", "ymin", "xmax", "ymax"].map((key, i) => `<${key}>${box[i]}</${key}>`).join("")
  }</bndbox></object></annotation>`;
const VOC = { "JPEGImages/a.png": PICTURE, "JPEGImages/b.png": PICTURE };
const VOC_BOTH = { ...VOC, "Annotations/a.xml": xml("a.png", "person"), "Annotations/b.xml": xml("b.png", "dog") };

/** Text in an encoding of one or two bytes a character, by what stands for `?`. */
function encoded(text: string, ...bytes: number[]): Uint8Array {
  const [before, after] = text.split("?x?");
  return new Uint8Array([...new TextEncoder().encode(before), ...bytes, ...new TextEncoder().encode(after)]);
}

const utf16 = (text: string) => {
  const bytes = new Uint8Array(2 + 2 * text.length);
  const view = new DataView(bytes.buffer);
  [0xfeff, ...text].forEach((one, i) => view.setUint16(2 * i, typeof one === "number" ? one : one.charCodeAt(0), true));
  return bytes;
};

const YOLO_SETS: Record<string, Oddity> = {
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
  "outlines": {
    files: yolo({ "labels/val/a.txt": "0 0.375 0.375 0.625 0.5 0.5 0.625\n" }),
    images: BOTH,
    says: [/^1 outline is read as the box around it; if they are boxes with keypoints/],
  },
  "keypoints that data.yaml does not tell of": {
    files: yolo({ "labels/val/a.txt": `${ROW}0 0.5 0.5 0.25 0.25 0.1 0.1 2 0.9 0.1 2\n` }),
    images: BOTH,
    says: [/^1 object without a usable box left out: labels\/val\/a\.txt: line 2 has 2, expected parts of the picture/],
    strictly: /line 2 has 2, expected/,
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

const COCO_SETS: Record<string, Oddity> = {
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
    files: { ...COCO, "instances.json": coco(), "labels/a.txt": ROW, "classes.txt": "person" },
    images: BOTH,
    says: ["it is read in the form of COCO, files in that of YOLO are there too"],
  },
};

const VOC_SETS: Record<string, Oddity> = {
  "a file that names another picture": {
    files: { ...VOC_BOTH, "Annotations/a.xml": xml("b.png", "person") },
    images: BOTH,
    says: [
      /^1 file names another picture than its own name does, which counts: Annotations\/a\.xml: it says that it is of b\.png$/,
    ],
    strictly: /Annotations\/a\.xml: it says that it is of b\.png$/,
  },
  "a file that names a picture that is not there": {
    files: { ...VOC_BOTH, "Annotations/a.xml": xml("C:\\x\\old.jpg", "person") },
    images: BOTH,
  },
  "pictures that differ in their endings alone": {
    files: { ...VOC_BOTH, "JPEGImages/a.jpg": PICTURE },
    images: BOTH,
    says: [/^1 image without a file of annotations left out: JPEGImages\/a\.jpg/],
    strictly: /JPEGImages\/a\.jpg: has no XML file$/,
  },
  "names in GBK, as the file states": {
    files: {
      ...VOC_BOTH,
      "Annotations/b.xml": encoded(xml("b.png", "?x?", { head: '<?xml version="1.0" encoding="gbk"?>' }), 0xc3, 0xa8),
    },
    images: { "a.png": PERSON_BOX, "b.png": ["\u732b 12,9,20,15"] },
  },
  "names in Latin-1, as the file states": {
    files: {
      ...VOC_BOTH,
      "Annotations/b.xml": encoded(
        xml("b.png", "chi?x?n", { head: "<?xml version='1.0' encoding='ISO-8859-1'?>" }),
        0xe9,
      ),
    },
    images: { "a.png": PERSON_BOX, "b.png": ["chi\u00e9n 12,9,20,15"] },
  },
  "names in GBK, which the file does not state": {
    files: { ...VOC_BOTH, "Annotations/b.xml": encoded(xml("b.png", "?x?"), 0xc3, 0xa8, 0xb9) },
    refused: /Annotations\/b\.xml: is not UTF-8 text, save it as UTF-8$/,
  },
  "lists of names with spaces, endings, folders and numbers": {
    files: {
      ...VOC_BOTH,
      "JPEGImages/my img 1.png": PICTURE,
      "Annotations/my img 1.xml": xml("my img 1.png", "dog"),
      "ImageSets/Main/val.txt": "my img 1\na  1\nJPEGImages/b.png\n",
    },
    images: { "my img 1.png": DOG_BOX, ...BOTH },
  },
  "capitals in endings": {
    files: { "JPEGImages/a.PNG": PICTURE, "Annotations/a.XML": xml("a.png", "person") },
    images: { "a.PNG": PERSON_BOX },
  },
  "records of macOS beside pictures": {
    files: { "a.png": PICTURE, "a.xml": xml("a.png", "person"), "._a.xml": "x", "._a.png": "x" },
    images: { "a.png": PERSON_BOX },
  },
  "parts of objects with boxes of their own": {
    files: {
      ...VOC,
      "Annotations/a.xml": xml("a.png", "person", {
        inside:
          "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>3</xmax><ymax>3</ymax></bndbox></part>",
      }),
      "Annotations/b.xml": xml("b.png", "dog"),
    },
    images: BOTH,
  },
  "edges counted from 0": {
    files: {
      ...VOC,
      "Annotations/a.xml": xml("a.png", "person", { box: [0, 10, 20, 15] }),
      "Annotations/b.xml": xml("b.png", "dog", { box: [12, 9, 20, 15] }),
    },
    images: { "a.png": ["person 0,10,20,15"], "b.png": DOG_BOX },
    says: ["boxes are edges counted from 0, as some of them show"],
  },
  "edges as CVAT writes them": {
    files: {
      ...VOC,
      "Annotations/a.xml": xml("a.png", "person", { box: [12, 9, 20, 15] }),
      "labelmap.txt": "# label:color_rgb:parts:actions\nbackground:0,0,0::\n",
    },
    images: { "a.png": PERSON_BOX },
    says: ["boxes are edges counted from 0, as CVAT writes them", /^1 image without a file of annotations left out: /],
    strictly: /has no XML file$/,
  },
  "boxes in parts of the picture": {
    files: { ...VOC, "Annotations/a.xml": xml("a.png", "person", { box: [0.1, 0.2, 0.5, 0.9] }) },
    refused: /Annotations: its boxes lie between 0 and 1, expected pixels$/,
  },
};

for (const [form, sets] of [["YOLO", YOLO_SETS], ["COCO", COCO_SETS], ["Pascal VOC", VOC_SETS]] as const) {
  for (const [name, { files, images, says = [], strictly, refused, ...options }] of Object.entries(sets)) {
    Deno.test(`${form}: ${name}`, () =>
      inFolder(async (folder) => {
        await write(folder, files);
        if (refused !== undefined) {
          for (const strict of [false, true]) {
            const { message } = await assertRejects(() => openDataset(folder, { ...options, strict }), FeatherdetError);
            assertMatch(message, refused.source.includes("cannot be used") && strict ? /line 1 has 16/ : refused);
          }
          return;
        }
        const seen = await see(folder, options);
        assertEquals(seen.images, images);
        assertEquals(seen.warnings.length, says.length, seen.warnings.join("\n"));
        says.forEach((said, i) =>
          typeof said === "string" ? assertEquals(seen.warnings[i], said) : assertMatch(seen.warnings[i], said)
        );
        if (strictly === undefined) {
          assertEquals(await see(folder, { ...options, strict: true }), seen);
        } else {
          const { message } = await assertRejects(
            () => openDataset(folder, { ...options, strict: true }),
            FeatherdetError,
          );
          assertMatch(message, strictly);
        }
      }));
  }
}

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

Deno.test("pictures that are trained and validated on are counted", () =>
  inFolder(async (folder) => {
    const yaml = names(undefined, "train: images\nval: val.txt\n");
    await write(folder, yolo({ "data.yaml": yaml, "val.txt": "./images/val/b.png\n" }));
    const training = await openTrainingPart(folder);
    const validation = await openValidationPart(folder, training);
    assertEquals(validation?.warnings, ["1 of the 1 pictures to validate on are trained on too"]);
    assertEquals((await openValidationPart(folder, { split: "train" }))?.warnings, []);
  }));
