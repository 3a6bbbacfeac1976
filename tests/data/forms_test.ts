/** Data sets in COCO's, Pascal VOC's and YOLO's form: the same set is read the same from each. */

import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { basename, join } from "node:path";
import type { Dataset } from "../../src/data/dataset.ts";
import { readFolder } from "../../src/data/forms.ts";
import { decodeImage } from "../../src/image/codec/decode.ts";
import { openDataset } from "../../src/data/open.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import {
  cocoValue,
  inFolder,
  put,
  putCoco,
  putPictures,
  putVoc,
  putYolo,
  TINY,
  vocText,
  yoloLines,
} from "../support/data_folders.ts";

/** Fails unless a data set is the tiny one. */
function checkTiny(dataset: Dataset, form: string): void {
  assertEquals(dataset.classes, TINY.classes, form);
  assertEquals(dataset.categoryIds, [1, 2], form);
  // In YOLO's form, pictures that show nothing have no file.
  const said: Record<string, string> = {
    YOLO: "1 image has no label file and counts as showing nothing",
    "Pascal VOC": "pixels of boxes are counted from 1, as in Pascal VOC: no box shows that they are counted from 0",
  };
  assertEquals(dataset.warnings, form in said ? [said[form]] : [], form);
  assertEquals(dataset.images.map(({ id }) => id), [3, 7, 12, 20], form);
  assertEquals(
    dataset.images.map(({ name, width, height }) => [name, width, height]),
    TINY.pictures.map(({ name, width, height }) => [name, width, height]),
    form,
  );
  const ids = dataset.images.flatMap(({ boxes }) => boxes.map(({ id }) => id));
  assertEquals(new Set(ids).size, ids.length, form);
  dataset.images.forEach(({ boxes }, i) => {
    const expected = TINY.pictures[i].boxes;
    assertEquals(boxes.map(({ classId }) => classId), expected.map(([classId]) => classId), form);
    boxes.forEach(({ box, area, crowd }, j) => {
      const [, x1, y1, x2, y2] = expected[j];
      [x1, y1, x2, y2].forEach((edge, k) => assertAlmostEquals(box[k], edge, 1e-9, `${form} ${i} ${j}`));
      assertAlmostEquals(area, (x2 - x1) * (y2 - y1), 1e-9, form);
      assertEquals(crowd, false, form);
    });
  });
}

for (const [form, write] of Object.entries({ COCO: putCoco, "Pascal VOC": putVoc, YOLO: putYolo })) {
  Deno.test(`a set in ${form}'s form is read box by box, with sizes as its pictures are decoded`, () =>
    inFolder(async (folder) => {
      await write(folder, TINY);
      const dataset = await openDataset(folder);
      checkTiny(dataset, form);
      assertEquals([dataset.name, dataset.split], [basename(folder), form === "COCO" ? undefined : "val"]);
      for (const image of dataset.images) {
        const { width, height, data } = await image.load();
        assertEquals([width, height], [image.width, image.height]);
        assertEquals((await decodeImage(await image.bytes())).data, data);
      }
      const limited = await openDataset(folder, { limit: 2 });
      assertEquals(limited.images.map(({ id }) => id), [3, 7]);
    }));
}

Deno.test("COCO's own arrangement is read: annotations/instances_val2017.json, pictures in val2017/", () =>
  inFolder(async (folder) => {
    await putPictures(join(folder, "val2017"), TINY);
    await put(folder, "annotations/instances_val2017.json", JSON.stringify(cocoValue(TINY)));
    await put(folder, "annotations/captions_val2017.json", "{}");
    const dataset = await openDataset(folder);
    checkTiny(dataset, "val2017");
    assertEquals(dataset.split, "val");
  }));

Deno.test("splits of the COCO form are files, val by default, and share the pictures", () =>
  inFolder(async (folder) => {
    await putCoco(folder, TINY, "instances_val.json");
    const train = { ...TINY, pictures: TINY.pictures.slice(2) };
    await put(folder, "instances_train.json", JSON.stringify(cocoValue(train)));
    checkTiny(await openDataset(folder), "val");
    const dataset = await openDataset(folder, { split: "train" });
    assertEquals([dataset.split, dataset.images.map(({ id }) => id)], ["train", [12, 20]]);
    await assertRejects(() => openDataset(folder, { split: "test" }), FeatherdetError, "there are: train, val");
  }));

Deno.test("a folder of folders is read by split, under its own name", () =>
  inFolder(async (folder) => {
    await putCoco(join(folder, "val"), TINY);
    await putYolo(join(folder, "extra"), TINY);
    const dataset = await openDataset(folder);
    checkTiny(dataset, "val/");
    assertEquals([dataset.name, dataset.split], [basename(folder), "val"]);
    assertEquals((await openDataset(join(folder, "val"))).name, basename(folder));
    await assertRejects(() => openDataset(folder, { split: "train" }), FeatherdetError, "there are: extra, val");
  }));

Deno.test("crowds, areas and category numbers of the COCO form are kept", () =>
  inFolder(async (folder) => {
    await putPictures(join(folder, "images"), TINY);
    const value = cocoValue(TINY);
    value.annotations[0].iscrowd = 1;
    value.annotations[0].area = 12.5;
    delete value.annotations[1].area;
    // Numbers with gaps, listed in another order.
    value.categories = [{ id: 90, name: "bird" }, { id: 18, name: "cat & dog" }];
    for (const one of value.annotations) one.category_id = one.category_id === 1 ? 18 : 90;
    await put(folder, "instances.json", JSON.stringify(value));
    const { classes, categoryIds, images: [{ boxes: [first, second] }] } = await openDataset(folder);
    assertEquals([classes, categoryIds], [["cat & dog", "bird"], [18, 90]]);
    assertEquals([first.crowd, first.area, first.classId, second.area], [true, 12.5, 1, 105]);
  }));

Deno.test("VOC without lists or classes: every file is read, classes by alphabet, difficult objects are not counted", () =>
  inFolder(async (folder) => {
    await putPictures(join(folder, "images"), TINY);
    for (const picture of TINY.pictures) {
      const text = vocText(picture, TINY.classes).replace("<difficult>0", "<difficult>1");
      await put(folder, `Annotations/${picture.name.split(".")[0]}.xml`, text);
    }
    const { classes, split, images } = await openDataset(folder);
    assertEquals([classes, split], [["bird", "cat & dog"], undefined]);
    assertEquals(images[0].boxes.map(({ classId, crowd }) => [classId, crowd]), [[0, true], [1, false]]);
    // Tools that count from 0 write edges: nothing is subtracted then.
    const edges = await readFolder(folder, { firstPixel: 0 });
    assertEquals(edges.images[0].boxes[1].box, [3, 6, 9, 20]);
    // The caller's word counts more than what boxes show, either way.
    const counted = await Promise.all(
      [0, 1].map((firstPixel) => openDataset(folder, { firstPixel: firstPixel as 0 | 1 })),
    );
    assertEquals(counted.map(({ images }) => images[0].boxes[1].box), [[3, 6, 9, 20], [2, 5, 9, 20]]);
    assertEquals(counted[1].warnings, []);
  }));

Deno.test("the first pixel's number is for VOC's form alone", () =>
  inFolder(async (folder) => {
    const refused = (name: string, says: string) =>
      assertRejects(() => openDataset(name, { firstPixel: 0 }), FeatherdetError, `this data set is ${says}`);
    await refused("synthetic", "synthetic");
    const [coco, yolo] = ["coco", "yolo"].map((name) => join(folder, name));
    await putCoco(coco, TINY);
    await refused(coco, "in that of COCO");
    await putYolo(yolo, TINY);
    await refused(yolo, "in that of YOLO");
  }));

Deno.test("classes of a VOC folder have the same numbers in every split", () =>
  inFolder(async (folder) => {
    await putVoc(folder, TINY);
    await Deno.remove(join(folder, "classes.txt"));
    await put(folder, "ImageSets/Main/train.txt", "000000000020  1\n");
    await put(folder, "ImageSets/Main/bird_train.txt", "000000000020 -1\n");
    const train = await openDataset(folder, { split: "train" });
    assertEquals([train.classes, train.images.length], [["bird", "cat & dog"], 1]);
    await assertRejects(() => openDataset(folder, { split: "bird_train" }), FeatherdetError, "there are: train, val");
  }));

Deno.test("YOLO folders by split with names as a list, outlines instead of boxes, and names that are no numbers", () =>
  inFolder(async (folder) => {
    const set = { ...TINY, pictures: TINY.pictures.slice(0, 2).map((one, i) => ({ ...one, name: `b${i}.png` })) };
    await putPictures(join(folder, "valid/images"), set);
    await put(folder, "valid/labels/b0.txt", `${yoloLines(set.pictures[0])}\n0 0.5 0.25 1 0.5 0.75 1\n`);
    await put(folder, "data.yaml", "names: ['cat & dog', bird]\n");
    const { images, classes } = await openDataset(folder);
    assertEquals([classes, images.map(({ id }) => id)], [TINY.classes, [1, 2]]);
    assertEquals(images[0].boxes[2].box, [6.5, 31.75, 13, 127]);
  }));

Deno.test("eighty classes of YOLO's form that are COCO's have COCO's category numbers", () =>
  inFolder(async (folder) => {
    await putYolo(folder, TINY);
    const names = Array.from({ length: 80 }, (_, i) => i === 0 ? "person" : i === 79 ? "toothbrush" : `class ${i}`);
    await put(folder, "data.yaml", `names: ${JSON.stringify(names)}\n`);
    const { categoryIds } = await openDataset(folder);
    // Bicycle, stop sign, bench, zebra, giraffe, backpack, wine glass, dining table, tv, book, toothbrush.
    const known = [1, 11, 13, 22, 23, 24, 40, 60, 62, 73, 79].map((classId) => categoryIds[classId]);
    assertEquals(known, [2, 13, 15, 24, 25, 27, 46, 67, 72, 84, 90]);
  }));

Deno.test("boxes that rounding moved are clipped and empty ones left out, with a count of both", () =>
  inFolder(async (folder) => {
    await putPictures(join(folder, "images"), TINY);
    const value = cocoValue(TINY);
    const boxes = [[-1.5, 0, 10, 10], [0, 0, 13.05, 127.04], [3, 3, 0, 5]];
    value.annotations = boxes.map((bbox, i) => ({ id: i, image_id: 3, category_id: 1, bbox, area: 1, iscrowd: 0 }));
    await put(folder, "instances.json", JSON.stringify(value));
    const { images: [first], warnings } = await openDataset(folder);
    assertEquals(first.boxes.map(({ box }) => box), [[0, 0, 8.5, 10], [0, 0, 13, 127]]);
    assertEquals(warnings.length, 2);
    assert(warnings[0].startsWith("1 box up to 2 pixels") && warnings[1].startsWith("1 box without"), String(warnings));
  }));

Deno.test("a picture that is exchanged for one of another size after the set was read is refused", () =>
  inFolder(async (folder) => {
    await putCoco(folder, TINY);
    const { images } = await openDataset(folder);
    await Deno.copyFile(join(folder, "images", TINY.pictures[1].name), join(folder, "images", TINY.pictures[0].name));
    await assertRejects(() => images[0].load(), FeatherdetError, "is 64x33 now, it was 13x127");
    await Deno.remove(join(folder, "images", TINY.pictures[0].name));
    await assertRejects(() => images[0].load(), FeatherdetError, "000000000003.png: no such file");
  }));

Deno.test("splits are joined in their order, with ids of their own where theirs are equal", async () => {
  await inFolder(async (folder) => {
    await putCoco(join(folder, "train"), TINY);
    await putCoco(join(folder, "extra"), TINY);
    const part = await openDataset(folder, { split: "train" });
    const joint = await openDataset(folder, { split: "train+extra" });
    const names = part.images.map(({ name }) => name);
    assertEquals([joint.split, joint.name], ["train+extra", part.name]);
    assertEquals(joint.images.map(({ name }) => name), [...names, ...names]);
    assertEquals(joint.images.map(({ id }) => id), [1, 2, 3, 4, 5, 6, 7, 8]);
    const boxes = joint.images.flatMap((image) => image.boxes);
    assertEquals(boxes.map(({ id }) => id), boxes.map((_, index) => index + 1));
    assertEquals(
      boxes.map(({ box }) => box),
      [...part.images, ...part.images].flatMap((image) => image.boxes.map(({ box }) => box)),
    );
    assertEquals((await joint.images[5].load()).data, (await part.images[1].load()).data);
    const limited = await openDataset(folder, { split: "train+extra", limit: 5 });
    assertEquals(limited.images.map(({ name }) => name), [...names, names[0]]);
    await assertRejects(() => openDataset(folder, { split: "train+train" }), FeatherdetError, "twice");
    await assertRejects(() => openDataset(folder, { split: "train+other" }), FeatherdetError, '"other"');
  });
});
