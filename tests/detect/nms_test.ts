/** Suppression on the device and on the host against naive greedy suppression. */

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { type ImageResult, readDetections } from "../../src/detect/decode.ts";
import { boxToPicture, frameRecord, letterboxGeometry } from "../../src/detect/letterbox.ts";
import { suppressCandidates } from "../../src/detect/host/suppress.ts";
import { intersectionOverUnion, suppressDetections } from "../../src/detect/nms.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import {
  DETECT_VALUES,
  type DetectSpace,
  MAX_CANDIDATES,
  MAX_DETECTIONS,
  RESULT_STRIDE,
  suppress,
} from "../../src/kernels/detect/mod.ts";
import { type ReferenceCandidate, suppressReference } from "../../src/reference/detect.ts";
import { PITCH } from "../support/compare.ts";
import { candidateTensors, randomCandidates } from "../support/detect.ts";
import { gpuTest, runKernels } from "../support/gpu.ts";

/** Larger than any box, so that clipping at the picture's edge changes nothing. */
const SIDE = 2048;
const FORM = { storage: "texture", scalar: "f32", pageShift: 3 } as const;

interface Settings {
  readonly iou: number;
  readonly maxDetections?: number;
  readonly maxCandidates?: number;
}

async function onDevice(
  space: DetectSpace,
  images: readonly (readonly ReferenceCandidate[])[],
  settings: Settings,
  runs = 1,
): Promise<ImageResult[]> {
  const kernels = new Array(runs).fill(suppress({ space, ...settings }));
  const results = await runKernels(kernels, candidateTensors(space, images, SIDE, 17), FORM, PITCH);
  return images.map((_, image) => readDetections(results.get(DETECT_VALUES.result)!, image));
}

/** Asserts that the device keeps what the naive way keeps, in its order. */
async function check(
  space: DetectSpace,
  images: readonly (readonly ReferenceCandidate[])[],
  settings: Settings,
): Promise<void> {
  const actual = await onDevice(space, images, settings);
  const { iou, maxDetections = MAX_DETECTIONS, maxCandidates = MAX_CANDIDATES } = settings;
  images.forEach((candidates, image) => {
    const expected = suppressReference(candidates, iou, maxDetections, maxCandidates);
    assertEquals(actual[image].candidates, candidates.length);
    assertEquals(
      actual[image].detections,
      expected.map(({ box, score, label }) => ({ box: [...box] as const, score, classId: label })),
      `image ${image}: ${candidates.length} candidates, ${JSON.stringify(settings)}`,
    );
    if (maxCandidates === MAX_CANDIDATES) checkHost(space, candidates, expected, { iou, maxDetections });
  });
}

/** Asserts that the host keeps the same. */
function checkHost(
  { anchors, classes }: DetectSpace,
  candidates: readonly ReferenceCandidate[],
  expected: readonly ReferenceCandidate[],
  settings: { readonly iou: number; readonly maxDetections: number },
): void {
  const boxes = new Float32Array(4 * anchors);
  // Backwards, since decoders find them in any order.
  const found = candidates.toReversed();
  for (const { box, anchor } of found) boxes.set(box, 4 * anchor);
  const scores = found.map(({ score }) => score), keys = found.map(({ anchor, label }) => anchor * classes + label);
  const kept = suppressCandidates({ scores, keys, boxes, faults: 0, exchanged: 0 }, { classes, ...settings });
  assertEquals(kept.map((at) => found[at]), expected as ReferenceCandidate[]);
}

const single = (batch: number, anchors: number, classes: number): DetectSpace => ({
  batch,
  anchors,
  classes,
  multiLabel: false,
});

gpuTest("suppression keeps what naive suppression keeps: boxes anywhere", async () => {
  for (const [count, classes] of [[1, 1], [2, 1], [13, 3], [127, 1], [128, 2], [129, 2], [511, 5], [513, 80]]) {
    const found = randomCandidates(count, classes, 640, count, { clusters: 0 });
    await check(single(1, count, classes), [found], { iou: 0.45 });
  }
});

gpuTest("suppression keeps what naive suppression keeps: clustered boxes, many overlaps", async () => {
  for (const [count, classes, clusters] of [[100, 3, 5], [700, 2, 40], [2100, 1, 9], [3000, 80, 200]]) {
    const found = randomCandidates(count, classes, 640, count, { clusters });
    for (const iou of [0.3, 0.7]) await check(single(1, count, classes), [found], { iou });
  }
});

gpuTest("suppression keeps what naive suppression keeps: 8400 boxes", async () => {
  for (const clusters of [0, 12, 150]) {
    const found = randomCandidates(8400, 2, 640, 3, { clusters });
    await check(single(1, 8400, 2), [found], { iou: 0.7 });
  }
});

gpuTest("suppression keeps what naive suppression keeps: all scores equal", async () => {
  for (const [count, clusters] of [[100, 4], [8400, 30]]) {
    const found = randomCandidates(count, 3, 640, 5, { clusters, equalScores: true });
    await check(single(1, count, 3), [found], { iou: 0.7 });
  }
});

gpuTest("suppression of nothing gives nothing", async () => {
  await check(single(1, 8400, 80), [[]], { iou: 0.7 });
});

gpuTest("of 8400 equal boxes with equal scores the first is kept", async () => {
  const found = Array.from({ length: 8400 }, (_, anchor) => ({
    box: [3, 4, 50, 60] as const,
    score: 0.5,
    label: 0,
    anchor,
  }));
  await check(single(1, 8400, 1), [found], { iou: 0.7 });
});

gpuTest("chains of overlaps are settled link by link", async () => {
  // Each box overlaps its neighbours only: every second one is kept, and none can be settled before the one before it.
  const chain = Array.from({ length: 700 }, (_, anchor) => ({
    box: [2 * anchor, 0, 2 * anchor + 3.5, 10] as const,
    score: 1 - anchor / 1024,
    label: 0,
    anchor,
  }));
  await check(single(1, 700, 1), [chain], { iou: 0.25 });
  assertEquals(suppressReference(chain, 0.25, 300, 700).map(({ anchor }) => anchor).slice(0, 3), [0, 2, 4]);
});

gpuTest("suppression of several images keeps them apart", async () => {
  const images = [50, 0, 900].map((count, i) => randomCandidates(count, 4, 640, i + 1, { clusters: 8 }));
  await check(single(3, 900, 4), images, { iou: 0.6 });
});

gpuTest("boxes come back to each picture's own pixels", async () => {
  const space = single(2, 60, 3);
  const images = [1, 2].map((seed) => randomCandidates(60, 3, 640, seed, { clusters: 0 }));
  const sizes = [{ width: 500, height: 333 }, { width: 70, height: 1900 }];
  const geometries = sizes.map(({ width, height }) => letterboxGeometry(width, height, 640, 480));
  const frames = Float32Array.from(geometries.flatMap((geometry, i) => [...frameRecord(geometry, sizes[i])]));
  const tensors = candidateTensors(space, images, SIDE, 3).map((tensor) =>
    tensor.name === DETECT_VALUES.frames ? { ...tensor, data: frames } : tensor
  );
  const results = await runKernels([suppress({ space, iou: 0.5 })], tensors, FORM, PITCH);
  images.forEach((candidates, image) => {
    const { detections } = readDetections(results.get(DETECT_VALUES.result)!, image);
    const expected = suppressReference(candidates, 0.5, MAX_DETECTIONS, MAX_CANDIDATES);
    assertEquals(detections.length, expected.length);
    detections.forEach(({ box }, i) => {
      const mapped = boxToPicture(expected[i].box, geometries[image], sizes[image]);
      box.forEach((value, k) => assertAlmostEquals(value, mapped[k], 1e-3));
    });
  });
});

gpuTest("suppression of several labels an anchor, with more candidates than are looked at", async () => {
  const classes = 3, anchors = 2100;
  const space = { batch: 2, anchors, classes, multiLabel: true };
  const images = [1, 2].map((seed) => {
    const firsts = randomCandidates(anchors, 1, 640, seed, { clusters: 60 });
    return firsts.flatMap((first, i) =>
      Array.from({ length: classes }, (_, label) => ({ ...first, label, score: (first.score + (i + label) % 7) / 8 }))
    );
  });
  for (const maxCandidates of [40, 600, 5000, MAX_CANDIDATES]) await check(space, images, { iou: 0.7, maxCandidates });
});

gpuTest("detections can be limited", async () => {
  const found = randomCandidates(700, 2, 640, 8, { clusters: 0 });
  for (const maxDetections of [1, 7, 128, 300]) {
    await check(single(1, 700, 2), [found], { iou: 0.7, maxDetections });
  }
});

gpuTest("thresholds of 0 and 1 suppress every overlap and none", async () => {
  const found = randomCandidates(200, 2, 640, 9, { clusters: 6 });
  for (const iou of [0, 1]) await check(single(1, 200, 2), [found], { iou });
});

gpuTest("a run leaves the candidate count at zero", async () => {
  const found = randomCandidates(30, 2, 640, 10, { clusters: 0 });
  const [second] = await onDevice(single(1, 30, 2), [found], { iou: 0.7 }, 2);
  assertEquals(second, { detections: [], candidates: 0, faults: 0, exchanged: 0 });
});

Deno.test("more detections than a result holds are refused", () => {
  assertThrows(
    () => suppress({ space: single(1, 10, 1), iou: 0.7, maxDetections: 301 }),
    FeatherdetError,
    "301 detections",
  );
});

Deno.test("numbers that are no result are refused", () => {
  for (const count of [NaN, -1, 301, 2.5]) {
    const broken = new Float32Array(RESULT_STRIDE).fill(count);
    assertThrows(() => readDetections(broken), FeatherdetError, `holds ${count} detections`);
  }
});

Deno.test("suppression on the host keeps what naive suppression keeps", () => {
  for (const clusters of [0, 10]) {
    const found = randomCandidates(500, 3, 640, 11, { clusters });
    const given = found.map(({ box, score, label }) => ({ box, score, classId: label }));
    for (const most of [20, Infinity]) {
      const expected = suppressReference(found, 0.5, most, Infinity);
      assertEquals(
        suppressDetections(given, 0.5, most),
        expected.map(({ box, score, label }) => ({ box, score, classId: label })),
      );
    }
  }
  assertEquals(suppressDetections([], 0.5), []);
  // As much as is allowed is allowed: these overlap by a third exactly.
  const pair = [0, 1].map((left) => ({ box: [left, 0, left + 2, 2] as const, score: 0.5, classId: 0 }));
  assertEquals(suppressDetections(pair, 1 / 3), pair);
  assertEquals(suppressDetections(pair, 0.33), pair.slice(0, 1));
});

Deno.test("overlap of boxes", () => {
  assertEquals(intersectionOverUnion([0, 0, 2, 2], [1, 0, 3, 2]), 1 / 3);
  assertEquals(intersectionOverUnion([0, 0, 2, 2], [2, 0, 4, 2]), 0);
  assertEquals(intersectionOverUnion([1, 1, 1, 1], [1, 1, 1, 1]), 0);
  assert(intersectionOverUnion([0, 0, 5, 3], [0, 0, 5, 3]) === 1);
});
