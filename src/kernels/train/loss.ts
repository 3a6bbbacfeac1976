/**
 * Kernels of DetectionLoss: decode, claim, resolve, target scores, normaliser, gradients level by level, sums. They hand numbers to each
 * other in the node's further outputs. Shaders: `shaders/train/loss_*.wgsl`, each with its formula.
 *
 * @module
 */

import { lossOperands } from "../../graph/detection_loss.ts";
import { FeatherdetError } from "../../graph/error.ts";
import type { KernelContext, Operand } from "../context.ts";
import { f32, i32, type Kernel, type KernelBinding, struct, vec4i } from "../kernel.ts";
import { linearGroups } from "../linear.ts";
import { readPlain, refuseEpilogue, write } from "../operand.ts";
import { manyTeams } from "../team.ts";
import { kernelSteps } from "./step.ts";

/** Boxes of an image are numbered in the lower half of a word: see `loss_claim.wgsl`. */
const MOST_ROWS = 65535;

/** Plain kernels of DetectionLoss, in order. */
export function detectionLoss(context: KernelContext<"DetectionLoss">): Kernel[] {
  refuseEpilogue(context);
  const { node, target } = context;
  const { topK, alpha, beta, gains, boxLoss } = node.attributes;
  const { levels, boxes, scale, results } = lossOperands(node, context.inputs, context.outputs);
  const [batch, rows] = boxes.shape;
  const anchors = results.targets.shape[1];
  const classes = levels[0].classes.shape[1];
  if (rows > MOST_ROWS) {
    throw new FeatherdetError(`boxes [${boxes.shape}] have more than ${MOST_ROWS} rows an image`, {
      node: node.name,
      operator: node.op,
    });
  }
  const read = (operand: Operand): KernelBinding => readPlain(node, operand);
  const step = kernelSteps("loss ", "train/loss_");
  const binsOf = ({ shape }: Operand) => ({ BINS: shape[1] / 4 });
  const bins = binsOf(levels[0].boxes);

  let first = 0;
  const grids = levels.map((level) => {
    const [, , height, width] = level.boxes.shape;
    const plane = height * width;
    const cells = {
      width: i32(width),
      plane: i32(plane),
      images: i32(batch),
      first: i32(first),
      anchors: i32(anchors),
      rows: i32(rows),
      classes: i32(classes),
      stride: f32(level.stride),
    };
    const grid = vec4i([width, height, level.stride, first]);
    first += plane;
    return { ...level, judge: level.judge ?? level, cells, grid, workgroups: linearGroups(batch * plane) };
  });
  const { predicted, assignment, alignment, maxima, targets, imageTargets, normaliser, anchorLosses, imageLosses } =
    results;

  const boxTeams = manyTeams(batch * rows, target);
  const claim = step(
    "claim",
    {
      ...Object.fromEntries(grids.map(({ grid }, l) => [`grid_${l}`, grid])),
      boxes: i32(batch * rows),
      rows: i32(rows),
      anchors: i32(anchors),
      classes: i32(classes),
      alpha: f32(alpha),
      beta: f32(beta),
    },
    [
      ...[read(boxes), write(predicted), write(assignment), write(maxima)],
      ...grids.map(({ judge }) => read(judge.classes)),
    ],
    {
      constants: { LEVELS: levels.length, TOPK: topK, ...boxTeams.constants },
      workgroups: boxTeams.workgroups,
    },
  );
  const images = manyTeams(batch, target);
  return [
    ...grids.map(({ cells, judge: { boxes: logits }, workgroups }) =>
      step("decode", cells, [read(logits), write(predicted), write(assignment)], {
        constants: binsOf(logits),
        workgroups,
      })
    ),
    claim,
    ...grids.map(({ cells, judge: { classes: logits }, workgroups }) =>
      step("resolve", { level: struct(cells), alpha: f32(alpha), beta: f32(beta) }, [
        ...[read(boxes), write(predicted), read(logits), write(assignment), write(alignment), write(maxima)],
      ], { workgroups })
    ),
    step("targets", { images: i32(batch), anchors: i32(anchors), rows: i32(rows) }, [
      ...[assignment, alignment, maxima, targets, imageTargets].map(write),
    ], images),
    step("normaliser", { images: i32(batch) }, [write(imageTargets), write(normaliser)], {}),
    ...grids.flatMap(({ cells, workgroups, ...level }) => {
      const given = [read(boxes), ...[assignment, targets, normaliser].map(write), read(scale)];
      return [
        step("box_gradient", {
          level: struct(cells),
          gainBox: f32(gains.box),
          gainDistribution: f32(gains.distribution),
        }, [
          ...[read(level.boxes), ...given, write(level.boxGradient), write(anchorLosses)],
        ], { constants: { ...bins, OVERLAP: boxLoss }, workgroups }),
        step("class_gradient", { level: struct(cells), gain: f32(gains.classes) }, [
          ...[read(level.classes), ...given, write(level.classGradient), write(anchorLosses)],
        ], { workgroups }),
      ];
    }),
    step("images", { images: i32(batch), anchors: i32(anchors) }, [write(anchorLosses), write(imageLosses)], images),
    step("total", { images: i32(batch) }, [imageLosses, imageTargets, results.losses].map(write), {}),
  ];
}
