/** What is wrong with a data set is said in one sentence that names the file. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "node:path";
import { openDataset } from "../../src/data/open.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { cocoValue, inFolder, put, putCoco, putPictures, putVoc, putYolo, TINY } from "../support/data_folders.ts";

/** One fault: what is done to a set in some form, and what is said of it, the folder left away. */
interface Fault {
  readonly spoil: (folder: string) => Promise<void>;
  readonly says: RegExp;
  /** How a warning begins that counts it; only with `strict` it is refused then. */
  readonly counted?: string;
}

async function check(write: typeof putCoco, { spoil, says, counted }: Fault): Promise<void> {
  await inFolder(async (folder) => {
    await write(folder, TINY);
    await spoil(folder);
    const strict = counted !== undefined;
    const { message } = await assertRejects(() => openDataset(folder, { strict }), FeatherdetError);
    if (counted !== undefined) {
      const { warnings } = await openDataset(folder);
      assertEquals(warnings.at(-1), `1 ${counted}: ${message}`);
    }
    assert(message.startsWith(folder), message);
    assertMatch(message.slice(folder.length).replaceAll("\\", "/"), says);
    assertEquals(message.includes("\n"), false, message);
  });
}

/** Changes the value of the COCO file. */
// deno-lint-ignore no-explicit-any
function coco(change: (value: any) => void): (folder: string) => Promise<void> {
  const value = cocoValue(TINY);
  change(value);
  return (folder) => put(folder, "instances.json", JSON.stringify(value));
}

/** Replaces a text in a file. */
function edit(path: string, from: string | RegExp, to: string): (folder: string) => Promise<void> {
  return async (folder) => {
    const before = await Deno.readTextFile(join(folder, path));
    const after = before.replace(from, to);
    assert(after !== before, `${path} has no ${from}`);
    await Deno.writeTextFile(join(folder, path), after);
  };
}

const remove = (path: string) => (folder: string) => Deno.remove(join(folder, path));

const COCO: Record<string, Fault> = {
  "missing image": {
    spoil: remove("images/000000000007.png"),
    says: /^\/images\/000000000007\.png: the image is missing, instances\.json names it$/,
  },
  "image of another size": {
    spoil: coco((value) => value.images[1].width = 65),
    says: /^\/images\/000000000007\.png: the image is 64x33, but instances\.json says 65x33$/,
  },
  "image that is no picture": {
    spoil: (folder) => put(folder, "images/000000000007.png", "hello"),
    says: /^\/images\/000000000007\.png: not an image/,
  },
  "box outside": {
    spoil: coco((value) => value.annotations[2].bbox = [100, 66, 27, 67]),
    says:
      /^\/instances\.json: annotation 3 of image 12 has a box from \(100, 66\) to \(127, 133\) that is outside its image of 127x65$/,
    counted: "box outside its image left out",
  },
  "box over the edge": {
    spoil: coco((value) => value.annotations[2].bbox = [100, 1, 27, 67]),
    says:
      /^\/instances\.json: annotation 3 of image 12 has a box from \(100, 1\) to \(127, 68\) that reaches over its image of 127x65$/,
    counted: "box over the edge of its image clipped to it",
  },
  "object twice": {
    spoil: coco((value) => value.annotations.push({ ...value.annotations[2], id: 99 })),
    says: /^\/instances\.json: image 12 has an object twice$/,
    counted: "object that is there twice counted once",
  },
  "box of negative size": {
    spoil: coco((value) => value.annotations[2].bbox = [100, 1, -3, 5]),
    says: /^\/instances\.json: annotation 3 of image 12 has a box of negative size, from \(100, 1\) to \(97, 6\)$/,
    counted: "box of negative size left out",
  },
  "box of three numbers": {
    spoil: coco((value) => value.annotations[2].bbox = [1, 2, 3]),
    says: /^\/instances\.json: annotation 3 has no "bbox" of four numbers$/,
    counted: "object without a usable box left out",
  },
  "unknown class": {
    spoil: coco((value) => value.annotations[1].category_id = 9),
    says: /^\/instances\.json: annotation 2 is of the unknown class 9$/,
  },
  "unknown image": {
    spoil: coco((value) => value.annotations[1].image_id = 9),
    says: /^\/instances\.json: annotation 2 belongs to image 9, which the file does not list$/,
    counted: "annotation of an image that the file does not list left out",
  },
  "image id twice": {
    spoil: coco((value) => value.images[1].id = 3),
    says: /^\/instances\.json: the image id 3 is there twice$/,
  },
  "annotation id twice": {
    spoil: coco((value) => value.annotations[4].id = 2),
    says: /^\/instances\.json: the annotation id 2 is there twice$/,
  },
  "category id twice": {
    spoil: coco((value) => value.categories[1].id = 1),
    says: /^\/instances\.json: the category id 1 is there twice$/,
  },
  "no images": {
    spoil: coco((value) => value.images = value.annotations = []),
    says: /^: the data set is empty, it has no image$/,
  },
  "no boxes": {
    spoil: coco((value) => value.annotations = []),
    says: /^: the data set is empty, none of its 4 images has a box$/,
  },
  "broken JSON": {
    spoil: (folder) => put(folder, "instances.json", `{"images": [`),
    says: /^\/instances\.json: broken JSON: /,
  },
  "no list of images": {
    spoil: (folder) => put(folder, "instances.json", "{}"),
    says: /^\/instances\.json: it has no list "categories"$/,
  },
  "image without a name": {
    spoil: coco((value) => delete value.images[0].file_name),
    says: /^\/instances\.json: image 3 has no "file_name", expected text$/,
  },
};

const VOC: Record<string, Fault> = {
  "missing image": {
    spoil: remove("JPEGImages/000000000007.png"),
    says: /^\/JPEGImages\/000000000007\.png: the image is missing, Annotations\/000000000007\.xml names it$/,
  },
  "image of another size": {
    spoil: edit("Annotations/000000000007.xml", "<width>64", "<width>65"),
    says: /^\/Annotations\/000000000007\.xml: it says that 000000000007\.png is 65x33, but it is 64x33$/,
  },
  "box over the edge": {
    spoil: edit("Annotations/000000000012.xml", "<xmax>127", "<xmax>230"),
    says:
      /^\/Annotations\/000000000012\.xml: object 1 has a box from \(100, 1\) to \(230, 65\) that reaches over its image/,
    counted: "box over the edge of its image clipped to it",
  },
  "box of negative size": {
    spoil: edit("Annotations/000000000012.xml", "<xmax>127", "<xmax>90"),
    says: /^\/Annotations\/000000000012\.xml: object 1 has a box of negative size/,
    counted: "box of negative size left out",
  },
  "edge that is no number": {
    spoil: edit("Annotations/000000000012.xml", "<ymin>2<", "<ymin>two<"),
    says: /^\/Annotations\/000000000012\.xml: object 1 has an unusable <ymin>, expected a number$/,
    counted: "object without a usable box left out",
  },
  "object without a box": {
    spoil: edit("Annotations/000000000012.xml", /<bndbox>.*<\/bndbox>/, ""),
    says: /^\/Annotations\/000000000012\.xml: object 1 has no <bndbox>$/,
    counted: "object without a usable box left out",
  },
  "another encoding than it states": {
    spoil: async (folder) => {
      const file = join(folder, "Annotations/000000000012.xml");
      await Deno.writeFile(
        file,
        new Uint8Array([...await Deno.readFile(file), 0x3c, 0x21, 0x2d, 0x2d, 0xe9, 0x2d, 0x2d, 0x3e]),
      );
    },
    says: /^\/Annotations\/000000000012\.xml: is not UTF-8 text, save it as UTF-8$/,
  },
  "an unknown encoding": {
    spoil: edit("Annotations/000000000012.xml", '<?xml version="1.0"?>', '<?xml version="1.0" encoding="klingon"?>'),
    says: /^\/Annotations\/000000000012\.xml: states the unknown encoding "klingon", save it as UTF-8$/,
  },
  "unknown class": {
    spoil: edit("Annotations/000000000012.xml", "<name>cat &amp; dog", "<name>fish"),
    says: /^\/Annotations\/000000000012\.xml: object 1 is of the unknown class "fish"$/,
  },
  "broken XML": {
    spoil: edit("Annotations/000000000012.xml", "</size>", "</sise>"),
    says: /^\/Annotations\/000000000012\.xml: broken XML in line 4: /,
  },
  "XML that ends too soon": {
    spoil: edit("Annotations/000000000012.xml", /<ymax>[^]*/, ""),
    says: /^\/Annotations\/000000000012\.xml: broken XML in line \d+: unclosed tag: bndbox$/,
  },
  "another kind of XML": {
    spoil: (folder) => put(folder, "Annotations/000000000012.xml", "<html/>"),
    says: /^\/Annotations\/000000000012\.xml: its root is <html>, expected <annotation>$/,
  },
  "name without a file": {
    spoil: edit("ImageSets/Main/val.txt", "000000000007", "000000000008"),
    says: /^\/ImageSets\/Main\/val\.txt: it names "000000000008", which has no file in Annotations$/,
  },
  "name twice": {
    spoil: edit("ImageSets/Main/val.txt", "000000000007", "000000000003"),
    says: /^\/ImageSets\/Main\/val\.txt: the image "000000000003" is there twice$/,
  },
  "no images": {
    spoil: (folder) => put(folder, "ImageSets/Main/val.txt", "\n"),
    says: /^: the split "val" is empty, it has no image$/,
  },
};

const LABELS = "labels/val/000000000012.txt";

const YOLO: Record<string, Fault> = {
  "missing image": {
    spoil: remove("images/val/000000000012.png"),
    says: /^\/labels\/val\/000000000012\.txt: its image is missing from .*images\/val$/,
    counted: "label file without its image left out",
  },
  "box over the edge": {
    spoil: (folder) => put(folder, LABELS, "0 0.9 0.5 0.5 0.5\n"),
    says:
      /^\/labels\/val\/000000000012\.txt: line 1 has a box from \(82\.55, 16\.25\) to \(146\.05, 48\.75\) that reaches over its image of 127x65$/,
    counted: "box over the edge of its image clipped to it",
  },
  "box of negative size": {
    spoil: (folder) => put(folder, LABELS, "\n0 0.5 0.5 0.5 -0.5\n"),
    says: /^\/labels\/val\/000000000012\.txt: line 2 has a box of negative size/,
    counted: "box of negative size left out",
  },
  "unknown class": {
    spoil: (folder) => put(folder, LABELS, "2 0.5 0.5 0.5 0.5\n"),
    says: /^\/labels\/val\/000000000012\.txt: line 1 is of the unknown class 2, there are 2 counted from 0$/,
  },
  "broken line": {
    spoil: (folder) => put(folder, LABELS, "0 0.5 0.5 half 0.5\n"),
    says: /^\/labels\/val\/000000000012\.txt: line 1 is "0 0\.5 0\.5 half 0\.5", expected numbers/,
    counted: "object without a usable box left out",
  },
  "line with six numbers": {
    spoil: (folder) => put(folder, LABELS, "0 0.5 0.5 0.5 0.5 0.9\n"),
    says: /^\/labels\/val\/000000000012\.txt: line 1 has 6 numbers, expected 5$/,
    counted: "object without a usable box left out",
  },
  "place in pixels": {
    spoil: (folder) => put(folder, LABELS, "0 63 31 20 20\n"),
    says: /^\/labels\/val\/000000000012\.txt: line 1 has 63, expected parts of the picture from 0 to 1$/,
    counted: "object without a usable box left out",
  },
  "row twice": {
    spoil: (folder) => put(folder, LABELS, "0 0.5 0.5 0.5 0.5\n0 0.5 0.5 0.5 0.5\n"),
    says: /^\/labels\/val\/000000000012\.txt: a row is there twice$/,
    counted: "object that is there twice counted once",
  },
  "two images for one label file": {
    spoil: (folder) =>
      putPictures(join(folder, "images/val"), {
        ...TINY,
        pictures: [{ ...TINY.pictures[1], name: "000000000003.webp" }],
      }),
    says: /^\/images\/val: 000000000003\.png and 000000000003\.webp would share one label file$/,
  },
  "no class names": {
    spoil: remove("data.yaml"),
    says:
      /^: it has neither data\.yaml nor classes\.txt, which name the classes: a file classes\.txt with a name a line/,
  },
  "broken YAML": {
    spoil: (folder) => put(folder, "data.yaml", "names: [a, b\nnc: {"),
    says: /^\/data\.yaml: broken YAML: /,
  },
  "class number left out": {
    spoil: (folder) => put(folder, "data.yaml", "names: {0: a, 2: b}"),
    says: /^\/data\.yaml: its "names" lack the class 1$/,
  },
  "other number of classes": {
    spoil: (folder) => put(folder, "data.yaml", "nc: 3\nnames: [a, b]"),
    says: /^\/data\.yaml: its "nc" says 3 classes, its "names" are 2$/,
  },
  "class name twice": {
    spoil: (folder) => put(folder, "data.yaml", "names: [a, a]"),
    says: /^\/data\.yaml: the class "a" is there twice$/,
  },
  "no boxes": {
    spoil: async (folder) => {
      for (const { name } of Deno.readDirSync(join(folder, "labels/val"))) {
        await Deno.remove(join(folder, "labels/val", name));
      }
    },
    says:
      /^: the split "val" is empty, none of its 4 images has a box; 4 images have no label file .*: there is no .*labels\/val\/000000000003\.txt$/,
  },
};

for (const [form, write, faults] of [["COCO", putCoco, COCO], ["VOC", putVoc, VOC], ["YOLO", putYolo, YOLO]] as const) {
  for (const [name, fault] of Object.entries(faults)) {
    Deno.test(`${form} form, ${name}: refused in a sentence that names the file`, () => check(write, fault));
  }
}

Deno.test("names and folders that are no data set are refused with what would be one", () =>
  inFolder(async (folder) => {
    const says = async (name: string, part: string, options = {}) => {
      await assertRejects(() => openDataset(name, options), FeatherdetError, part);
    };
    await says("cats", `unknown data set "cats": it is no folder and none of the names synthetic, bccd, coco`);
    await says(join(folder, "none"), "none: no such folder");
    await says(folder, "it is no data set: expected images/ with instances.json");
    await put(folder, "a.json", "{}");
    await says(join(folder, "a.json"), 'a.json: it has no list "categories"');
    await put(folder, "set.zip", "");
    await says(join(folder, "set.zip"), "set.zip: is an archive: unpack it and name the folder");
    await put(folder, "pictures/x/a.png", "");
    await says(join(folder, "pictures"), "it holds 1 image, but no annotations that are read: expected ");
    await put(folder, "a.txt", "");
    await says(join(folder, "a.txt"), "is a file, a data set is a folder");
    await putCoco(folder, TINY);
    await says(folder, `it has no splits, so "val" is none of them`, { split: "val" });
    await says(folder, "the limit is 0 images", { limit: 0 });
    await says(folder, `only "synthetic" has a size to choose`, { size: 320 });
    await says("synthetic", `has no split "extra", there are: train, val, test`, { split: "extra" });
    await says("synthetic", "a synthetic scene of 31x31 cannot be made", { size: 31 });
  }));
