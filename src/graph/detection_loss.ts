/**
 * The inputs and outputs of DetectionLoss by name, so that nobody else counts positions.
 *
 * @module
 */

import type { Node } from "./operators.ts";

/** Most levels that one DetectionLoss takes: a dispatch of its kernels binds all levels, and WebGPU promises eight buffers. */
export const MAX_LOSS_LEVELS = 4;

/** Numbers of a row of boxes: class, left, top, right, bottom. */
export const BOX_ROW = 5;

/** What DetectionLoss reads and writes of one level of the pyramid. */
export interface LossLevel<Value> {
  /** `[N, 4 * bins, h, w]`: logits of the distances left, top, right, bottom, in cells. */
  readonly boxes: Value;
  /** `[N, classes, h, w]`: logits. */
  readonly classes: Value;
  /**
   * Maps of another detector, of as many classes and of whatever bins, that say which anchors learn which box, and with what target
   * score: label assignment distillation (Nguyen et al. 2022, https://arxiv.org/abs/2108.10520). Where there are none, `boxes` and
   * `classes` themselves say so.
   */
  readonly judge?: { readonly boxes: Value; readonly classes: Value };
  /** Gradient of `boxes`. */
  readonly boxGradient: Value;
  /** Gradient of `classes`. */
  readonly classGradient: Value;
  /** Input pixels a cell. */
  readonly stride: number;
}

/** Outputs of DetectionLoss behind the gradients, in order: results first, then what its dispatches hand to each other. */
export interface LossResults<Value> {
  /** `[4]`: losses of boxes, classes and distributions, weighted; number of anchors that were assigned. */
  readonly losses: Value;
  /** `[N, A, 4]`: left, top, right, bottom of every anchor's box in input pixels, by the maps that judge. Anchors go level by level, row by row. */
  readonly predicted: Value;
  /** `[N, A]`: row of the box that the anchor was assigned to, -1 for none. */
  readonly assignment: Value;
  /** `[N, A, 2]`: alignment metric and overlap of anchor and box, 0 if none was assigned. */
  readonly alignment: Value;
  /** `[N, M, 2]`: the greatest of both among the anchors of each box. */
  readonly maxima: Value;
  /** `[N, A]`: target score of the box's class at the anchor, 0 if none was assigned. */
  readonly targets: Value;
  /** `[N, 2]`: sum of the target scores and number of assigned anchors of each image. */
  readonly imageTargets: Value;
  /** `[1]`: what the losses are divided by, the sum of all target scores, at least 1. */
  readonly normaliser: Value;
  /** `[N, A, 3]`: the three losses of each anchor. */
  readonly anchorLosses: Value;
  /** `[N, 3]`: the three losses of each image. */
  readonly imageLosses: Value;
}

/** The operands of a DetectionLoss. */
export interface LossOperands<Value> {
  /** Finest level first. */
  readonly levels: readonly LossLevel<Value>[];
  /** `[N, M, 5]`: class, left, top, right, bottom in input pixels; where the class is none of the head's there is no box. */
  readonly boxes: Value;
  /** `[1]`: a factor on the gradients. */
  readonly scale: Value;
  /** What comes out besides gradients. */
  readonly results: LossResults<Value>;
}

/** Names of the outputs behind the gradients, in order. */
export const LOSS_RESULTS = [
  "losses",
  "predicted",
  "assignment",
  "alignment",
  "maxima",
  "targets",
  "imageTargets",
  "normaliser",
  "anchorLosses",
  "imageLosses",
] as const satisfies readonly (keyof LossResults<unknown>)[];

/**
 * Sorts what belongs to the inputs and outputs of a node, in the node's order: names, shapes, tensors. `outputs` may be empty where
 * nobody asks for them.
 */
export function lossOperands<Value>(
  { attributes: { strides } }: Pick<Node<"DetectionLoss">, "attributes">,
  inputs: readonly Value[],
  outputs: readonly Value[] = [],
): LossOperands<Value> {
  const maps = 2 * strides.length;
  return {
    levels: strides.map((stride, i) => ({
      boxes: inputs[2 * i],
      classes: inputs[2 * i + 1],
      ...(inputs.length > maps + 2 &&
        { judge: { boxes: inputs[maps + 2 + 2 * i], classes: inputs[maps + 3 + 2 * i] } }),
      boxGradient: outputs[2 * i],
      classGradient: outputs[2 * i + 1],
      stride,
    })),
    boxes: inputs[maps],
    scale: inputs[maps + 1],
    results: Object.fromEntries(LOSS_RESULTS.map((name, i) => [name, outputs[maps + i]])) as unknown as LossResults<
      Value
    >,
  };
}
