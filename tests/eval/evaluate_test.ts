/** A detector over a data set: what comes out, what is kept, how it goes on after an interruption. */

import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import type { Dataset } from "../../src/data/dataset.ts";
import { Detector, type DetectorOptions } from "../../src/detect/detector.ts";
import { classMap, unshownText } from "../../src/eval/classes.ts";
import { evaluateDetections } from "../../src/eval/coco.ts";
import { COCO_SETTINGS, evaluate, type EvaluateOptions, type Evaluation } from "../../src/eval/evaluate.ts";
import type { EvaluationJournal, EvaluationRun, ImageRecord } from "../../src/eval/journal.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { demoDataset } from "../support/demo_dataset.ts";

const DEMO = demoDetector({ size: 192 });

async function withDetector<T>(run: (detector: Detector) => Promise<T>, options: DetectorOptions = COCO_SETTINGS) {
  const detector = await Detector.load(DEMO, options);
  try {
    return await run(detector);
  } finally {
    detector.destroy();
  }
}

const evaluated = (dataset: Dataset, options?: EvaluateOptions): Promise<Evaluation> =>
  withDetector((detector) => evaluate(detector, dataset, options));

/** All of an evaluation that may not differ between runs. */
function outcome({ speed: _, ...rest }: Evaluation) {
  return rest;
}

class MemoryJournal implements EvaluationJournal {
  readonly runs: EvaluationRun[] = [];
  readonly records: ImageRecord[] = [];
  open(run: EvaluationRun) {
    this.runs.push(run);
    return Promise.resolve([...this.records]);
  }
  append(record: ImageRecord) {
    this.records.push(record);
    return Promise.resolve();
  }
}

Deno.test("evaluate gives the figures of what the detector finds picture by picture", async () => {
  const dataset = demoDataset(7);
  const seen: number[] = [];
  const result = await evaluated(dataset, {
    onProgress: (done, total, image) => {
      assertEquals([done, total], [seen.length + 1, 7]);
      seen.push(image.id);
    },
  });
  assertEquals(seen, dataset.images.map(({ id }) => id));
  assertEquals([result.images, result.settings, result.warnings], [7, COCO_SETTINGS, []]);
  assert(result.map50 > 0.8, `${result.map50}`);
  assertEquals(outcome(result), { ...outcome(result), ...evaluateDetections(dataset, result.detections) });
  await withDetector(async (detector) => {
    for (const image of dataset.images) {
      const found = await detector.detect(await image.load());
      const kept = result.detections.filter(({ image_id }) => image_id === image.id);
      assertEquals(
        kept.map(({ category_id }) => category_id),
        found.map(({ classId }) => dataset.categoryIds[classId]),
      );
      kept.forEach(({ bbox: [x, y, width, height], score }, i) => {
        assertEquals(Math.fround(score), found[i].score, "a score does not come back as the same f32");
        [x, y, x + width, y + height].forEach((edge, side) => {
          assert(Math.abs(edge - found[i].box[side]) < 2e-3, `${found[i].box} is kept as ${[x, y, width, height]}`);
        });
      });
    }
  });
});

Deno.test("two evaluations are equal to the last bit", async () => {
  assertEquals(outcome(await evaluated(demoDataset(4))), outcome(await evaluated(demoDataset(4))));
});

Deno.test("the time is split into stages that fit into the whole", async () => {
  const { speed } = await evaluated(demoDataset(9));
  const { stages, images, seconds, networkShare } = speed;
  assertEquals(images, 9);
  assert(Math.abs(speed.imagesPerSecond - 9 / seconds) < 1e-9);
  assert(Object.values(stages).every((value) => value >= 0 && Number.isFinite(value)), JSON.stringify(stages));
  if (networkShare === undefined) return;
  assert(stages.network! > stages.letterbox! && stages.network! > stages.postprocess!, JSON.stringify(stages));
  const device = stages.letterbox! + stages.network! + stages.postprocess!;
  assert(device * images <= 1000 * seconds && networkShare > 0 && networkShare < 1, JSON.stringify(speed));
  assert(Math.abs(device + speed.idle! - 1000 * seconds / images) < 1e-6);
});

Deno.test("an evaluation that was interrupted goes on where it stopped, with the same outcome", async () => {
  const whole = await evaluated(demoDataset(10));
  const journal = new MemoryJournal();
  const broken = demoDataset(10, ({ name }) => {
    if (name === "seed 6") throw new FeatherdetError("is gone", { file: name });
  });
  await assertRejects(() => evaluated(broken, { journal }), FeatherdetError, "seed 6: is gone");
  const kept = journal.records.map(({ imageId }) => imageId);
  assert(kept.length >= 1 && kept.length <= 5, `${kept}`);
  assertEquals(kept, broken.images.slice(0, kept.length).map(({ id }) => id));

  const loaded: number[] = [], done: number[] = [];
  const rest = await evaluated(demoDataset(10, ({ id }) => void loaded.push(id)), {
    journal,
    onProgress: (count) => void done.push(count),
  });
  assertEquals(loaded, broken.images.slice(kept.length).map(({ id }) => id));
  assertEquals(done, loaded.map((_, i) => kept.length + i + 1));
  assertEquals(outcome(rest), outcome(whole));
  assertEquals(rest.speed.images, loaded.length);
  assertEquals(journal.runs[0], journal.runs[1]);

  const nothing = await evaluated(demoDataset(10, () => assert(false)), { journal });
  assertEquals(outcome(nothing), outcome(whole));
  assertEquals([nothing.speed.images, nothing.speed.networkShare], [0, undefined]);
  // A set that is only a part of it takes what it needs.
  const part = await evaluated(demoDataset(3), { journal });
  assertEquals(part.detections, whole.detections.slice(0, part.detections.length));
  assertEquals(part.images, 3);
});

Deno.test("a run is told from others by all that decides its outcome", async () => {
  const runOf = async (options: DetectorOptions, dataset = demoDataset(1), graph = DEMO) => {
    const journal = new MemoryJournal();
    const detector = await Detector.load(graph, options);
    try {
      await evaluate(detector, dataset, { journal });
    } finally {
      detector.destroy();
    }
    return journal.runs[0];
  };
  const base = await runOf(COCO_SETTINGS);
  assertEquals([base.dataset, base.split, base.inputSize, base.precision], ["demo", null, [192, 192], "f32"]);
  assertEquals(await runOf(COCO_SETTINGS), base);
  assertEquals(await runOf({ ...COCO_SETTINGS, confidence: 0.5 }), { ...base, confidence: 0.5 });
  assertEquals((await runOf(COCO_SETTINGS, { ...demoDataset(1), split: "test" })).split, "test");
  const name = [...DEMO.constants.keys()].find((key) => key.endsWith(".weight"))!;
  const weight = DEMO.constants.get(name)!;
  const changed = { ...weight, data: weight.data.map((value, i) => i === 0 ? value + 1e-3 : value) };
  const other = { ...DEMO, constants: new Map(DEMO.constants).set(name, changed) };
  const { digest, ...same } = await runOf(COCO_SETTINGS, demoDataset(1), other);
  assertEquals({ ...same, digest: base.digest }, base);
  assert(digest !== base.digest);
});

Deno.test("settings that are not the protocol's are named", async () => {
  const run = (detector: Detector) => evaluate(detector, demoDataset(2));
  const { settings, warnings } = await withDetector(run, { maxDetections: 20 });
  assertEquals(settings, { confidence: 0.25, iou: 0.7, maxDetections: 20, multiLabel: false });
  assertEquals(warnings.length, 3);
  assertStringIncludes(warnings[0], "0.25");
  assertStringIncludes(warnings[1], "20");
});

Deno.test("classes go together by name, else by number, else not at all", () => {
  assertEquals(classMap(["a", "b", "c"], ["c", "a"]), [1, -1, 0]);
  assertEquals(classMap(["class 0", "class 1"], ["cat", "dog"]), [0, 1]);
  assertThrows(() => classMap(["class 0", "class 1", "class 2"], ["cat", "dog"]), FeatherdetError, `"cat", "dog"`);
  assertThrows(
    () => classMap(["dog", "bird"], ["cat", "dog"]),
    FeatherdetError,
    `lacks 1 of the 2 of the data set: "cat"`,
  );
  // What no picture shows need not be known.
  assertEquals(classMap(["dog", "bird"], ["cat", "dog"], new Set([1])), [1, -1]);
  assertEquals(unshownText([1, -1], ["cat", "dog"]), 'the model lacks "cat", which no picture of the data set shows');
  assertEquals(unshownText([1, 0], ["cat", "dog"]), undefined);
  const many = Array.from({ length: 9 }, (_, i) => `class ${i}`);
  assertThrows(() => classMap(["x"], many), FeatherdetError, `"class 4" ...`);
});

Deno.test("a model without the data set's classes is refused before a picture is read", async () => {
  const dataset = { ...demoDataset(2, () => assert(false)), classes: ["red disc", "green square", "zebra"] };
  await assertRejects(() => evaluated(dataset), FeatherdetError, `"zebra"`);
});

Deno.test("classes in another order, and some of them only, give the same figures", async () => {
  const dataset = demoDataset(5);
  const { perClass, map } = await evaluated(dataset);
  const order = [2, 0, 1];
  const turned: Dataset = {
    ...dataset,
    classes: order.map((k) => dataset.classes[k]),
    images: dataset.images.map((image) => ({
      ...image,
      boxes: image.boxes.map((one) => ({ ...one, classId: order.indexOf(one.classId) })),
    })),
  };
  const other = await evaluated(turned);
  assertEquals(other.perClass.map(({ ap }) => ap), order.map((k) => perClass[k].ap));
  assert(Math.abs(other.map - map) < 1e-12);
  const one: Dataset = {
    ...dataset,
    classes: [dataset.classes[1]],
    categoryIds: [3],
    images: dataset.images.map((image) => ({
      ...image,
      boxes: image.boxes.filter(({ classId }) => classId === 1).map((box) => ({ ...box, classId: 0 })),
    })),
  };
  assertEquals((await evaluated(one)).map, perClass[1].ap);
});
