/** The detection loss of the reference: hand-worked cases, finite differences, PyTorch; the loss behind a model. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type BoxLoss,
  type DetectionLossAttributes,
  FeatherdetError,
  inferNode,
  lossOperands,
  printGraph,
  verify,
} from "../../../src/graph/mod.ts";
import { yolo11 } from "../../../src/models/yolo11.ts";
import { yolo11Lite } from "../../../src/models/yolo11_lite.ts";
import { yolov5 } from "../../../src/models/yolov5.ts";
import { evaluateNode } from "../../../src/reference/evaluate.ts";
import { type Anchor, assignTargets, isInside } from "../../../src/reference/loss/assign.ts";
import { assignImages, lossOfAssignment, type ReferenceLossLevel } from "../../../src/reference/loss/detection_loss.ts";
import {
  clampDistance,
  distanceOf,
  distributionLoss,
  sharesOf,
  targetShares,
} from "../../../src/reference/loss/distribution.ts";
import { type Box, overlapOf } from "../../../src/reference/loss/overlap.ts";
import { type ReferenceTensor, referenceTensor } from "../../../src/reference/tensor.ts";
import { headMaps, withDetectionLoss } from "../../../src/train/mod.ts";
import { assertDigest, type Digest } from "../../support/digest.ts";
import { slope, uniform } from "../../support/finite_differences.ts";
import { type LossCase, lossNode, RECIPE, referenceInputs } from "../../support/loss_case.ts";
import { noise } from "../../support/noise.ts";
import { seededRandom } from "../../support/random.ts";
import { graphOf, node as plainNode } from "../../support/tiny_graph.ts";

const KINDS: readonly BoxLoss[] = ["ciou", "diou", "giou", "iou"];

function near(actual: number, expected: number, what: string, tolerance = 1e-6): void {
  assert(Math.abs(actual - expected) <= tolerance, `${what} is ${actual}, expected ${expected}`);
}

// Two squares of side 4, the second 2 to the right: intersection 8, union 24, hull 6 x 4, centres 2 apart, diagonal^2 52.
Deno.test("overlap of hand-worked boxes", () => {
  const of = (kind: BoxLoss, a: Box, b: Box) => overlapOf(kind, a, b).value;
  const a: Box = [0, 0, 4, 4], right: Box = [2, 0, 6, 4];
  near(of("iou", a, right), 1 / 3, "IoU");
  near(of("giou", a, right), 1 / 3, "GIoU of boxes that fill their hull");
  near(of("diou", a, right), 1 / 3 - 4 / 52, "DIoU");
  near(of("ciou", a, right), 1 / 3 - 4 / 52, "CIoU of equal aspect ratios");
  // Apart: 4 x 4 and 2 x 4, hull 10 x 4, centres 7 apart, diagonal^2 116.
  const far: Box = [8, 0, 10, 4];
  near(of("iou", a, far), 0, "IoU apart");
  near(of("giou", a, far), -(40 - 24) / 40, "GIoU apart");
  near(of("diou", a, far), -49 / 116, "DIoU apart");
  const v = (2 / Math.PI * (Math.PI / 4 - Math.atan(0.5))) ** 2;
  near(of("ciou", a, far), -49 / 116 - v * v / (1 + v), "CIoU apart");
  // 8 x 2 inside 8 x 8, top: IoU 1/4, centres 3 apart, diagonal^2 128.
  const flat: Box = [0, 0, 8, 2], square: Box = [0, 0, 8, 8];
  const w = (2 / Math.PI * (Math.PI / 4 - Math.atan(4))) ** 2;
  near(of("ciou", flat, square), 0.25 - 9 / 128 - w * w / (0.75 + w), "CIoU within");
  for (const kind of KINDS) near(of(kind, square, square), 1, `${kind} of a box with itself`);
});

Deno.test("the overlap's slope is that of finite differences, alpha held fixed", () => {
  const random = seededRandom(5);
  for (let round = 0; round < 40; round++) {
    const draw = (): Box => {
      const x = 10 * random(), y = 10 * random();
      return [x, y, x + 0.5 + 8 * random(), y + 0.5 + 8 * random()];
    };
    const box = draw(), target = draw();
    for (const kind of KINDS) {
      const { slope: found } = overlapOf(kind, box, target);
      for (const side of [0, 1, 2, 3]) {
        const at = (t: number) => box.map((value, s) => s === side ? value + t : value) as unknown as Box;
        const f = (t: number) => {
          if (kind !== "ciou") return overlapOf(kind, at(t), target).value;
          const aspect = ([left, top, right, bottom]: Box) => Math.atan((right - left) / (bottom - top + 1e-7));
          const v = (b: Box) => 4 / Math.PI ** 2 * (aspect(target) - aspect(b)) ** 2;
          const alpha = v(box) / (1 - overlapOf("iou", box, target).value + v(box) + 1e-7);
          return overlapOf("diou", at(t), target).value - alpha * v(at(t));
        };
        near(found[side], slope(f, 1e-5), `slope of ${kind} along side ${side} in round ${round}`, 1e-7);
      }
    }
  }
});

Deno.test("distribution focal loss of hand-worked distances", () => {
  near(distanceOf(sharesOf([0, 0, 0, 0])), 1.5, "mean of equal shares");
  near(distanceOf(sharesOf([-50, 50, -50])), 1, "mean of a sure bin");
  assertEquals(targetShares(2.25, 4), [0, 0, 0.75, 0.25]);
  assertEquals(targetShares(0, 3), [1, 0, 0]);
  assertEquals(clampDistance(99, 16), 14.99);
  assertEquals(clampDistance(-3, 16), 0);
  near(distributionLoss([0, 0, 0, 0], 2.25).value, Math.log(4), "loss of equal shares");
  // Logits 0, ln 2: shares 1/3 and 2/3.
  near(distributionLoss([0, Math.LN2], 0.25).value, 0.75 * Math.log(3) + 0.25 * Math.log(1.5), "loss of two bins");
  const { slope: found } = distributionLoss([0, Math.LN2], 0.25);
  near(found[0], 1 / 3 - 0.75, "slope along the first bin");
  near(found[1], 2 / 3 - 0.25, "slope along the second bin");
});

/** An anchor at a point whose box is the given one and whose scores are all 0.25. */
const anchor = (x: number, y: number, box: Box, score = 0.25): Anchor => ({ point: [x, y], box, score: () => score });

Deno.test("assignment of hand-worked anchors", () => {
  const settings = { topK: 2, alpha: 0.5, beta: 1 };
  const target = { label: 0, box: [0, 0, 4, 4] as const };
  // Squares around the target's centre: overlaps 1, 9/16, 4/16; the fourth is perfect, but its point lies outside.
  const anchors = [
    anchor(1, 1, [1, 1, 3, 3]),
    anchor(2, 2, [0, 0, 4, 4]),
    anchor(3, 3, [0.5, 0.5, 3.5, 3.5]),
    anchor(5, 5, [0, 0, 4, 4]),
  ];
  const { assigned, maxima } = assignTargets(anchors, [target], settings);
  assertEquals(assigned.map(({ box }) => box), [-1, 0, 0, -1]);
  near(assigned[1].metric, 0.5, "metric of the best");
  near(assigned[2].overlap, 9 / 16, "overlap of the second");
  // The greatest overlap is 1, so that targets are metrics over the greatest metric.
  near(assigned[1].target, 1, "target of the best");
  near(assigned[2].target, 9 / 16, "target of the second");
  near(maxima[0].metric, 0.5, "greatest metric");
  near(maxima[0].overlap, 1, "greatest overlap");
});

Deno.test("a contested anchor goes to the box it overlaps most, claimed by it or not", () => {
  const settings = { topK: 1, alpha: 0.5, beta: 1 };
  // Two boxes whose only anchor is the first; it overlaps the second more. The third box, which it overlaps most, prefers the second anchor.
  const small = { label: 0, box: [0, 0, 4, 4] as const }, wide = { label: 1, box: [0, 0, 4.25, 4] as const };
  const best = { label: 2, box: [0, 0, 5, 4.5] as const };
  const anchors = [anchor(2, 2, [0, 0, 5, 4]), anchor(4.8, 4.2, [0, 0, 5, 4.5])];
  const two = assignTargets(anchors, [small, wide], settings).assigned;
  assertEquals(two.map(({ box }) => box), [1, -1]);
  const three = assignTargets(anchors, [small, wide, best], settings).assigned;
  assertEquals(three.map(({ box }) => box), [2, 2]);
  // Who has lost all its anchors has no target scores.
  const { maxima } = assignTargets(anchors, [small, undefined, wide], settings);
  assertEquals(maxima.slice(0, 2), [{ metric: 0, overlap: 0 }, { metric: 0, overlap: 0 }]);
});

Deno.test("points on an edge lie outside, and boxes without area hold none", () => {
  assert(isInside([2, 2], [1, 1, 3, 3]));
  assert(!isInside([1, 2], [1, 1, 3, 3]));
  assert(!isInside([2, 2], [2, 2, 2, 2]));
  assert(!isInside([2, 2], [3, 3, 1, 1]));
});

const CASE: LossCase = {
  batch: 3,
  classes: 3,
  bins: 16,
  rows: 7,
  levels: [[9, 6, 8], [5, 3, 16]],
};

for (const boxLoss of KINDS) {
  Deno.test(`gradients of the loss with ${boxLoss} are those of finite differences`, () => {
    const node = lossNode({ ...CASE, attributes: { boxLoss } });
    const inputs = referenceInputs(CASE, 3);
    const { levels, boxes } = lossOperands(node, inputs);
    const assignment = assignImages(levels, boxes, node.attributes);
    assert(assignment.assigned.flat().filter(({ box }) => box >= 0).length > 20);
    const total = (moved: readonly ReferenceLossLevel[]) => {
      const { anchors } = lossOfAssignment(moved, boxes, node.attributes, assignment);
      return CASE.batch * 3 * anchors.flat(2).reduce((a, b) => a + b);
    };
    const gradients = evaluateNode(node, inputs);
    // For CIoU the trade-off is a constant of the slope, so that boxes' slopes differ where it moves: checked above, side by side.
    const parts = boxLoss === "ciou" ? ["classes"] as const : ["boxes", "classes"] as const;
    levels.forEach((level, i) =>
      parts.forEach((part) => {
        const gradient = gradients[2 * i + (part === "boxes" ? 0 : 1)].data;
        const check = (direction: ArrayLike<number>, what: string) => {
          const f = (t: number) => {
            const { shape, data } = level[part];
            const map = { shape, data: data.map((value, at) => value + t * direction[at]) };
            return total(levels.map((one, k) => k === i ? { ...one, [part]: map } : one));
          };
          const expected = slope(f, 1e-4);
          const actual = gradient.reduce((sum, value, at) => sum + value * direction[at], 0);
          near(
            actual,
            expected,
            `slope of ${part} of level ${i} along ${what}`,
            1e-7 * Math.max(1, Math.abs(expected)),
          );
        };
        const greatest = gradient.reduce(
          (most, value, at) => Math.abs(value) > Math.abs(gradient[most]) ? at : most,
          0,
        );
        const unit = new Float64Array(gradient.length);
        unit[greatest] = 1;
        check(unit, "its steepest element");
        check(uniform([gradient.length], 7 + i).data, "all elements");
      })
    );
  });
}

Deno.test("a judge says which anchors learn which box and with what score; boxes and gradients are the head's own", () => {
  const judged: LossCase = { ...CASE, judgeBins: 5 }, node = lossNode(judged), inputs = referenceInputs(judged, 2);
  const found = lossOperands(node, inputs, evaluateNode(node, inputs));
  // The same maps as a head of their own, assigned by themselves.
  const judges = found.levels.flatMap(({ judge }) => [judge!.boxes, judge!.classes]);
  const plain = lossNode({ ...CASE, bins: 5 }), own = [...judges, found.boxes, found.scale];
  const alone = lossOperands(plain, own, evaluateNode(plain, own)).results;
  for (const name of ["predicted", "assignment", "alignment", "maxima", "targets", "normaliser"] as const) {
    assertEquals(found.results[name], alone[name], name);
  }
  // With targets held fixed the gradients are those of the head's maps: the slope of classes along all elements.
  const levels = found.levels.map(({ boxes, classes, stride }) => ({ boxes, classes, stride }));
  const assignment = assignImages(found.levels, found.boxes, node.attributes);
  assert(assignment.assigned.flat().filter(({ box }) => box >= 0).length > 20);
  levels.forEach((level, i) => {
    const direction = uniform([level.classes.data.length], 3 + i).data, { shape, data } = level.classes;
    const total = (t: number) => {
      const moved = { ...level, classes: { shape, data: data.map((value, at) => value + t * direction[at]) } };
      const maps = levels.map((one, k) => k === i ? moved : one);
      const { anchors } = lossOfAssignment(maps, found.boxes, node.attributes, assignment);
      return CASE.batch * 2 * anchors.flat(2).reduce((a, b) => a + b);
    };
    const actual = found.levels[i].classGradient.data.reduce((sum, value, at) => sum + value * direction[at], 0);
    near(actual, slope(total, 1e-4), `slope of classes of level ${i}`, 1e-6);
  });
  const unjudged = lossNode(CASE), maps = inputs.slice(0, unjudged.inputs.length);
  assert(
    evaluateNode(unjudged, maps)[2 * levels.length].data[0] !== found.results.losses.data[0],
    "the head itself would assign others",
  );
});

Deno.test("losses and gradients are finite whatever is predicted and asked for", () => {
  const boxes = [
    [[0, 0, 0, 48, 72], [1, 20, 20, 20, 20], [2, 3.9, 3.9, 4.1, 4.1], [0, 30, 60, 10, 20], [1, -40, -40, 900, 900]],
    [],
    [[2, 7, 9, 8, 11], [7, 0, 0, 40, 40]],
  ];
  for (const range of [0, 50]) {
    const drawn = { ...CASE, range, boxes };
    const outputs = evaluateNode(lossNode(drawn), referenceInputs(drawn));
    outputs.forEach(({ data }, i) => assert(data.every(Number.isFinite), `output ${i} with logits within ${range}`));
  }
});

/** A case as `tests/fixtures/make_loss_cases.py` writes it. */
interface TorchCase {
  readonly batch: number;
  readonly classes: number;
  readonly bins: number;
  readonly levels: LossCase["levels"];
  readonly boxes: readonly (readonly (readonly number[])[])[];
  readonly factor: number;
  readonly kind?: BoxLoss;
  readonly top_k?: number;
  readonly alpha?: number;
  readonly beta?: number;
  readonly gains?: readonly [box: number, classes: number, distribution: number];
  readonly losses: readonly number[];
  /** Image, anchor, row of the box, target score. */
  readonly assigned: readonly (readonly [number, number, number, number])[];
  readonly gradients: readonly Digest[];
}

const TORCH: Readonly<Record<string, TorchCase>> = JSON.parse(
  Deno.readTextFileSync(new URL("../../fixtures/loss_cases.json", import.meta.url)),
);

for (const [what, torch] of Object.entries(TORCH)) {
  Deno.test(`the loss is PyTorch's: ${what}`, () => {
    const { kind, top_k, alpha, beta, gains, boxes, levels, batch, classes, bins, factor } = torch;
    const [box, classGain, distribution] = gains ?? [7.5, 0.5, 1.5];
    const attributes: Partial<DetectionLossAttributes> = {
      boxLoss: kind ?? "ciou",
      topK: top_k ?? 10,
      alpha: alpha ?? 0.5,
      beta: beta ?? 6,
      gains: { box, classes: classGain, distribution },
    };
    const rows = Math.max(1, ...boxes.map(({ length }) => length));
    const drawn: LossCase = { batch, classes, bins, rows, levels, boxes, attributes };
    const node = lossNode(drawn);
    const inputs = referenceInputs(drawn).map((tensor, i): ReferenceTensor => {
      if (i >= 2 * levels.length) return tensor;
      const name = `${i % 2 === 0 ? "box" : "class"}${Math.floor(i / 2)}`;
      return referenceTensor(
        tensor.shape,
        Float32Array.from(noise(name, tensor.data.length), (value) => factor * value),
      );
    });
    const outputs = evaluateNode(node, inputs);
    const { results } = lossOperands(node, inputs, outputs);
    const expected = [...torch.losses, torch.assigned.length];
    expected.forEach((value, i) => near(results.losses.data[i], value, `loss ${i}`, 1e-9 * Math.max(1, value)));
    const anchors = results.targets.shape[1];
    const assigned = [...results.assignment.data].flatMap((row, at) =>
      row < 0 ? [] : [[Math.floor(at / anchors), at % anchors, row]]
    );
    assertEquals(assigned, torch.assigned.map(([image, anchor, row]) => [image, anchor, row]));
    torch.assigned.forEach(([image, anchor, , target]) =>
      near(results.targets.data[image * anchors + anchor], target, `target of anchor ${anchor}`, 1e-12)
    );
    torch.gradients.forEach((digest, i) => assertDigest(outputs[i].data, digest, 1e-9, node.outputs[i]));
  });
}

Deno.test("the maps of a head are found in every family, finest first", () => {
  for (
    const model of [
      yolo11({ width: 0.0625, size: [64, 96], batch: 2, classes: 3 }),
      yolo11Lite({ backbone: "shufflenetv2-0.5x", size: 64, classes: 1 }),
      yolo11Lite({ backbone: "mobilenetv3-small", size: 64, classes: 2 }),
    ]
  ) {
    const { levels, bins } = headMaps(model);
    assertEquals([levels.map(({ stride }) => stride), bins], [[8, 16, 32], 16]);
    const { graph, seeds, inputs, losses } = withDetectionLoss(model, { boxes: 5 });
    verify(graph);
    assertEquals(Object.keys(seeds), levels.flatMap(({ boxes, classes }) => [boxes, classes]));
    assertEquals(graph.inputs.map(({ name }) => name), ["images", inputs.boxes, inputs.scale]);
    assertEquals(graph.outputs, [losses]);
    assert(!graph.nodes.some(({ name }) => name.includes("dfl")));
    assert(printGraph(graph).includes("boxLoss=ciou"));
  }
});

Deno.test("a model without a head, and settings that make no loss, are refused", () => {
  const model = yolo11({ width: 0.0625, size: 64, classes: 3 });
  const classifier = graphOf({ x: [1, 3, 8, 8] }, ["y"], [plainNode("Relu", ["x"], ["y"], {})]);
  const refuse = (act: () => unknown, message: string) => assertThrows(act, FeatherdetError, message);
  refuse(() => headMaps(classifier), 'model "tiny" has no head of a YOLO11');
  refuse(() => withDetectionLoss(model, { boxes: 0 }), "0 rows for boxes of a picture");
  refuse(() => withDetectionLoss(model, { boxes: 3, topK: 0.5 }), "topK [0.5] must be whole numbers of at least 1");
  refuse(() => withDetectionLoss(model, { boxes: 3, beta: NaN }), "beta NaN");
  refuse(() => withDetectionLoss(model, { boxes: 3, boxLoss: "eiou" as BoxLoss }), 'box loss "eiou" is none of');
  const node = lossNode(CASE);
  const types = referenceInputs(CASE).map(({ shape }) => ({ dtype: "f32", shape } as const));
  const changed = (at: number, shape: readonly number[]) =>
    types.map((type, i) => i === at ? { dtype: "f32", shape } as const : type);
  refuse(
    () => inferNode(node, changed(1, [3, 3, 9, 5])),
    "class logits of level 0 must be [3,3,9,6] but are [3,3,9,5]",
  );
  refuse(
    () => inferNode(node, changed(2, [3, 60, 5, 3])),
    "box logits of level 1 must be [3,64,5,3] but are [3,60,5,3]",
  );
  refuse(() => inferNode(node, changed(4, [3, 7, 4])), "boxes must be [3,M,5] but are [3,7,4]");
  refuse(() => inferNode(node, changed(5, [])), "scale must be [1] but is []");
  refuse(
    () => inferNode({ ...node, attributes: { ...RECIPE, strides: [8, 16, 32] } }, types),
    "3 strides do not go with 6 inputs",
  );
  const judged = { ...CASE, judgeBins: 4 }, judge = referenceInputs(judged).map(({ shape }) => shape);
  const judgedBy = (at: number, shape: readonly number[]) =>
    inferNode(lossNode(judged), judge.map((own, i) => ({ dtype: "f32", shape: i === at ? shape : own } as const)));
  judgedBy(0, judge[0]);
  refuse(() => judgedBy(7, [3, 3, 9, 5]), "the judge's class logits of level 0 must be [3,3,9,6] but are [3,3,9,5]");
  refuse(() => judgedBy(8, [3, 20, 5, 3]), "the judge's box logits of level 1 must be [3,16,5,3] but are [3,20,5,3]");
  const other = [{ boxes: headMaps(model).levels[0].boxes, classes: headMaps(model).levels[0].classes }];
  refuse(
    () => withDetectionLoss(model, { boxes: 3, judges: other }),
    `anchors are assigned by maps of 8x8, and the level of "${headMaps(model).levels[1].boxes}" has 4x4`,
  );
  refuse(
    () => withDetectionLoss(yolov5({ size: 64, classes: 3 }), { boxes: 3, judges: other }),
    "heads of YOLO11 alone",
  );
});
