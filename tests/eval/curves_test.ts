/** Precision-recall curves, least confidences, and the confusion matrix. */

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import type { GroundTruth } from "../../src/data/dataset.ts";
import {
  CONFIDENCE_POINTS,
  countConfusions,
  evaluateDetections,
  IOU_THRESHOLDS,
  type TruthSet,
} from "../../src/eval/coco.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { literalConfusions, literalF1 } from "../support/literal_coco.ts";
import { randomCase } from "../support/random_sets.ts";

const SEEDS = Array.from({ length: 30 }, (_, i) => i + 500);

Deno.test("random sets: the confidence of greatest F1 and the F1 there are those found by trying all", () => {
  for (const seed of SEEDS) {
    const { set, detections } = randomCase(seed);
    for (const { classId, bestF1 } of evaluateDetections(set, detections).perClass) {
      const scores = [...new Set([1, ...detections.map(({ score }) => score)])].sort((a, b) => b - a);
      const tried = scores.map((confidence) => ({ confidence, ...literalF1(set, detections, classId, confidence) }));
      if (bestF1 === undefined) {
        assertEquals(tried[0].f1, undefined);
        continue;
      }
      const greatest = Math.max(...tried.map(({ f1 }) => f1!));
      assertAlmostEquals(bestF1.f1, greatest, 1e-12, `seed ${seed}, class ${classId}`);
      const there = literalF1(set, detections, classId, bestF1.confidence)!;
      assertAlmostEquals(there.f1, greatest, 1e-12, `seed ${seed}, class ${classId}`);
      assertAlmostEquals(bestF1.precision, there.precision, 1e-12);
      assertAlmostEquals(bestF1.recall, there.recall, 1e-12);
    }
  }
});

Deno.test("random sets: the curves over confidences are means of the classes'", () => {
  for (const seed of SEEDS.slice(0, 6)) {
    const { set, detections } = randomCase(seed);
    const { curves, bestF1 } = evaluateDetections(set, detections);
    if (bestF1 === undefined) continue;
    assertEquals(curves.confidence.map(({ confidence }) => confidence), [...CONFIDENCE_POINTS]);
    for (const at of [0, 1, 125, 250, 333, 500, 875, 999, 1000]) {
      const points = set.classes.flatMap((_, k) => literalF1(set, detections, k, at / 1000) ?? []);
      for (const key of ["precision", "recall", "f1"] as const) {
        const mean = points.reduce((sum, point) => sum + point[key], 0) / points.length;
        assertAlmostEquals(curves.confidence[at][key], mean, 1e-12, `seed ${seed}, ${key} at ${at}`);
      }
    }
    assertEquals(bestF1.f1, Math.max(...curves.confidence.map(({ f1 }) => f1)));
  }
});

Deno.test("random sets: precision-recall curves fall, and their means are the figures", () => {
  const mean = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  for (const seed of SEEDS) {
    const { set, detections } = randomCase(seed);
    const { curves, figures, perClass } = evaluateDetections(set, detections);
    assertEquals(curves.recall.length, 101);
    if (figures.map < 0) {
      assertEquals(curves.precision.map((list) => list.length), new Array(10).fill(0));
      continue;
    }
    assertAlmostEquals(mean(curves.precision.map(mean)), figures.map, 1e-12);
    assertAlmostEquals(mean(curves.precision[5]), figures.map75, 1e-12);
    curves.perClass.forEach((curve, k) => {
      assertEquals(curve.length, perClass[k].truths > 0 ? 101 : 0);
      if (curve.length === 0) return;
      assertAlmostEquals(mean(curve), perClass[k].ap50, 1e-12);
      assert(curve.every((precision, i) => i === 0 || precision <= curve[i - 1]), `seed ${seed}, class ${k}`);
    });
  }
});

const object = (id: number, classId: number, box: GroundTruth["box"], crowd = false): GroundTruth => ({
  id,
  classId,
  box,
  area: 100,
  crowd,
});

const claim = (category_id: number, bbox: readonly [number, number, number, number], score: number) => ({
  image_id: 1,
  category_id,
  bbox,
  score,
});

Deno.test("the confusion matrix by hand: right, taken for another, missed, of nothing, in a crowd, unsure", () => {
  const set: TruthSet = {
    classes: ["cat", "dog"],
    categoryIds: [17, 18],
    images: [{
      id: 1,
      boxes: [
        object(1, 0, [0, 0, 10, 10]),
        object(2, 0, [20, 0, 30, 10]),
        object(3, 1, [40, 0, 50, 10]),
        object(4, 1, [100, 0, 200, 100], true),
      ],
    }, { id: 2, boxes: [object(5, 1, [0, 0, 10, 10])] }],
  };
  const detections = [
    claim(17, [0, 0, 10, 10], 0.9),
    // A dog where the second cat is; a surer cat beside it overlaps less and is of nothing.
    claim(18, [20, 0, 10, 10], 0.6),
    claim(17, [22, 0, 10, 10], 0.8),
    claim(18, [60, 0, 10, 10], 0.7),
    // In the crowd of dogs.
    claim(17, [120, 20, 10, 10], 0.9),
    // Not sure enough.
    claim(18, [40, 0, 10, 10], 0.2),
  ];
  const matrix = countConfusions(set, detections);
  assertEquals(matrix.names, ["cat", "dog", "background"]);
  assertEquals(matrix.counts, [
    [1, 0, 1],
    [1, 0, 1],
    [0, 2, 0],
  ]);
  const unsure = countConfusions(set, detections, { confidence: 0.1, iou: 0.99 });
  assertEquals(unsure.counts, [
    [1, 0, 1],
    [1, 1, 1],
    [0, 1, 0],
  ]);
  assertThrows(() => countConfusions(set, detections, { iou: 0 }), FeatherdetError, "an overlap of 0");
});

Deno.test("random sets: rows and columns of the confusion matrix add up to detections and objects", () => {
  for (const seed of SEEDS) {
    const { set, detections } = randomCase(seed);
    const { counts } = countConfusions(set, detections, { confidence: 0.3 });
    const objects = set.images.flatMap(({ boxes }) => boxes).filter(({ crowd }) => !crowd);
    set.classes.forEach((_, k) => {
      const column = counts.reduce((sum, row) => sum + row[k], 0);
      assertEquals(column, objects.filter(({ classId }) => classId === k).length, `seed ${seed}`);
      const row = counts[k].reduce((sum, count) => sum + count, 0);
      const claims = detections.filter((one) => one.category_id === set.categoryIds[k] && one.score >= 0.3);
      // Those in crowds are left out.
      assert(row <= claims.length, `seed ${seed}`);
      if (set.images.every(({ boxes }) => boxes.every(({ crowd }) => !crowd)) && claims.length <= 100) {
        assertEquals(row, claims.length, `seed ${seed}`);
      }
    });
    assertEquals(counts.at(-1)!.at(-1), 0);
  }
});

Deno.test("random sets: precision over recall is pycocotools', of every class and as their mean", async () => {
  const file = new URL("../fixtures/coco_curves.json", import.meta.url);
  const cases: ({ perClass: (number[] | -1)[]; mean75: number[] } | null)[] = JSON.parse(await Deno.readTextFile(file));
  assert(cases.filter((one) => one !== null).length >= 6);
  const at75 = IOU_THRESHOLDS.findIndex((overlap) => Math.abs(overlap - 0.75) < 1e-9);
  const assertCurve = (actual: readonly number[], expected: readonly number[], where: string) => {
    assertEquals(actual.length, expected.length, where);
    expected.forEach((value, i) => assertAlmostEquals(actual[i], value, 1e-8, `${where} at recall ${i / 100}`));
  };
  cases.forEach((expected, i) => {
    if (expected === null) return;
    const { set, detections } = randomCase(i + 1);
    const { curves } = evaluateDetections(set, detections);
    assertEquals(curves.perClass.length, expected.perClass.length);
    expected.perClass.forEach((one, k) => assertCurve(curves.perClass[k], one === -1 ? [] : one, `${i + 1}, ${k}`));
    assertCurve(curves.precision[at75], expected.mean75, `seed ${i + 1}, mean`);
  });
});

Deno.test("random sets: the confusion matrix is the one that is counted literally, with the usual thresholds and others", () => {
  for (const seed of SEEDS) {
    const { set: raw, detections: claims } = randomCase(seed);
    // Of equal overlaps either may be taken: none are.
    let at = 0;
    const images = raw.images.map(({ id, boxes }) => ({
      id,
      boxes: boxes.map((one) => {
        const [x1, y1, x2, y2] = one.box;
        return { ...one, box: [x1, y1, x2 + 1e-4 * ++at, y2] as const };
      }),
    }));
    const detections = claims.map((one, i) => {
      const [x, y, width, height] = one.bbox;
      return { ...one, bbox: [x, y, width, height + 1.7e-6 * (i + 1)] as const };
    });
    const set = { ...raw, images };
    for (const [iou, confidence] of [[0.45, 0.25], [0.5, 0.6], [0.9, 0]]) {
      const { counts } = countConfusions(set, detections, { iou, confidence });
      assertEquals(counts, literalConfusions(set, detections, iou, confidence), `seed ${seed}, ${iou}, ${confidence}`);
    }
  }
});
