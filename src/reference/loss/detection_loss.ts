/**
 * The loss of a detection head as its definition says, with gradients:
 *
 *     loss = (gain_box   * sum of target * (1 - overlap of the anchor's box with its target)
 *           + gain_class * sum of the binary cross entropy of every score with its target
 *           + gain_dist  * sum of target * mean over four sides of the distribution focal loss) / normaliser
 *
 * with the target score of an anchor that was assigned to a box (`assign.ts`) as its weight, and the sum of all target scores, at
 * least 1, as the normaliser. The losses are reported so; gradients are those of the loss times the number of images, as in the
 * published recipe of YOLO11, whose learning rates they fit, times `scale`.
 *
 * @module
 */

import { BOX_ROW, LOSS_RESULTS, lossOperands, type LossResults } from "../../graph/detection_loss.ts";
import { type Shape, sizeOf } from "../../graph/graph.ts";
import type { DetectionLossAttributes, Node } from "../../graph/operators.ts";
import { type ReferenceTensor, zeros } from "../tensor.ts";
import { type Anchor, type Assigned, assignTargets, type BoxMaxima, type TargetBox } from "./assign.ts";
import { clampDistance, distanceOf, distanceSlope, distributionLoss, sharesOf } from "./distribution.ts";
import { type Box, overlapOf } from "./overlap.ts";

/** Maps of one level. */
export interface ReferenceLossLevel {
  /** `[N, 4 * bins, h, w]`. */
  readonly boxes: ReferenceTensor;
  /** `[N, classes, h, w]`. */
  readonly classes: ReferenceTensor;
  /** What assigns anchors in their place: `LossLevel.judge`. */
  readonly judge?: { readonly boxes: ReferenceTensor; readonly classes: ReferenceTensor };
  /** Input pixels from one anchor to the next. */
  readonly stride: number;
}

/** One anchor of an image with its place in the maps. */
interface PredictedAnchor extends Anchor {
  readonly level: number;
  readonly stride: number;
  /** Positions of the logits of each side in the box map. */
  readonly sides: readonly (readonly number[])[];
  /** Positions of the class logits in the class map. */
  readonly logits: readonly number[];
  /** Distances to the four sides in strides. */
  readonly distances: Box;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** The maps that assign anchors. */
const judges = (levels: readonly ReferenceLossLevel[]): ReferenceLossLevel[] =>
  levels.map((level) => ({ ...level, ...level.judge }));

/** The anchors of one image, level by level, row by row. */
function anchorsOf(levels: readonly ReferenceLossLevel[], image: number): PredictedAnchor[] {
  return levels.flatMap(({ boxes, classes, stride }, level) => {
    const [, channels, height, width] = boxes.shape;
    const labels = classes.shape[1];
    const plane = height * width;
    return Array.from({ length: plane }, (_, place): PredictedAnchor => {
      const sides = [0, 1, 2, 3].map((side) =>
        Array.from({ length: channels / 4 }, (_, bin) => (image * channels + side * channels / 4 + bin) * plane + place)
      );
      const distances = sides.map((positions) =>
        distanceOf(sharesOf(positions.map((at) => boxes.data[at])))
      ) as unknown as Box;
      const [left, top, right, bottom] = distances;
      const x = place % width + 0.5, y = Math.floor(place / width) + 0.5;
      const logits = Array.from({ length: labels }, (_, label) => (image * labels + label) * plane + place);
      return {
        level,
        stride,
        sides,
        logits,
        distances,
        point: [x * stride, y * stride],
        box: [(x - left) * stride, (y - top) * stride, (x + right) * stride, (y + bottom) * stride],
        score: (label) => sigmoid(classes.data[logits[label]]),
      };
    });
  });
}

/** The boxes of one image by row; undefined for a row whose class the head does not have. */
export function targetBoxes(boxes: ReferenceTensor, image: number, classes: number): (TargetBox | undefined)[] {
  const rows = boxes.shape[1];
  return Array.from({ length: rows }, (_, row) => {
    const first = (image * rows + row) * BOX_ROW;
    const [label, ...sides] = boxes.data.subarray(first, first + BOX_ROW);
    return label >= 0 && label < classes ? { label, box: sides as unknown as Box } : undefined;
  });
}

/** What all images' anchors were assigned to. */
export interface Assignment {
  /** By image and anchor. */
  readonly assigned: readonly (readonly Assigned[])[];
  /** By image and row of boxes. */
  readonly maxima: readonly (readonly BoxMaxima[])[];
  /** The sum of the target scores, at least 1. */
  readonly normaliser: number;
}

/** Assigns the anchors of all images. */
export function assignImages(
  levels: readonly ReferenceLossLevel[],
  boxes: ReferenceTensor,
  attributes: DetectionLossAttributes,
): Assignment {
  const [batch, classes] = levels[0].classes.shape;
  const images = Array.from(
    { length: batch },
    (_, image) => assignTargets(anchorsOf(judges(levels), image), targetBoxes(boxes, image, classes), attributes),
  );
  const sum = images.reduce((sum, { assigned }) => assigned.reduce((s, { target }) => s + target, sum), 0);
  return {
    assigned: images.map(({ assigned }) => assigned),
    maxima: images.map(({ maxima }) => maxima),
    normaliser: Math.max(1, sum),
  };
}

/** Losses of each anchor, and the gradient of their sum (not yet times the images or the scale) for every map. */
export interface AssignedLoss {
  /** `[N][A]`: box, class and distribution loss, weighted and divided by the normaliser. */
  readonly anchors: readonly (readonly (readonly [box: number, classes: number, distribution: number])[])[];
  readonly gradients: readonly { readonly boxes: ReferenceTensor; readonly classes: ReferenceTensor }[];
}

/** The losses of given assignments: these, and the targets in them, are held fixed. */
export function lossOfAssignment(
  levels: readonly ReferenceLossLevel[],
  boxes: ReferenceTensor,
  { boxLoss, gains }: DetectionLossAttributes,
  { assigned, normaliser }: Assignment,
): AssignedLoss {
  const classes = levels[0].classes.shape[1];
  const gradients = levels.map((level) => ({ boxes: zeros(level.boxes.shape), classes: zeros(level.classes.shape) }));
  const anchors = assigned.map((rows, image) => {
    const targets = targetBoxes(boxes, image, classes);
    return anchorsOf(levels, image).map((anchor, at): [number, number, number] => {
      const { box: row, target: weight } = rows[at];
      const map = levels[anchor.level], gradient = gradients[anchor.level];
      const found = row < 0 ? undefined : targets[row];

      let classLoss = 0;
      anchor.logits.forEach((position, label) => {
        const x = map.classes.data[position];
        const target = found?.label === label ? weight : 0;
        classLoss += Math.max(x, 0) - x * target + Math.log1p(Math.exp(-Math.abs(x)));
        gradient.classes.data[position] = gains.classes / normaliser * (sigmoid(x) - target);
      });
      if (found === undefined) return [0, gains.classes / normaliser * classLoss, 0];

      const { value, slope } = overlapOf(boxLoss, anchor.box, found.box);
      const boxWeight = gains.box * weight / normaliser;
      const distributionWeight = gains.distribution * weight / normaliser / 4;
      let distribution = 0;
      anchor.sides.forEach((positions, side) => {
        const logits = positions.map((position) => map.boxes.data[position]);
        // Left and top lie below the point, right and bottom above it.
        const outward = side < 2 ? -1 : 1;
        const reach = outward * (found.box[side] - anchor.point[side % 2]) / anchor.stride;
        const focal = distributionLoss(logits, clampDistance(reach, logits.length));
        distribution += focal.value;
        const along = distanceSlope(sharesOf(logits));
        positions.forEach((position, bin) => {
          gradient.boxes.data[position] = -boxWeight * slope[side] * outward * anchor.stride * along[bin] +
            distributionWeight * focal.slope[bin];
        });
      });
      return [boxWeight * (1 - value), gains.classes / normaliser * classLoss, distributionWeight * distribution];
    });
  });
  return { anchors, gradients };
}

/** Every output of DetectionLoss. */
export function detectionLoss(
  node: Node<"DetectionLoss">,
  inputs: readonly ReferenceTensor[],
): ReferenceTensor[] {
  const { levels, boxes, scale } = lossOperands(node, inputs);
  const assignment = assignImages(levels, boxes, node.attributes);
  const { anchors, gradients } = lossOfAssignment(levels, boxes, node.attributes, assignment);
  const { assigned, maxima, normaliser } = assignment;
  const batch = anchors.length, count = anchors[0].length;
  const factor = batch * scale.data[0];
  const scaled = ({ shape, data }: ReferenceTensor) => ({ shape, data: data.map((value) => factor * value) });
  const tensor = (shape: Shape, numbers: readonly number[]): ReferenceTensor => {
    const data = Float64Array.from(numbers);
    if (data.length !== sizeOf(shape)) throw new Error(`${data.length} numbers for [${shape}]`);
    return { shape, data };
  };
  const add = (rows: readonly (readonly number[])[]) =>
    [0, 1, 2].map((i) => rows.reduce((sum, row) => sum + row[i], 0));
  const imageLosses = anchors.map(add);
  const positives = assigned.map((rows) => rows.filter(({ box }) => box >= 0).length);
  const each = (f: (one: Assigned) => number | number[]) => assigned.flatMap((rows) => rows.flatMap(f));
  const results: LossResults<ReferenceTensor> = {
    losses: tensor([4], [...add(imageLosses), positives.reduce((a, b) => a + b)]),
    predicted: tensor(
      [batch, count, 4],
      anchors.flatMap((_, image) => anchorsOf(judges(levels), image).flatMap(({ box }) => box)),
    ),
    assignment: tensor([batch, count], each(({ box }) => box)),
    alignment: tensor([batch, count, 2], each(({ metric, overlap }) => [metric, overlap])),
    maxima: tensor(
      [batch, boxes.shape[1], 2],
      maxima.flatMap((rows) => rows.flatMap((one) => [one.metric, one.overlap])),
    ),
    targets: tensor([batch, count], each(({ target }) => target)),
    imageTargets: tensor(
      [batch, 2],
      assigned.flatMap((rows, image) => [rows.reduce((sum, { target }) => sum + target, 0), positives[image]]),
    ),
    normaliser: tensor([1], [normaliser]),
    anchorLosses: tensor([batch, count, 3], anchors.flat(2)),
    imageLosses: tensor([batch, 3], imageLosses.flat()),
  };
  return [
    ...gradients.flatMap((level) => [scaled(level.boxes), scaled(level.classes)]),
    ...LOSS_RESULTS.map((name) => results[name]),
  ];
}
