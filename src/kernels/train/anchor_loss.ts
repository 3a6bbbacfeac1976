/**
 * Kernels of AnchorLoss: matches level by level, their numbers, gradients level by level, sums. They hand numbers to each other in the
 * node's further outputs. Shaders: `shaders/train/anchor_*.wgsl`, each with its formula, and the sums of DetectionLoss.
 *
 * @module
 */

import { ANCHOR_FIELDS, anchorLossOperands } from "../../graph/anchor_loss.ts";
import type { KernelContext, Operand } from "../context.ts";
import { f32, i32, type Kernel, type KernelBinding, type Parameters, vec4i } from "../kernel.ts";
import { linearGroups } from "../linear.ts";
import { readPlain, refuseEpilogue, write } from "../operand.ts";
import { manyTeams } from "../team.ts";
import { kernelSteps } from "./step.ts";

/** Four numbers for as many levels at most. */
const four = (numbers: readonly number[]) => vec4i([0, 1, 2, 3].map((i) => numbers[i] ?? 0));

/** Plain kernels of AnchorLoss, in order. */
export function anchorLoss(context: KernelContext<"AnchorLoss">): Kernel[] {
  refuseEpilogue(context);
  const { node, target } = context;
  const { ratio, gains, boxLoss } = node.attributes;
  const { levels, boxes, scale, results } = anchorLossOperands(node, context.inputs, context.outputs);
  const { losses, matches, imageMatches, normaliser, targets, predictorLosses, imageLosses } = results;
  const [batch, rows] = boxes.shape, predictors = matches.shape[1];
  const each = levels[0].anchors.length, classes = levels[0].map.shape[1] / each - ANCHOR_FIELDS;
  const read = (operand: Operand): KernelBinding => readPlain(node, operand);
  const step = kernelSteps("", "train/");

  let end = 0;
  const grids = levels.map((level, index) => {
    const [, , height, width] = level.map.shape, first = end;
    end += each * height * width;
    const all = batch * (end - first);
    const parameters: Parameters = {
      index: i32(index),
      width: i32(width),
      height: i32(height),
      images: i32(batch),
      first: i32(first),
      predictors: i32(predictors),
      rows: i32(rows),
      classes: i32(classes),
      stride: f32(level.stride),
      ratio: f32(ratio),
      gainBox: f32(gains.box),
      // Of one class there is nothing to tell apart.
      gainClasses: f32(classes === 1 ? 0 : gains.classes / classes),
      gainObjectness: f32(gains.objectness * level.balance / all),
      ...Object.fromEntries(level.anchors.flatMap(([w, h], a) => [
        [`anchorWidth_${a}`, f32(w)],
        [`anchorHeight_${a}`, f32(h)],
      ])),
    };
    return { ...level, parameters, first, end, workgroups: linearGroups(all) };
  });
  const anchors = { ANCHORS: each }, counts = { COUNTS: levels.length };
  const images = { images: i32(batch) }, teams = manyTeams(batch, target);
  return [
    ...grids.map(({ parameters, workgroups }) =>
      step("anchor_match", parameters, [read(boxes), write(matches)], { constants: anchors, workgroups })
    ),
    step(
      "anchor_counts",
      {
        ...images,
        predictors: i32(predictors),
        first: four(grids.map(({ first }) => first)),
        end: four(grids.map(({ end }) => end)),
      },
      [matches, imageMatches].map(write),
      { ...teams, constants: { ...teams.constants, LEVELS: levels.length } },
    ),
    step("loss_normaliser", images, [imageMatches, normaliser].map(write), {
      constants: { ...counts, RESULTS: levels.length },
    }),
    ...grids.map(({ map, gradient, parameters, workgroups }) =>
      step("anchor_gradient", parameters, [
        ...[read(map), read(boxes), write(matches), write(normaliser), read(scale)],
        ...[gradient, targets, predictorLosses].map(write),
      ], { constants: { ...anchors, OVERLAP: boxLoss }, workgroups })
    ),
    step("loss_images", { ...images, anchors: i32(predictors) }, [predictorLosses, imageLosses].map(write), teams),
    step("loss_total", images, [imageLosses, imageMatches, losses].map(write), { constants: { ...counts, FIRST: 0 } }),
  ];
}
