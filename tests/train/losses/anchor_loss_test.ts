/** The loss of a head with anchors in the reference: hand-worked cases, finite differences, PyTorch; the loss behind a model. */

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  type AnchorLossAttributes,
  anchorLossOperands,
  type BoxLoss,
  FeatherdetError,
  inferNode,
  printGraph,
  verify,
} from "../../../src/graph/mod.ts";
import { yolo11 } from "../../../src/models/yolo11.ts";
import { yolov5 } from "../../../src/models/yolov5.ts";
import { evaluateNode } from "../../../src/reference/evaluate.ts";
import { lossOfAnchors } from "../../../src/reference/loss/anchor_loss.ts";
import { cellsAlong, fitsAnchor, matchBox } from "../../../src/reference/loss/anchor_match.ts";
import { type ReferenceTensor, referenceTensor } from "../../../src/reference/tensor.ts";
import { withDetectionLoss } from "../../../src/train/mod.ts";
import { type AnchorCase, anchorLossNode, referenceAnchorInputs } from "../../support/anchor_loss_case.ts";
import { assertDigest, type Digest } from "../../support/digest.ts";
import { slope, uniform } from "../../support/finite_differences.ts";
import { noise } from "../../support/noise.ts";

Deno.test("boxes are matched to the anchors of about their size, in the cell of their centre and beside it", () => {
  assert(fitsAnchor([39, 11], [10, 13], 4));
  assert(!fitsAnchor([40, 13], [10, 13], 4));
  assert(!fitsAnchor([10, 3.25], [10, 13], 4));
  assert(!fitsAnchor([0, 13], [10, 13], 4));
  assert(!fitsAnchor([-10, 13], [10, 13], 4));

  assertEquals(cellsAlong(3.2, 8), [3, 2]);
  assertEquals(cellsAlong(3.7, 8), [3, 4]);
  assertEquals(cellsAlong(3.5, 8), [3], "in the middle of a cell");
  assertEquals(cellsAlong(3, 8), [3, 2], "on the edge between cells");
  assertEquals(cellsAlong(0.2, 8), [0], "nothing before the first");
  assertEquals(cellsAlong(7.9, 8), [7], "nothing behind the last");
  assertEquals(cellsAlong(8, 8), [7], "on the edge of the picture");
  assertEquals(cellsAlong(0.9, 1), [0], "a map of one cell");

  const grid = { width: 6, height: 4, stride: 8, anchors: [[10, 13], [100, 100]] } as const;
  // Centre 20, 14: 2.5 and 1.75 cells.
  assertEquals(matchBox([12, 8, 28, 20], grid, 4), [{ anchor: 0, x: 2, y: 1 }, { anchor: 0, x: 2, y: 2 }]);
  // Centre 18, 10: never the cell across the corner.
  assertEquals(matchBox([10, 4, 26, 16], grid, 4).map(({ x, y }) => [x, y]), [[2, 1], [1, 1], [2, 0]]);
});

Deno.test("one predictor, one box: the losses by hand", () => {
  // One cell of 8 pixels, one anchor of 8 x 8. Logits of 0: centre in the middle of the cell, sides of one cell; scores of one half.
  const head: AnchorCase = {
    batch: 1,
    classes: 2,
    rows: 2,
    levels: [[1, 1, 8]],
    anchors: [[[8, 8]]],
    range: 0,
    boxes: [[[1, 0, 2, 8, 6]]],
    attributes: { boxLoss: "iou", balance: [3], gains: { box: 2, objectness: 5, classes: 7 } },
  };
  const outputs = evaluateNode(anchorLossNode(head), referenceAnchorInputs(head));
  const { results } = anchorLossOperands(anchorLossNode(head), [], outputs);
  // Half of the cell: an overlap of 1/2. Objectness of one half has the entropy ln 2 whatever the target.
  const expected = [2 * 0.5, 5 * 3 * Math.LN2, 7 * Math.LN2, 1];
  expected.forEach((value, i) => assertAlmostEquals(results.losses.data[i], value, 1e-6));
  assertAlmostEquals(results.targets.data[0], 0.5, 1e-6);
  const [gradient] = outputs;
  assertAlmostEquals(gradient.data[4], 15 * (0.5 - 0.5), 1e-5);
  assertEquals([...gradient.data.slice(5)], [7 / 2 * 0.5, -7 / 2 * 0.5]);
  // Two boxes of one predictor: both are learned, and objectness aims at the greater overlap.
  const two = { ...head, boxes: [[[1, 0, 2, 8, 6], [0, 0, 1, 8, 7]]] };
  const { results: both } = anchorLossOperands(
    anchorLossNode(two),
    [],
    evaluateNode(anchorLossNode(two), referenceAnchorInputs(two)),
  );
  assertEquals([both.losses.data[3], both.matches.data[0], both.normaliser.data[0]], [2, 2, 2]);
  assertAlmostEquals(both.losses.data[0], 2 * (0.5 + 0.25) / 2, 1e-6);
  assertAlmostEquals(both.targets.data[0], 0.75, 1e-6);
});

const CASE: AnchorCase = {
  batch: 3,
  classes: 3,
  rows: 7,
  levels: [[9, 6, 8], [5, 3, 16]],
  anchors: [[[10, 13], [16, 30]], [[30, 61], [62, 45]]],
};

for (const boxLoss of ["diou", "giou", "iou"] as const) {
  Deno.test(`gradients of the loss of anchors with ${boxLoss} are those of finite differences`, () => {
    const node = anchorLossNode({ ...CASE, attributes: { boxLoss } });
    const inputs = referenceAnchorInputs(CASE, 3);
    const { gradients, results } = lossOfAnchors(node, inputs);
    assert(results.losses.data[3] > 40);
    assert(results.matches.data.some((count) => count > 1), "several boxes claim one predictor");
    // What a predictor's objectness aims at is no variable of the loss.
    const total = (moved: readonly ReferenceTensor[]) =>
      CASE.batch * 3 *
      lossOfAnchors(node, moved, results).results.losses.data.subarray(0, 3).reduce((a, b) => a + b);
    gradients.forEach(({ data: gradient }, i) => {
      const check = (direction: ArrayLike<number>, what: string) => {
        const f = (t: number) => {
          const { shape, data } = inputs[i];
          const map = { shape, data: data.map((value, at) => value + t * direction[at]) };
          return total(inputs.map((one, k) => k === i ? map : one));
        };
        const expected = slope(f, 1e-4), actual = gradient.reduce((sum, value, at) => sum + value * direction[at], 0);
        assertAlmostEquals(actual, expected, 1e-7 * Math.max(1, Math.abs(expected)), `map ${i} along ${what}`);
      };
      const greatest = gradient.reduce((most, value, at) => Math.abs(value) > Math.abs(gradient[most]) ? at : most, 0);
      const unit = new Float64Array(gradient.length);
      unit[greatest] = 1;
      check(unit, "its steepest element");
      check(uniform([gradient.length], 7 + i).data, "all elements");
    });
  });
}

/** A case as `tests/fixtures/make_anchor_loss_cases.py` writes it. */
interface TorchCase {
  readonly batch: number;
  readonly classes: number;
  readonly levels: AnchorCase["levels"];
  readonly anchors: AnchorCase["anchors"];
  readonly boxes: readonly (readonly (readonly number[])[])[];
  readonly factor: number;
  readonly balance: readonly number[];
  readonly gains: readonly [box: number, objectness: number, classes: number];
  readonly kind?: BoxLoss;
  readonly ratio?: number;
  readonly losses: readonly number[];
  /** Image, level, anchor, y, x, row of the box. */
  readonly learned: readonly (readonly [number, number, number, number, number, number])[];
  readonly gradients: readonly Digest[];
}

const TORCH: Readonly<Record<string, TorchCase>> = JSON.parse(
  Deno.readTextFileSync(new URL("../../fixtures/anchor_loss_cases.json", import.meta.url)),
);

for (const [what, torch] of Object.entries(TORCH)) {
  Deno.test(`the loss of anchors is PyTorch's: ${what}`, () => {
    const { kind: boxLoss = "ciou", ratio = 4, balance, factor, boxes, batch, classes, levels, anchors } = torch;
    const [box, objectness, classGain] = torch.gains;
    const attributes: AnchorCase["attributes"] = {
      ...{ boxLoss, ratio, balance },
      gains: { box, objectness, classes: classGain },
    };
    const rows = Math.max(1, ...boxes.map(({ length }) => length));
    const drawn: AnchorCase = { batch, classes, rows, levels, anchors, boxes, attributes };
    const node = anchorLossNode(drawn);
    const inputs = referenceAnchorInputs(drawn).map((tensor, i): ReferenceTensor => {
      if (i >= levels.length) return tensor;
      const data = Float32Array.from(noise(`map${i}`, tensor.data.length), (value) => factor * value);
      return referenceTensor(tensor.shape, data);
    });
    const outputs = evaluateNode(node, inputs);
    const { results } = anchorLossOperands(node, inputs, outputs);
    [...torch.losses, torch.learned.length].forEach((value, i) =>
      assertAlmostEquals(results.losses.data[i], value, 1e-9 * Math.max(1, value), `loss ${i}`)
    );
    const first = levels.map((_, i) =>
      levels.slice(0, i).reduce((sum, [height, width], k) => sum + anchors[k].length * height * width, 0)
    );
    const counted = new Float64Array(results.matches.data.length), predictors = results.matches.shape[1];
    for (const [image, level, anchor, y, x] of torch.learned) {
      const [height, width] = levels[level];
      counted[image * predictors + first[level] + (anchor * height + y) * width + x] += 1;
    }
    assertEquals(results.matches.data, counted);
    torch.gradients.forEach((digest, i) => assertDigest(outputs[i].data, digest, 1e-9, node.outputs[i]));
  });
}

Deno.test("the loss of a YOLOv5 takes the place of its tail, with published weights", () => {
  const model = yolov5({ size: [64, 96], batch: 2, classes: 3 });
  const { graph, seeds, inputs, losses, named } = withDetectionLoss(model, { boxes: 5 });
  verify(graph);
  assertEquals(named.map(({ name }) => name), ["box", "objectness", "classes"]);
  assertEquals(Object.keys(seeds), ["model.24.m.0", "model.24.m.1", "model.24.m.2"]);
  assertEquals(graph.inputs.map(({ name }) => name), ["images", inputs.boxes, inputs.scale]);
  assertEquals(graph.outputs, [losses]);
  assert(!graph.nodes.some(({ op }) => op === "Transpose"));
  assert(printGraph(graph).includes("ratio=4"));
  const { attributes } = graph.nodes.find(({ op }) => op === "AnchorLoss")!;
  const { gains, balance, strides, anchors } = attributes as AnchorLossAttributes;
  assertEquals([strides, balance, anchors.slice(0, 4)], [[8, 16, 32], [4, 1, 0.4], [10, 13, 16, 30]]);
  assertEquals(gains, { box: 0.05, objectness: 64 * 96 / 640 ** 2, classes: 0.5 * 3 / 80 });
});

Deno.test("settings that make no loss of anchors, and those of another head's loss, are refused", () => {
  const model = yolov5({ size: 64, classes: 3 }), other = yolo11({ width: 0.0625, size: 64, classes: 3 });
  const refuse = (act: () => unknown, message: string) => assertThrows(act, FeatherdetError, message);
  refuse(
    () => withDetectionLoss(model, { boxes: 3, topK: 5 }),
    "topK is no setting of the loss of a head with anchors",
  );
  refuse(() => withDetectionLoss(model, { boxes: 3, gains: { distribution: 1 } }), "gains.distribution is no setting");
  refuse(() => withDetectionLoss(other, { boxes: 3, ratio: 4 }), "ratio is no setting of the loss of a head with dist");
  refuse(() => withDetectionLoss(other, { boxes: 3, gains: { objectness: 1 } }), "gains.objectness is no setting");
  refuse(() => withDetectionLoss(model, { boxes: 3, ratio: 1 }), "ratio 1 must be a number above 1");
  refuse(() => withDetectionLoss(model, { boxes: 3, boxLoss: "eiou" as BoxLoss }), 'box loss "eiou" is none of');
  refuse(() => withDetectionLoss(model, { boxes: 3, gains: { box: -1 } }), "must be numbers of at least 0");

  const node = anchorLossNode(CASE);
  const types = referenceAnchorInputs(CASE).map(({ shape }) => ({ dtype: "f32", shape } as const));
  const changed = (at: number, shape: readonly number[]) =>
    types.map((type, i) => i === at ? { dtype: "f32", shape } as const : type);
  const without = (attributes: Partial<AnchorLossAttributes>) => ({
    ...node,
    attributes: { ...node.attributes, ...attributes },
  });
  refuse(() => inferNode(node, changed(1, [3, 14, 5, 3])), "map of level 1 must be [3,16,5,3] but is [3,14,5,3]");
  refuse(() => inferNode(node, changed(2, [3, 7, 4])), "boxes must be [3,M,5] but are [3,7,4]");
  refuse(() => inferNode(node, changed(3, [])), "scale must be [1] but is []");
  refuse(() => inferNode(without({ strides: [8] }), types), "1 strides do not go with 4 inputs");
  refuse(() => inferNode(without({ anchors: [1, 2, 3] }), types), "must be as many positive widths and heights");
  refuse(() => inferNode(without({ balance: [1] }), types), "balance [1] must be a number for each of 2 levels");
  const thick = [[3, 10, 9, 6], [3, 10, 5, 3], ...types.slice(2).map(({ shape }) => shape)];
  refuse(
    () => inferNode(node, thick.map((shape) => ({ dtype: "f32", shape } as const))),
    "maps of 10 channels are not those of 2 anchors",
  );
});
