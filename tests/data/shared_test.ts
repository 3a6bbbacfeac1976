/** The data sets beside the checkout, read in full. */

import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import type { Dataset } from "../../src/data/dataset.ts";
import { openDataset } from "../../src/data/open.ts";
import { sharedDataTest } from "../support/shared_data.ts";

function counts({ images }: Dataset): readonly [number, number] {
  return [images.length, images.reduce((sum, { boxes }) => sum + boxes.length, 0)];
}

sharedDataTest("bccd by name: the three splits with the counts that its notes state", ["bccd"], async () => {
  // Images, then boxes of RBC, WBC and platelets.
  const stated = { train: [205, 2381, 214, 209], val: [87, 967, 87, 83], test: [72, 805, 71, 69] };
  const names = new Set<string>();
  for (const [split, [images, ...perClass]] of Object.entries(stated)) {
    const dataset = await openDataset("bccd", { split });
    assertEquals([dataset.name, dataset.split, dataset.classes], ["bccd", split, ["RBC", "WBC", "Platelets"]]);
    assertEquals(counts(dataset), [images, perClass[0] + perClass[1] + perClass[2]]);
    const all = dataset.images.flatMap(({ boxes }) => boxes);
    assertEquals([0, 1, 2].map((classId) => all.filter((one) => one.classId === classId).length), perClass);
    assert(dataset.images.every(({ width, height }) => width === 640 && height === 480));
    for (const { name } of dataset.images) names.add(name);
  }
  assertEquals(names.size, 364);
  assertEquals((await openDataset("bccd")).split, "val");
});

sharedDataTest(
  "coco by name: 200 images of val, COCO's own numbers, nothing put right",
  ["coco"],
  async () => {
    const dataset = await openDataset("coco");
    assertEquals([dataset.name, dataset.split, counts(dataset), dataset.warnings], ["coco", "val", [200, 1665], []]);
    assertEquals([dataset.classes.length, dataset.classes[0], dataset.classes[79]], [80, "person", "toothbrush"]);
    assertEquals([dataset.categoryIds[0], dataset.categoryIds[11], dataset.categoryIds[79]], [1, 13, 90]);
    const boxes = dataset.images.flatMap((image) => image.boxes);
    // Three of the 80 are on none of these images.
    assertEquals(new Set(boxes.map(({ classId }) => classId)).size, 77);
    assertEquals(boxes.filter(({ crowd }) => crowd).length, 22);
    // The first entry of the file, by hand.
    const [first] = dataset.images;
    assertEquals([first.id, first.name, first.width, first.height], [285, "000000000285.jpg", 586, 640]);
    assertEquals(
      first.boxes.map(({ classId, box, area }) => [dataset.classes[classId], ...box.map(Math.round), area]),
      [
        ["bear", 1, 69, 586, 633, 329662.41],
      ],
    );
    const { data } = await first.load();
    assertEquals(data.length, 586 * 640 * 3);
  },
);

sharedDataTest("coco's parts for training, and a part by its folder", ["coco"], async (coco) => {
  assertEquals(counts(await openDataset("coco", { split: "train" })), [372, 3196]);
  assertEquals(counts(await openDataset("coco", { split: "extra" })), [1000, 9441]);
  const part = await openDataset(fileURLToPath(new URL(`${coco}/val`)), { limit: 7 });
  assertEquals([part.name, part.images.length], ["coco", 7]);
});

sharedDataTest(
  "every tenth picture of coco's evaluation part decodes to the size that its file says",
  ["coco"],
  async () => {
    for (const image of (await openDataset("coco")).images.filter((_, i) => i % 10 === 0)) {
      const { width, height } = await image.load();
      assertEquals([width, height], [image.width, image.height], image.name);
    }
  },
);
