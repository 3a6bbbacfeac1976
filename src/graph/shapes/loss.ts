/**
 * Shape rule of the detection loss.
 *
 * @module
 */

import { BOX_ROW, LOSS_RESULTS, lossOperands, type LossResults, MAX_LOSS_LEVELS } from "../detection_loss.ts";
import type { Shape, TensorType } from "../graph.ts";
import { reject, requireFloat, requireImage, requireIntegers, type ShapeRule, show } from "./common.ts";

/**
 * Maps `[N,4*bins,h,w]` and `[N,classes,h,w]` of each level, boxes `[N,M,5]`, scale `[1]`, perhaps the same maps of a judge -> gradients
 * as the maps, then `LossResults`.
 */
export const detectionLoss: ShapeRule<"DetectionLoss"> = (node, inputs) => {
  requireFloat(node, inputs);
  const { strides, topK, alpha, beta, boxLoss, gains } = node.attributes;
  requireIntegers(node, "strides", strides, 1);
  requireIntegers(node, "topK", [topK], 1);
  const levelCount = strides.length;
  if (
    levelCount < 1 || levelCount > MAX_LOSS_LEVELS || ![2, 4].some((maps) => inputs.length === maps * levelCount + 2)
  ) {
    reject(
      node,
      `${levelCount} strides do not go with ${inputs.length} inputs: it takes two maps for each of 1 to ${MAX_LOSS_LEVELS} levels, boxes and scale, and perhaps two maps of a judge for each`,
    );
  }
  if (node.outputs.length !== 2 * levelCount + LOSS_RESULTS.length) {
    reject(
      node,
      `has ${node.outputs.length} outputs, with ${levelCount} levels it has ${2 * levelCount + LOSS_RESULTS.length}`,
    );
  }
  if (![alpha, beta, ...Object.values(gains)].every((value) => value >= 0 && Number.isFinite(value))) {
    reject(
      node,
      `alpha ${alpha}, beta ${beta} and the gains ${show(Object.values(gains))} must be numbers of at least 0`,
    );
  }
  if (!["ciou", "diou", "giou", "iou"].includes(boxLoss)) {
    reject(node, `box loss "${boxLoss}" is none of ciou, diou, giou, iou`);
  }
  const { levels, boxes, scale } = lossOperands(node, inputs.map(({ shape }) => shape));
  const [batch, sides] = levels[0].boxes;
  const classes = levels[0].classes[1], judged = levels[0].judge?.boxes[1];
  let anchors = 0;
  levels.forEach((level, i) => {
    requireImage(node, level.boxes);
    requireImage(node, level.classes);
    const [, , height, width] = level.boxes;
    const expect = (what: string, shape: Shape, expected: Shape) => {
      if (show(shape) !== show(expected)) {
        reject(node, `${what} of level ${i} must be ${show(expected)} but are ${show(shape)}`);
      }
    };
    expect("box logits", level.boxes, [batch, sides, height, width]);
    expect("class logits", level.classes, [batch, classes, height, width]);
    if (level.judge) {
      expect("the judge's box logits", level.judge.boxes, [batch, judged!, height, width]);
      expect("the judge's class logits", level.judge.classes, [batch, classes, height, width]);
    }
    anchors += height * width;
  });
  if (sides % 4 !== 0 || sides < 8) {
    reject(node, `box logits ${show(levels[0].boxes)} must have two or more channels for each of four sides`);
  }
  if (judged !== undefined && (judged % 4 !== 0 || judged < 8)) {
    reject(
      node,
      `the judge's box logits ${show(levels[0].judge!.boxes)} must have two or more channels for each side`,
    );
  }
  if (boxes.length !== 3 || boxes[0] !== batch || boxes[2] !== BOX_ROW || boxes[1] < 1) {
    reject(node, `boxes must be [${batch},M,${BOX_ROW}] but are ${show(boxes)}`);
  }
  if (show(scale) !== "[1]") reject(node, `scale must be [1] but is ${show(scale)}`);
  const results: LossResults<Shape> = {
    losses: [4],
    predicted: [batch, anchors, 4],
    assignment: [batch, anchors],
    alignment: [batch, anchors, 2],
    maxima: [batch, boxes[1], 2],
    targets: [batch, anchors],
    imageTargets: [batch, 2],
    normaliser: [1],
    anchorLosses: [batch, anchors, 3],
    imageLosses: [batch, 3],
  };
  const shapes = [
    ...levels.flatMap((level) => [level.boxes, level.classes]),
    ...LOSS_RESULTS.map((name) => results[name]),
  ];
  return shapes.map((shape): TensorType => ({ dtype: "f32", shape }));
};
