/**
 * Kernels of DetectionLoss: decode, claim, resolve, target scores, normaliser, gradients level by level, sums. They hand numbers to each
 * other in the node's further outputs. Shaders: `shaders/train/loss_*.wgsl`, each with its formula.
 *
 * @module
 */

import { lossOperands } from "../../graph/detection_loss.ts";
import { FeatherdetError } from "../../graph/error.ts";
import type { KernelContext, Operand } from "../context.ts";
import { f32, i32, type Kernel, type KernelBinding, type ParameterField, vec4i } from "../kernel.ts";
import { linearGroups } from "../linear.ts";
import { readPlain, refuseEpilogue, write } from "../operand.ts";
import { manyTeams } from "../team.ts";

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
  const step = (
    name: string,
    parameters: readonly ParameterField[],
    bindings: readonly KernelBinding[],
    { constants = {}, workgroups = [1, 1, 1] }: Partial<Pick<Kernel, "constants" | "workgroups">>,
  ): Kernel => ({
    label: `loss ${name.replaceAll("_", " ")}`,
    shader: `train/loss_${name}.wgsl`,
    constants,
    parameters,
    bindings,
    workgroups,
  });
  const bins = { BINS: levels[0].boxes.shape[1] / 4 };

  let first = 0;
  const grids = levels.map((level) => {
    const [, , height, width] = level.boxes.shape;
    const plane = height * width;
    const block = [
      ...[width, plane, batch, first, anchors, rows, classes].map(i32),
      f32(level.stride),
    ];
    const grid = vec4i([width, height, level.stride, first]);
    first += plane;
    return { ...level, block, grid, workgroups: linearGroups(batch * plane) };
  });
  const { predicted, assignment, alignment, maxima, targets, imageTargets, normaliser, anchorLosses, imageLosses } =
    results;

  const boxTeams = manyTeams(batch * rows, target);
  const claim = step(
    "claim",
    [...grids.map(({ grid }) => grid), ...[batch * rows, rows, anchors, classes].map(i32), f32(alpha), f32(beta)],
    [
      ...[read(boxes), write(predicted), write(assignment), write(maxima)],
      ...levels.map((level) => read(level.classes)),
    ],
    {
      constants: { LEVELS: levels.length, TOPK: topK, ...boxTeams.constants },
      workgroups: boxTeams.workgroups,
    },
  );
  const images = manyTeams(batch, target);
  return [
    ...grids.map(({ block, boxes: logits, workgroups }) =>
      step("decode", block, [read(logits), write(predicted), write(assignment)], { constants: bins, workgroups })
    ),
    claim,
    ...grids.map(({ block, classes: logits, workgroups }) =>
      step("resolve", [...block, f32(alpha), f32(beta)], [
        ...[read(boxes), write(predicted), read(logits), write(assignment), write(alignment), write(maxima)],
      ], { workgroups })
    ),
    step("targets", [batch, anchors, rows].map(i32), [
      ...[assignment, alignment, maxima, targets, imageTargets].map(write),
    ], images),
    step("normaliser", [i32(batch)], [write(imageTargets), write(normaliser)], {}),
    ...grids.flatMap(({ block, workgroups, ...level }) => {
      const given = [read(boxes), ...[assignment, targets, normaliser].map(write), read(scale)];
      return [
        step("box_gradient", [...block, f32(gains.box), f32(gains.distribution)], [
          ...[read(level.boxes), ...given, write(level.boxGradient), write(anchorLosses)],
        ], { constants: { ...bins, OVERLAP: boxLoss }, workgroups }),
        step("class_gradient", [...block, f32(gains.classes)], [
          ...[read(level.classes), ...given, write(level.classGradient), write(anchorLosses)],
        ], { workgroups }),
      ];
    }),
    step("images", [batch, anchors].map(i32), [write(anchorLosses), write(imageLosses)], images),
    step("total", [i32(batch)], [imageLosses, imageTargets, results.losses].map(write), {}),
  ];
}
