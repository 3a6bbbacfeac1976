/** Data sets as annotation tools export them are read without anything having to be moved. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { join } from "node:path";
import type { Dataset } from "../../src/data/dataset.ts";
import { openDataset } from "../../src/data/open.ts";
import { inFolder, put, TINY, type TinySet } from "../support/data_folders.ts";
import { SPLIT, WHOLE } from "../support/export_folders.ts";

/** Fails unless a data set has the pictures and the objects of a tiny one, whatever the order of classes. */
function checkSame({ images, classes }: Dataset, set: TinySet): void {
  const byName = <T extends { readonly name: string }>(list: readonly T[]) =>
    list.toSorted((a, b) => a.name < b.name ? -1 : 1);
  const expected = byName(set.pictures);
  assertEquals(
    byName(images).map(({ name, width, height }) => [name, width, height]),
    expected.map(({ name, width, height }) => [name, width, height]),
  );
  byName(images).forEach(({ boxes, name }, i) => {
    const wanted = expected[i].boxes;
    assertEquals(boxes.map(({ classId }) => classes[classId]), wanted.map(([classId]) => set.classes[classId]), name);
    boxes.forEach(({ box }, j) => wanted[j].slice(1).forEach((edge, k) => assertAlmostEquals(box[k], edge, 1e-9)));
  });
}

const THREE: TinySet = {
  classes: ["red", "green", "blue"],
  pictures: ["1 a.png", "2.rf.0f3a.png", "3_jpg.png"].map((name, i) => ({
    ...{ name, width: 40 + i, height: 33 },
    boxes: [[i, 0, 1, 20, 22], [(i + 1) % 3, 5, 6, 30, 33]],
  })),
};

const ONE: TinySet = {
  classes: ["only"],
  pictures: THREE.pictures.map((one) => ({ ...one, boxes: [[0, 0, 2, 11, 13]] })),
};

for (const [kind, exports, split] of [["whole", WHOLE, undefined], ["in parts", SPLIT, "val"]] as const) {
  for (const [name, write] of Object.entries(exports)) {
    Deno.test(`${name} (${kind}) is read as it is exported`, () =>
      inFolder(async (folder) => {
        for (const [i, set] of [TINY, ONE, THREE].entries()) {
          const place = join(folder, String(i));
          await write(place, set);
          const inside = name === "Roboflow, a part alone" ? join(place, "valid") : place;
          const dataset = await openDataset(inside);
          assertEquals(dataset.split, split);
          checkSame(dataset, set);
          const said = dataset.warnings.filter((one) =>
            !/^("things" only groups|boxes are edges counted from 0|pixels of boxes|read from |dataset\.yaml says val )/
              .test(one)
          );
          assertEquals(said, []);
          if (split === undefined) continue;
          for (const other of ["valid", "validation"]) {
            assertEquals((await openDataset(inside, { split: other })).split, "val");
          }
        }
      }));
  }
}

Deno.test("a path to the YAML file or the JSON file is a data set", () =>
  inFolder(async (folder) => {
    const [yolo, coco] = [join(folder, "yolo"), join(folder, "coco")];
    await SPLIT["Roboflow, YOLO"](yolo, THREE);
    await SPLIT["COCO's own archives"](coco, THREE);
    const byYaml = await openDataset(join(yolo, "data.yaml"));
    checkSame(byYaml, THREE);
    assertEquals([byYaml.name, byYaml.split], ["yolo", "val"]);
    const byJson = await openDataset(join(coco, "annotations/instances_val2017.json"));
    checkSame(byJson, THREE);
    assertEquals([byJson.name, byJson.split], ["coco", undefined]);
    // A file of another name, which `openDataset` would not look for among others.
    await Deno.rename(join(yolo, "data.yaml"), join(yolo, "a.yaml"));
    await put(yolo, "b.yaml", "x: 1");
    checkSame(await openDataset(join(yolo, "a.yaml")), THREE);
  }));

Deno.test("classes of Pascal VOC beside pictures have the same numbers in every part", () =>
  inFolder(async (folder) => {
    await SPLIT["Roboflow, Pascal VOC"](folder, THREE);
    await Deno.rename(join(folder, "valid"), join(folder, "train"));
    await SPLIT["Roboflow, Pascal VOC"](folder, { ...THREE, pictures: THREE.pictures.slice(1, 2) });
    const classes = await Promise.all(
      ["train", "val"].map(async (split) => (await openDataset(folder, { split })).classes),
    );
    assertEquals(classes, [["blue", "green", "red"], ["blue", "green", "red"]]);
    assert((await openDataset(folder, { split: "train+val" })).images.length === 4);
  }));
