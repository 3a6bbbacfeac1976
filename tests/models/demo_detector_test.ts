/** The constructed detector, run by the reference evaluator, against the synthetic pictures' truth. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { SYNTHETIC_CLASSES, type SyntheticObject, syntheticPicture } from "../../src/data/synthetic.ts";
import type { RgbImage } from "../../src/image/rgb_image.ts";
import { analyze, FeatherdetError, verify } from "../../src/graph/mod.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { DEMO_CLASSES } from "../../src/models/demo_features.ts";
import { anchorPoints } from "../../src/models/dfl_tail.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";

type Box = readonly [number, number, number, number];

function planes({ width, height, data }: RgbImage): Float32Array {
  const pixels = width * height;
  return Float32Array.from({ length: 3 * pixels }, (_, i) => data[(i % pixels) * 3 + Math.floor(i / pixels)] / 255);
}

function iou(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const area = (box: Box) => (box[2] - box[0]) * (box[3] - box[1]);
  return (width * height) / (area(a) + area(b) - width * height);
}

interface Found {
  classId: number;
  score: number;
  box: Box;
}

/** Plain decoding of `output0` and greedy class-wise suppression at IoU 0.7. */
function decode(output: ArrayLike<number>, anchors: number): Found[] {
  const candidates: Found[] = [];
  for (let anchor = 0; anchor < anchors; anchor++) {
    const at = (row: number) => output[row * anchors + anchor];
    const box: Box = [at(0) - at(2) / 2, at(1) - at(3) / 2, at(0) + at(2) / 2, at(1) + at(3) / 2];
    for (let classId = 0; classId < 3; classId++) {
      if (at(4 + classId) >= 0.25) candidates.push({ classId, score: at(4 + classId), box });
    }
  }
  const kept: Found[] = [];
  for (const one of candidates.sort((a, b) => b.score - a.score)) {
    if (kept.every((other) => other.classId !== one.classId || iou(other.box, one.box) < 0.7)) kept.push(one);
  }
  return kept;
}

function detect(size: number, image: RgbImage): Found[] {
  const graph = demoDetector({ size });
  const output = runReference(graph, { images: referenceTensor([1, 3, size, size], planes(image)) }).get("output0")!;
  const anchors = output.shape[2];
  assertEquals(output.shape, [1, 7, (size / 8) ** 2 + (size / 16) ** 2 + (size / 32) ** 2]);
  return decode(output.data, anchors);
}

/** Truth without a detection of its class at IoU 0.6, and detections without truth. */
function mistakes(found: Found[], objects: readonly SyntheticObject[]): { missed: number; wrong: number } {
  const used = new Set<Found>();
  let missed = 0;
  for (const { classId, box } of objects) {
    const match = found.find((one) => !used.has(one) && one.classId === classId && iou(one.box, box) > 0.6);
    if (match) used.add(match);
    else missed++;
  }
  return { missed, wrong: found.length - used.size };
}

Deno.test("the demo detector finds every object of clear size, with tight boxes", () => {
  for (const seed of [1, 2]) {
    const { image, objects } = syntheticPicture({ seed, width: 256, height: 256, sizes: [40, 120], objects: 5 });
    const found = detect(256, image);
    assert(objects.length >= 3);
    assertEquals(
      mistakes(found, objects),
      { missed: 0, wrong: 0 },
      `seed ${seed}: ${JSON.stringify({ found, objects })}`,
    );
  }
});

Deno.test("the demo detector finds nothing in clutter without objects, and nothing in black or white", () => {
  assertEquals(detect(192, syntheticPicture({ seed: 3, width: 192, height: 192, objects: 0 }).image), []);
  for (const value of [0, 255]) {
    assertEquals(detect(64, { width: 64, height: 64, data: new Uint8Array(64 * 64 * 3).fill(value) }), []);
  }
});

Deno.test("the demo detector is a verified graph of YOLO11's form", () => {
  const graph = demoDetector({ size: 96, batch: 3 });
  verify(graph);
  assertEquals(graph.inputs[0].shape, [3, 3, 96, 96]);
  assertEquals(graph.outputs, ["output0"]);
  assertEquals(graph.metadata.names, "{0: 'red disc', 1: 'green square', 2: 'blue triangle'}");
  assert(analyze(demoDetector()).flops < 0.5e9);
  assertThrows(() => demoDetector({ size: 100 }), FeatherdetError, "100, expected a multiple of 32");
});

Deno.test("the demo detector's classes are those of the synthetic pictures", () => {
  const described = DEMO_CLASSES.map(({ label, aspect }) => ({ label, aspect }));
  assertEquals(described, SYNTHETIC_CLASSES.map(({ label, aspect }) => ({ label, aspect })));
});

Deno.test("anchorPoints lists centres row by row, level by level", () => {
  const { centres, strides } = anchorPoints([
    { box: "", classes: "", rows: 1, columns: 3, stride: 8 },
    { box: "", classes: "", rows: 2, columns: 1, stride: 16 },
  ]);
  assertEquals([...centres], [0.5, 1.5, 2.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1.5]);
  assertEquals([...strides], [8, 8, 8, 16, 16]);
});
