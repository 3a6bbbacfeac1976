/** Detections that are suppressed in the graph: those of greedy suppression, by the reference, written and read again. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { suppressDetections } from "../../src/detect/nms.ts";
import type { RawDetection } from "../../src/detect/decode.ts";
import { recogniseHead } from "../../src/detect/heads/recognise.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { importOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { separateOutputs, withSuppression } from "../../src/passes/mod.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { randomTensor } from "../support/random.ts";
import { graphOf, node } from "../support/tiny_graph.ts";

/** Levels of 12x12, 6x6 and 3x3 cells: 189 anchors. */
const SIDES = [12, 6, 3], ANCHORS = 189, CLASSES = 3;

/**
 * The tail of a detector whose boxes and logits come in from outside. The boxes are the first bins of the distributions, so that any boxes
 * can be asked for.
 */
function detector(): Graph {
  const maps = SIDES.flatMap((side, i) => [[`box${i}`, [1, 8, side, side]], [`class${i}`, [1, CLASSES, side, side]]]);
  const flat = SIDES.flatMap((side, i) => [
    node("Reshape", [`box${i}`], [`flatbox${i}`], { shape: [1, 8, side * side] }),
    node("Reshape", [`class${i}`], [`flatclass${i}`], { shape: [1, CLASSES, side * side] }),
  ]);
  const nodes = [
    ...flat,
    node("Concat", ["flatbox0", "flatbox1", "flatbox2"], ["boxmaps"], { axis: 2 }),
    node("Concat", ["flatclass0", "flatclass1", "flatclass2"], ["logits"], { axis: 2 }),
    node("Slice", ["boxmaps"], ["found"], { axes: [1], starts: [0], ends: [4], steps: [1] }),
    node("Sigmoid", ["logits"], ["probabilities"], {}),
    node("Concat", ["found", "probabilities"], ["output0"], { axis: 1 }),
  ];
  return graphOf({ images: [1, 3, 96, 96], ...Object.fromEntries(maps) }, ["output0"], nodes);
}

/** Boxes that crowd on a picture of 96 pixels, and logits of which some are high and some are equal. */
function crowd(seed: number) {
  const numbers = randomTensor([7 * ANCHORS], seed, 0, 1);
  let at = 0;
  const inputs: Record<string, ReturnType<typeof referenceTensor>> = {
    images: referenceTensor([1, 3, 96, 96], new Float32Array(3 * 96 * 96)),
  };
  SIDES.forEach((side, i) => {
    const cells = side * side, boxes = new Float32Array(8 * cells), logits = new Float32Array(CLASSES * cells);
    for (let cell = 0; cell < cells; cell++) {
      const [x, y, w, h] = numbers.subarray(at, at += 4);
      // Few places, so that chains of overlaps are long.
      boxes[cell] = 20 + 30 * Math.floor(2 * x) + 8 * y;
      boxes[cells + cell] = 30 + 12 * w;
      boxes[2 * cells + cell] = 20 + 10 * h;
      boxes[3 * cells + cell] = 22 + 6 * x;
      for (let k = 0; k < CLASSES; k++) logits[k * cells + cell] = Math.round(20 * numbers[at++]) / 5 - 2.5;
    }
    inputs[`box${i}`] = referenceTensor([1, 8, side, side], boxes);
    inputs[`class${i}`] = referenceTensor([1, CLASSES, side, side], logits);
  });
  return inputs;
}

/** Greedy suppression of what the plain output says. */
function greedy(output: Float64Array, classes: number, confidence: number, iou: number): RawDetection[] {
  const anchors = output.length / (4 + classes);
  const candidates = Array.from({ length: anchors }, (_, anchor): RawDetection => {
    const [x, y, w, h] = [0, 1, 2, 3].map((row) => output[row * anchors + anchor]);
    const scores = Array.from({ length: classes }, (_, k) => output[(4 + k) * anchors + anchor]);
    const score = Math.max(...scores);
    return { box: [x - w / 2, y - h / 2, x + w / 2, y + h / 2], score, classId: scores.indexOf(score) };
  });
  return suppressDetections(candidates.filter(({ score }) => score > confidence), iou);
}

/** The rows of the suppressed output that are detections. */
function rowsOf(output: Float64Array): number[][] {
  const rows = Array.from({ length: output.length / 6 }, (_, row) => Array.from(output.subarray(6 * row, 6 * row + 6)));
  const empty = rows.findIndex((row) => row[4] === 0), count = empty < 0 ? rows.length : empty;
  assert(rows.slice(count).every((row) => row.every((number) => number === 0)), "rows behind the last are 0");
  return rows.slice(0, count);
}

const run = (graph: Graph, inputs: ReturnType<typeof crowd>) => [...runReference(graph, inputs).values()][0].data;

function assertDetections(rows: number[][], expected: readonly RawDetection[]): void {
  assertEquals(rows.map(([, , , , , label]) => label), expected.map(({ classId }) => classId));
  rows.forEach((row, i) => {
    const { box, score } = expected[i];
    [...box, score].forEach((number, k) =>
      assert(Math.abs(row[k] - number) < 1e-4, `row ${i}: ${row}, ${box} ${score}`)
    );
  });
}

for (const [confidence, iou] of [[0.25, 0.7], [0.5, 0.45], [0.001, 0.3]]) {
  Deno.test(`suppression above ${confidence} at ${iou} is the greedy one, in a crowd`, () => {
    const plain = detector(), graph = withSuppression(plain, { confidence, iou });
    for (const seed of [1, 2, 3]) {
      const inputs = crowd(seed), expected = greedy(run(plain, inputs), CLASSES, confidence, iou);
      const all = greedy(run(plain, inputs), CLASSES, confidence, 1);
      assert(expected.length > 2 && expected.length < all.length, `${expected.length} of ${all.length}`);
      assertDetections(rowsOf(run(graph, inputs)), expected);
    }
  });
}

Deno.test("fewer rows, fewer candidates and fewer rounds are what is asked for", () => {
  const plain = detector(), inputs = crowd(4), expected = greedy(run(plain, inputs), CLASSES, 0.25, 0.7);
  const few = withSuppression(plain, { detections: 3 });
  assertDetections(rowsOf(run(few, inputs)), expected.slice(0, 3));
  const best = rowsOf(run(withSuppression(plain, { candidates: 13 }), inputs));
  assertDetections(best, expected.slice(0, best.length));
  // One round keeps only what no candidate at all overlaps.
  assert(rowsOf(run(withSuppression(plain, { rounds: 1 }), inputs)).length < expected.length);
});

Deno.test("a detector with suppression is read again, and known as one of results", () => {
  const graph = withSuppression(demoDetector({ size: 64 }));
  const read = importOnnx(saveOnnx(graph));
  assertEquals(read.outputs, graph.outputs);
  const shape = [1, 3, 64, 64], images = referenceTensor(shape, randomTensor(shape, 7, 0, 1));
  const [found, expected] = [read, graph].map((each) => run(each, { images }));
  assert(found.every((number, i) => Math.abs(number - expected[i]) < 1e-5));
  const head = recogniseHead(read, { names: 3 });
  assertEquals([head.form, head.anchors], ["rows", 84]);
});

Deno.test("boxes and scores apart: the two parts of the output, and the Detector knows them", () => {
  const graph = yolo11({ size: 64, classes: 3 }), apart = separateOutputs(graph);
  assertEquals(apart.outputs, ["boxes", "scores"]);
  const read = importOnnx(saveOnnx(apart));
  assertEquals(recogniseHead(read, { names: 3 }).form, "separate");
});

Deno.test("a model that is no detector of one output is refused", () => {
  const graph = graphOf({ x: [1, 3] }, ["y"], [node("Relu", ["x"], ["y"], {})]);
  assertThrows(() => withSuppression(graph), FeatherdetError, '"y" [1,3]');
  assertThrows(() => separateOutputs(separateOutputs(yolo11({ size: 64 }))), FeatherdetError, '"boxes"');
});
