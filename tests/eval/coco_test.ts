/** COCO's figures: against pycocotools, against the protocol written down literally, and by hand. */

import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import type { GroundTruth } from "../../src/data/dataset.ts";
import { type CocoDetection, evaluateDetections, FIGURE_NAMES, type TruthSet } from "../../src/eval/coco.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { literalAverages, literalFigures } from "../support/literal_coco.ts";
import { randomCase } from "../support/random_sets.ts";
import { cocoTruth } from "../support/coco_truth.ts";
import { sharedDataTest } from "../support/shared_data.ts";

const SEEDS = Array.from({ length: 100 }, (_, i) => i + 1);

function assertFigures(actual: readonly number[], expected: readonly number[], tolerance: number, where: string): void {
  assertEquals(actual.length, expected.length, where);
  expected.forEach((figure, i) => assertAlmostEquals(actual[i], figure, tolerance, `${where}, figure ${i}`));
}

Deno.test("random sets: all twelve figures and every class's are pycocotools'", async () => {
  const file = new URL("../fixtures/coco_figures.json", import.meta.url);
  const expected: ({ figures: number[]; averages: number[] } | null)[] = JSON.parse(await Deno.readTextFile(file));
  assertEquals(expected.length, SEEDS.length);
  for (const seed of SEEDS) {
    const result = expected[seed - 1];
    if (result === null) continue;
    const { set, detections } = randomCase(seed);
    const { figures, perClass } = evaluateDetections(set, detections);
    assertEquals(Object.keys(figures), [...FIGURE_NAMES]);
    assertFigures(Object.values(figures), result.figures, 1e-12, `seed ${seed}`);
    assertFigures(perClass.map(({ ap }) => ap), result.averages, 1e-12, `classes of seed ${seed}`);
  }
});

Deno.test("random sets: figures are those of the protocol written down literally", () => {
  for (const seed of SEEDS.slice(0, 40).map((seed) => seed + 1000)) {
    const { set, detections } = randomCase(seed);
    const { figures, perClass } = evaluateDetections(set, detections);
    assertFigures(Object.values(figures), literalFigures(set, detections), 1e-12, `seed ${seed}`);
    assertFigures(perClass.map(({ ap }) => ap), literalAverages(set, detections), 1e-12, `classes of seed ${seed}`);
  }
});

Deno.test("the order of pictures, and of detections of different scores, does not matter", () => {
  const { set, detections } = randomCase(7);
  const distinct = detections.map((one, i) => ({ ...one, score: one.score / 2 + i / 1e6 }));
  const turned = { ...set, images: set.images.toReversed() };
  assertEquals(evaluateDetections(turned, distinct.toReversed()), evaluateDetections(set, distinct));
});

sharedDataTest(
  "detections of yolo11n on coco/val: all twelve figures are pycocotools' to 1e-6",
  ["reference/coco-val-detections.json", "coco/val/instances.json"],
  async (reference, instances) => {
    const { pycocotools, detections } = JSON.parse(await Deno.readTextFile(reference));
    const { figures, images } = evaluateDetections(await cocoTruth(instances), detections);
    assertEquals(images, 200);
    assertEquals(Object.keys(figures), Object.keys(pycocotools));
    for (const [name, figure] of Object.entries<number>(pycocotools)) {
      assertAlmostEquals(figures[name as keyof typeof figures], figure, 1e-6, name);
    }
  },
);

const box = (id: number, edges: GroundTruth["box"], more: Partial<GroundTruth> = {}): GroundTruth => ({
  id,
  classId: 0,
  box: edges,
  area: (edges[2] - edges[0]) * (edges[3] - edges[1]),
  crowd: false,
  ...more,
});

const claim = (bbox: CocoDetection["bbox"], score: number, image_id = 1, category_id = 5): CocoDetection => ({
  image_id,
  category_id,
  bbox,
  score,
});

const setOf = (...boxes: GroundTruth[]): TruthSet => ({
  classes: ["thing", "other"],
  categoryIds: [5, 9],
  images: [{ id: 1, boxes }],
});

Deno.test("one object found exactly: everything is 1, what has no objects -1", () => {
  const { figures, perClass, map, map50 } = evaluateDetections(setOf(box(1, [10, 10, 50, 50])), [
    claim([10, 10, 40, 40], 0.5),
  ]);
  for (const name of FIGURE_NAMES) {
    assertAlmostEquals(figures[name], /Small|Large/.test(name) ? -1 : 1, 1e-12, name);
  }
  assertEquals([map, map50], [figures.map, figures.map50]);
  const [thing, other] = perClass;
  assertEquals([thing.name, thing.truths, thing.detections], ["thing", 1, 1]);
  assertEquals([other.truths, other.detections, other.ap, other.ap50, other.ap75, other.ar], [0, 0, -1, -1, -1, -1]);
  assertEquals(other.bestF1, undefined);
});

Deno.test("an overlap of 0.8 counts at seven thresholds of ten", () => {
  // 80 of 100 pixels of height: the overlap is 0.8 exactly, and 0.8 is a threshold.
  const { figures } = evaluateDetections(setOf(box(1, [0, 0, 100, 100])), [claim([0, 0, 100, 80], 0.5)]);
  assertAlmostEquals(figures.map, 0.7, 1e-12);
  assertAlmostEquals(figures.mar100, 0.7, 1e-12);
  assertAlmostEquals(figures.map75, 1, 1e-12);
});

Deno.test("precision is that of the best later point: right, wrong, right on two objects", () => {
  const set = setOf(box(1, [0, 0, 10, 10]), box(2, [100, 0, 110, 10]));
  const { figures, perClass } = evaluateDetections(set, [
    claim([0, 0, 10, 10], 0.9),
    claim([50, 0, 10, 10], 0.8),
    claim([100, 0, 10, 10], 0.7),
  ]);
  // 1 up to a recall of 0.5 (51 points), then 2/3 (50 points).
  assertAlmostEquals(figures.map50, (51 + 50 * 2 / 3) / 101, 1e-12);
  assertAlmostEquals(figures.mar1, 0.5, 1e-12);
  assertAlmostEquals(figures.mar10, 1, 1e-12);
  const { bestF1 } = perClass[0];
  assertEquals(bestF1, { confidence: 0.7, precision: 2 / 3, recall: 1, f1: 0.8 });
});

Deno.test("a second detection of an object is wrong, and one in a crowd is neither, however many", () => {
  const one = setOf(box(1, [0, 0, 10, 10]), box(2, [100, 0, 200, 100], { crowd: true }));
  const twice = [claim([0, 0, 10, 10], 0.5), claim([0, 0, 10, 10], 0.9)];
  // Small beside the crowd: the overlap is measured by the detection's own area.
  const inCrowd = [0.99, 0.98, 0.97].map((score, i) => claim([100 + 20 * i, 0, 10, 10], score));
  const result = evaluateDetections(one, [...inCrowd, ...twice]);
  assertEquals(result.perClass[0].truths, 1);
  assertAlmostEquals(result.map50, 1, 1e-12);
  // Half outside the crowd counts for it at 0.5; less is wrong, and comes first.
  assertAlmostEquals(evaluateDetections(one, [claim([95, 0, 10, 10], 0.95), ...twice]).map50, 1, 1e-12);
  assertAlmostEquals(evaluateDetections(one, [claim([94, 0, 10, 10], 0.95), ...twice]).map50, 0.5, 1e-12);
});

Deno.test("an object takes the area given for it, a detection that of its box", () => {
  // Annotated as medium although the box is large: in the range of medium objects the large detection is not wrong.
  const set = setOf(box(1, [0, 0, 200, 200], { area: 5000 }));
  const { figures } = evaluateDetections(set, [claim([300, 0, 200, 200], 0.9), claim([0, 0, 200, 200], 0.8)]);
  assertAlmostEquals(figures.mapMedium, 1, 1e-12);
  assertAlmostEquals(figures.map, 0.5, 1e-12);
  assertEquals([figures.mapSmall, figures.mapLarge], [-1, -1]);
  // Exactly 32 x 32 is small and medium.
  const edge = evaluateDetections(setOf(box(1, [0, 0, 32, 32])), [claim([0, 0, 32, 32], 0.9)]).figures;
  assertAlmostEquals(edge.mapSmall, 1, 1e-12);
  assertAlmostEquals(edge.mapMedium, 1, 1e-12);
});

Deno.test("no more than a hundred detections of a class on a picture count", () => {
  const wrong = Array.from({ length: 100 }, (_, i) => claim([300, 300, 9, 9], 0.9 - i / 1000));
  const set = setOf(box(1, [0, 0, 10, 10]));
  assertEquals(evaluateDetections(set, [claim([0, 0, 10, 10], 0.5), ...wrong]).map50, 0);
  const { map50, perClass } = evaluateDetections(set, [claim([0, 0, 10, 10], 0.5), ...wrong.slice(1)]);
  assertAlmostEquals(map50, 0.01, 1e-12);
  assertEquals(perClass[0].detections, 100);
});

Deno.test("empty sets and no detections", () => {
  const empty = evaluateDetections({ classes: ["a"], categoryIds: [1], images: [] }, []);
  assertEquals(Object.values(empty.figures), new Array(12).fill(-1));
  assertEquals([empty.images, empty.bestF1, empty.curves.confidence.length], [0, undefined, 0]);
  const unseen = evaluateDetections(setOf(box(1, [0, 0, 10, 10])), []);
  assertEquals([unseen.map, unseen.figures.mar100, unseen.figures.mapLarge], [0, 0, -1]);
  assertEquals(unseen.perClass[0].bestF1, { confidence: 1, precision: 1, recall: 0, f1: 0 });
  const onlyCrowd = evaluateDetections(setOf(box(1, [0, 0, 10, 10], { crowd: true })), [claim([0, 0, 10, 10], 0.9)]);
  assertEquals(onlyCrowd.map, -1);
});

Deno.test("detections that cannot be of the data set are refused", () => {
  const set = setOf(box(1, [0, 0, 10, 10]));
  const refuse = (detection: CocoDetection, sentence: string) =>
    assertThrows(() => evaluateDetections(set, [detection]), FeatherdetError, sentence);
  refuse(claim([0, 0, 1, 1], 0.5, 2), "detection 0 is of picture 2, which the data set does not have");
  refuse(claim([0, 0, 1, 1], 0.5, 1, 6), "detection 0 is of category 6, which the data set does not have");
  refuse(claim([0, 0, NaN, 1], 0.5), "detection 0 has the box [0, 0, NaN, 1] and the score 0.5");
  refuse(claim([0, 0, -1, 1], 0.5), "detection 0 has the box [0, 0, -1, 1]");
  refuse(claim([0, 0, 1, 1], NaN), "the score NaN");
  const strange = setOf(box(1, [0, 0, 10, 10], { classId: 2 }));
  assertThrows(() => evaluateDetections(strange, []), FeatherdetError, "picture 1 has an object of class 2");
  const twice = { ...set, images: [...set.images, ...set.images] };
  assertThrows(
    () => evaluateDetections(twice, []),
    FeatherdetError,
    "two pictures of the data set have the same number",
  );
});
