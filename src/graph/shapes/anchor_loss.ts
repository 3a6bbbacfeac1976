/**
 * Shape rule of the loss of a head with anchors.
 *
 * @module
 */

import {
  ANCHOR_FIELDS,
  ANCHOR_LOSS_RESULTS,
  anchorLossOperands,
  type AnchorLossResults,
  MAX_ANCHOR_LEVELS,
} from "../anchor_loss.ts";
import { BOX_ROW } from "../detection_loss.ts";
import type { Shape, TensorType } from "../graph.ts";
import { reject, requireFloat, requireImage, requireIntegers, type ShapeRule, show } from "./common.ts";

/** Maps `[N,anchors*(5+classes),h,w]` of each level, boxes `[N,M,5]`, scale `[1]` -> gradients as the maps, then `AnchorLossResults`. */
export const anchorLoss: ShapeRule<"AnchorLoss"> = (node, inputs) => {
  requireFloat(node, inputs);
  const { strides, anchors, ratio, balance, boxLoss, gains } = node.attributes;
  requireIntegers(node, "strides", strides, 1);
  const count = strides.length;
  if (count < 1 || count > MAX_ANCHOR_LEVELS || inputs.length !== count + 2) {
    reject(
      node,
      `${count} strides do not go with ${inputs.length} inputs: it takes a map for each of 1 to ${MAX_ANCHOR_LEVELS} levels, boxes and scale`,
    );
  }
  if (node.outputs.length !== count + ANCHOR_LOSS_RESULTS.length) {
    reject(
      node,
      `has ${node.outputs.length} outputs, with ${count} levels it has ${count + ANCHOR_LOSS_RESULTS.length}`,
    );
  }
  const each = anchors.length / count / 2;
  if (!Number.isInteger(each) || each < 1 || !anchors.every((side) => side > 0 && Number.isFinite(side))) {
    reject(node, `anchors ${show(anchors)} must be as many positive widths and heights for each of ${count} levels`);
  }
  if (!(ratio > 1 && Number.isFinite(ratio))) reject(node, `ratio ${ratio} must be a number above 1`);
  if (balance.length !== count) reject(node, `balance ${show(balance)} must be a number for each of ${count} levels`);
  if (![...balance, ...Object.values(gains)].every((value) => value >= 0 && Number.isFinite(value))) {
    reject(
      node,
      `balance ${show(balance)} and the gains ${show(Object.values(gains))} must be numbers of at least 0`,
    );
  }
  if (!["ciou", "diou", "giou", "iou"].includes(boxLoss)) {
    reject(node, `box loss "${boxLoss}" is none of ciou, diou, giou, iou`);
  }
  const { levels, boxes, scale } = anchorLossOperands(node, inputs.map(({ shape }) => shape));
  const [batch, channels] = levels[0].map;
  const classes = channels / each - ANCHOR_FIELDS;
  let predictors = 0;
  levels.forEach(({ map }, i) => {
    requireImage(node, map);
    const [, , height, width] = map, expected = [batch, channels, height, width];
    if (show(map) !== show(expected)) reject(node, `map of level ${i} must be ${show(expected)} but is ${show(map)}`);
    predictors += each * height * width;
  });
  if (!Number.isInteger(classes) || classes < 1) {
    reject(
      node,
      `maps of ${channels} channels are not those of ${each} anchors of ${ANCHOR_FIELDS} numbers and a class or more`,
    );
  }
  if (boxes.length !== 3 || boxes[0] !== batch || boxes[2] !== BOX_ROW || boxes[1] < 1) {
    reject(node, `boxes must be [${batch},M,${BOX_ROW}] but are ${show(boxes)}`);
  }
  if (show(scale) !== "[1]") reject(node, `scale must be [1] but is ${show(scale)}`);
  const results: AnchorLossResults<Shape> = {
    losses: [4],
    matches: [batch, predictors],
    imageMatches: [batch, count],
    normaliser: [count],
    targets: [batch, predictors],
    predictorLosses: [batch, predictors, 3],
    imageLosses: [batch, 3],
  };
  const shapes = [...levels.map(({ map }) => map), ...ANCHOR_LOSS_RESULTS.map((name) => results[name])];
  return shapes.map((shape): TensorType => ({ dtype: "f32", shape }));
};
