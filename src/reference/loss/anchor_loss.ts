/**
 * The loss of a head with anchors and objectness as YOLOv5 (release 6 and 7) defines it, with gradients. With s a logit's sigmoid, a
 * predictor's box in cells is
 *
 *     centre = cell + 2 * s - 0.5,   side = (2 * s)^2 * anchor / stride
 *
 * and the losses of each level are
 *
 *     box        = gain_box * mean over matches of (1 - overlap of the predictor's box with its target)
 *     classes    = gain_classes * mean over matches and classes of the binary cross entropy; 0 for a head of one class
 *     objectness = gain_objectness * balance * mean over all predictors of the binary cross entropy with their targets
 *
 * The target of objectness is the predictor's overlap with what it learns, at least 0, held fixed; of several matches (`anchor_match.ts`)
 * the greatest, while the other losses count each of them. Gradients are those of the sum times the number of images, as published,
 * times `scale`; the losses are told without that.
 *
 * @module
 */

import {
  ANCHOR_FIELDS,
  ANCHOR_LOSS_RESULTS,
  anchorLossOperands,
  type AnchorLossResults,
} from "../../graph/anchor_loss.ts";
import type { AnchorLossAttributes, Node } from "../../graph/operators.ts";
import { type ReferenceTensor, zeros } from "../tensor.ts";
import { type AnchorGrid, matchBox } from "./anchor_match.ts";
import { targetBoxes } from "./detection_loss.ts";
import { type Box, overlapOf } from "./overlap.ts";

/** One level: its map and how it is meant. */
interface Level extends AnchorGrid {
  readonly map: ReferenceTensor;
  readonly balance: number;
  /** Number of the level's first predictor. */
  readonly first: number;
}

/** A box that a predictor learns. */
interface Match {
  readonly level: Level;
  readonly image: number;
  /** Number of the predictor among those of an image. */
  readonly predictor: number;
  /** Position of a field of the predictor in its map. */
  readonly at: (field: number) => number;
  /** Of the cell's corner, in cells. */
  readonly target: Box;
  readonly label: number;
  /** The anchor in cells. */
  readonly anchor: readonly [width: number, height: number];
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const crossEntropy = (x: number, target: number) => Math.max(x, 0) - x * target + Math.log1p(Math.exp(-Math.abs(x)));

function levelsOf(
  { levels }: { readonly levels: ReturnType<typeof anchorLossOperands<ReferenceTensor>>["levels"] },
): Level[] {
  let first = 0;
  return levels.map(({ map, stride, anchors, balance }) => {
    const [, , height, width] = map.shape;
    const level = { map, stride, anchors, balance, width, height, first };
    first += anchors.length * width * height;
    return level;
  });
}

/** What the predictors of all images learn. */
function matchesOf(levels: readonly Level[], boxes: ReferenceTensor, classes: number, ratio: number): Match[] {
  const [images] = boxes.shape;
  return levels.flatMap((level) => {
    const { width, height, stride, anchors, map, first } = level, plane = width * height;
    return Array.from({ length: images }, (_, image) =>
      targetBoxes(boxes, image, classes).flatMap((found) => {
        if (found === undefined) return [];
        return matchBox(found.box, level, ratio).map(({ anchor, x, y }): Match => {
          const cell = y * width + x;
          const [left, top, right, bottom] = found.box.map((side) => side / stride);
          return {
            level,
            image,
            predictor: first + anchor * plane + cell,
            at: (field) => (image * map.shape[1] + anchor * (ANCHOR_FIELDS + classes) + field) * plane + cell,
            target: [left - x, top - y, right - x, bottom - y],
            label: found.label,
            anchor: [anchors[anchor][0] / stride, anchors[anchor][1] / stride],
          };
        });
      })).flat();
  });
}

/** Overlap of a predictor's box with its target, and its slope along the logits of x, y, width and height. */
function overlapOfMatch({ level: { map }, at, target, anchor }: Match, kind: AnchorLossAttributes["boxLoss"]) {
  const shares = [0, 1, 2, 3].map((field) => sigmoid(map.data[at(field)]));
  const centre = [0, 1].map((axis) => 2 * shares[axis] - 0.5);
  const sides = [0, 1].map((axis) => (2 * shares[2 + axis]) ** 2 * anchor[axis]);
  const box: Box = [
    centre[0] - sides[0] / 2,
    centre[1] - sides[1] / 2,
    centre[0] + sides[0] / 2,
    centre[1] + sides[1] / 2,
  ];
  const { value, slope } = overlapOf(kind, box, target);
  const along = [0, 1].map((axis) => (slope[axis] + slope[axis + 2]) * 2 * shares[axis] * (1 - shares[axis]));
  const wide = [0, 1].map((axis) => (slope[axis + 2] - slope[axis]) / 2 * 2 * sides[axis] * (1 - shares[2 + axis]));
  return { value, slope: [...along, ...wide] };
}

/** Everything that AnchorLoss computes; `targets` are held fixed where they are given, as for finite differences. */
export function lossOfAnchors(
  node: Pick<Node<"AnchorLoss">, "attributes">,
  inputs: readonly ReferenceTensor[],
  fixed?: { readonly targets: ReferenceTensor },
): { readonly gradients: ReferenceTensor[]; readonly results: AnchorLossResults<ReferenceTensor> } {
  const operands = anchorLossOperands(node, inputs), levels = levelsOf(operands);
  const { ratio, boxLoss, gains } = node.attributes;
  const [batch, channels] = levels[0].map.shape;
  const classes = channels / levels[0].anchors.length - ANCHOR_FIELDS;
  const predictors = levels.reduce((sum, { anchors, width, height }) => sum + anchors.length * width * height, 0);
  const matches = matchesOf(levels, operands.boxes, classes, ratio);
  const results: AnchorLossResults<ReferenceTensor> = {
    losses: zeros([4]),
    matches: zeros([batch, predictors]),
    imageMatches: zeros([batch, levels.length]),
    normaliser: zeros([levels.length]),
    targets: zeros([batch, predictors]),
    predictorLosses: zeros([batch, predictors, 3]),
    imageLosses: zeros([batch, 3]),
  };
  const gradients = levels.map(({ map }) => zeros(map.shape));
  const factor = batch * operands.scale.data[0];
  const lose = (image: number, predictor: number, which: 0 | 1 | 2, loss: number) => {
    results.predictorLosses.data[3 * (image * predictors + predictor) + which] += loss;
    results.imageLosses.data[3 * image + which] += loss;
    results.losses.data[which] += loss;
  };

  for (const { level, image, predictor } of matches) {
    results.matches.data[image * predictors + predictor] += 1;
    results.imageMatches.data[image * levels.length + levels.indexOf(level)] += 1;
    results.normaliser.data[levels.indexOf(level)] += 1;
    results.losses.data[3] += 1;
  }
  results.normaliser.data.forEach((count, i, all) => all[i] = Math.max(1, count));

  for (const match of matches) {
    const { level, image, predictor, at, label } = match, index = levels.indexOf(level);
    const { data } = level.map, share = 1 / results.normaliser.data[index];
    const { value, slope } = overlapOfMatch(match, boxLoss);
    lose(image, predictor, 0, gains.box * share * (1 - value));
    slope.forEach((step, field) => gradients[index].data[at(field)] -= factor * gains.box * share * step);
    const place = image * predictors + predictor;
    results.targets.data[place] = Math.max(results.targets.data[place], value);
    if (classes === 1) continue;
    for (let c = 0; c < classes; c++) {
      const position = at(ANCHOR_FIELDS + c), target = c === label ? 1 : 0, weight = gains.classes * share / classes;
      lose(image, predictor, 2, weight * crossEntropy(data[position], target));
      gradients[index].data[position] += factor * weight * (sigmoid(data[position]) - target);
    }
  }

  const { data: targets } = fixed?.targets ?? results.targets;
  levels.forEach(({ map, anchors, width, height, balance, first }, index) => {
    const plane = width * height, weight = gains.objectness * balance / (batch * anchors.length * plane);
    for (let image = 0; image < batch; image++) {
      for (let k = 0; k < anchors.length * plane; k++) {
        const anchor = Math.floor(k / plane);
        const at = (image * channels + anchor * (ANCHOR_FIELDS + classes) + 4) * plane + k % plane;
        const target = targets[image * predictors + first + k];
        lose(image, first + k, 1, weight * crossEntropy(map.data[at], target));
        gradients[index].data[at] = factor * weight * (sigmoid(map.data[at]) - target);
      }
    }
  });
  return { gradients, results };
}

/** Every output of AnchorLoss. */
export function anchorLoss(node: Node<"AnchorLoss">, inputs: readonly ReferenceTensor[]): ReferenceTensor[] {
  const { gradients, results } = lossOfAnchors(node, inputs);
  return [...gradients, ...ANCHOR_LOSS_RESULTS.map((name) => results[name])];
}
