/** Data sets as tools export them go through evaluation and training: of three classes and of one, in parts and as a whole. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { openDataset } from "../../src/data/open.ts";
import { openTrainingPart, openValidationPart } from "../../src/data/parts.ts";
import { SYNTHETIC_CLASSES, syntheticPicture } from "../../src/data/synthetic.ts";
import { Detector } from "../../src/detect/detector.ts";
import { COCO_SETTINGS, evaluate } from "../../src/eval/evaluate.ts";
import { encodePng } from "../../src/image/codec/encode.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { train } from "../../src/recipes/train_detector.ts";
import { inFolder, putCoco, type TinySet } from "../support/data_folders.ts";
import { SPLIT, WHOLE } from "../support/export_folders.ts";

const LAYOUTS = {
  "Roboflow, YOLO": SPLIT["Roboflow, YOLO"],
  "Roboflow, COCO": SPLIT["Roboflow, COCO"],
  "CVAT, YOLO 1.1": WHOLE["CVAT, YOLO 1.1"],
  "CVAT, Pascal VOC": WHOLE["CVAT, Pascal VOC"],
  "one folder": WHOLE["labelImg, YOLO beside the pictures"],
};

/** Pictures of shapes that the demo detector knows; of one class, only its objects are annotated. */
async function shapes(folder: string, classes: number): Promise<TinySet> {
  const pictures = await Promise.all([1, 2, 3].map(async (seed) => {
    const { image, objects } = syntheticPicture({ seed, width: 96, height: 64 + seed, sizes: [16, 40], objects: 4 });
    const copy = join(folder, `${seed}.png`);
    await Deno.writeFile(copy, await encodePng(image));
    const { width, height } = image;
    const boxes = objects.filter(({ classId }) => classId < classes)
      .map(({ classId, box }) => [classId, ...box.map(Math.round)] as unknown as TinySet["pictures"][0]["boxes"][0]);
    return { name: `${seed}.png`, width, height, boxes, copy: pathToFileURL(copy) };
  }));
  return { classes: SYNTHETIC_CLASSES.slice(0, classes).map(({ label }) => label), pictures };
}

Deno.test("an export is measured as the same set in COCO's form, with three classes and with one", async () => {
  const detector = await Detector.load(demoDetector({ size: 96 }), COCO_SETTINGS);
  try {
    await inFolder(async (folder) => {
      for (const classes of [1, 3]) {
        const set = await shapes(folder, classes);
        await putCoco(join(folder, `coco${classes}`), set);
        const expected = await evaluate(detector, await openDataset(join(folder, `coco${classes}`)), { workers: 0 });
        assert(expected.map50 > 0.5, `${expected.map50}`);
        for (const [name, write] of Object.entries(LAYOUTS)) {
          const place = join(folder, `${name}${classes}`);
          await write(place, set);
          const { map, map50, perClass } = await evaluate(detector, await openDataset(place), { workers: 0 });
          assertEquals(perClass.map(({ name }) => name).toSorted(), set.classes.toSorted(), name);
          assertAlmostEquals(map, expected.map, 1e-6, name);
          assertAlmostEquals(map50, expected.map50, 1e-6, name);
        }
      }
    });
  } finally {
    detector.destroy();
  }
});

Deno.test("an export is trained on for an epoch, with three classes and with one", async () => {
  await inFolder(async (folder) => {
    for (const classes of [1, 3]) {
      const set = await shapes(folder, classes);
      for (const [name, write] of Object.entries(LAYOUTS)) {
        const place = join(folder, `${name}${classes}`);
        await write(place, set);
        if (name === "Roboflow, YOLO") {
          for (const part of ["images", "labels"]) {
            await Deno.mkdir(join(place, "train"), { recursive: true });
            await Deno.symlink(join("..", "valid", part), join(place, "train", part));
          }
        }
        if (name === "Roboflow, COCO") await Deno.symlink("valid", join(place, "train"));
        const training = await openTrainingPart(place);
        const validation = await openValidationPart(place, training);
        assertEquals([training.split, validation?.split], name in SPLIT ? ["train", "val"] : [undefined, undefined]);
        const model = yolo11({ width: 0.0625, depth: 0.3, size: 64, classes: training.classes, seed: 3 });
        const { epochs, model: trained } = await train(model, training, { epochs: 1, batch: 3, workers: 0, seed: 1 });
        assertEquals(epochs, 1);
        const constants = [...trained.constants.values()];
        assert(constants.every(({ data }) => [...data].every(Number.isFinite)), name);
      }
    }
  });
});
