/**
 * The inputs and outputs of AnchorLoss by name, as `detection_loss.ts` has them of DetectionLoss.
 *
 * @module
 */

import type { Node } from "./operators.ts";

/** Most levels that one AnchorLoss takes: the numbers of matches of all levels are the elements of one vector. */
export const MAX_ANCHOR_LEVELS = 4;

/** What AnchorLoss reads and writes of one level of the pyramid. */
export interface AnchorLossLevel<Value> {
  /** `[N, anchors * (5 + classes), h, w]`: logits of x, y, width, height, objectness and classes, anchor by anchor. */
  readonly map: Value;
  /** Gradient of `map`. */
  readonly gradient: Value;
  /** Input pixels a cell. */
  readonly stride: number;
  /** Width and height of each anchor in input pixels. */
  readonly anchors: readonly (readonly [width: number, height: number])[];
  /** What the level's loss of objectness is multiplied by. */
  readonly balance: number;
}

/**
 * Outputs of AnchorLoss behind the gradients, in order: results first, then what its dispatches hand to each other. P counts predictors:
 * level by level, anchor by anchor, row by row.
 */
export interface AnchorLossResults<Value> {
  /** `[4]`: losses of boxes, objectness and classes, weighted; number of matches. */
  readonly losses: Value;
  /** `[N, P]`: how many boxes the predictor learns. */
  readonly matches: Value;
  /** `[N, levels]`: matches of each image and level. */
  readonly imageMatches: Value;
  /** `[levels]`: what the level's losses of boxes and classes are divided by, all its matches, at least 1. */
  readonly normaliser: Value;
  /** `[N, P]`: target of objectness, the greatest overlap with the boxes that the predictor learns, at least 0; 0 if it learns none. */
  readonly targets: Value;
  /** `[N, P, 3]`: the three losses of each predictor. */
  readonly predictorLosses: Value;
  /** `[N, 3]`: the three losses of each image. */
  readonly imageLosses: Value;
}

/** The operands of an AnchorLoss. */
export interface AnchorLossOperands<Value> {
  /** Finest level first. */
  readonly levels: readonly AnchorLossLevel<Value>[];
  /** `[N, M, 5]`: class, left, top, right, bottom in input pixels; where the class is none of the head's there is no box. */
  readonly boxes: Value;
  /** `[1]`: a factor on the gradients. */
  readonly scale: Value;
  /** What comes out besides gradients. */
  readonly results: AnchorLossResults<Value>;
}

/** Names of the outputs behind the gradients, in order. */
export const ANCHOR_LOSS_RESULTS = [
  "losses",
  "matches",
  "imageMatches",
  "normaliser",
  "targets",
  "predictorLosses",
  "imageLosses",
] as const satisfies readonly (keyof AnchorLossResults<unknown>)[];

/** Numbers of an anchor besides one a class: x, y, width, height, objectness. */
export const ANCHOR_FIELDS = 5;

/**
 * Sorts what belongs to the inputs and outputs of a node, in the node's order: names, shapes, tensors. `outputs` may be empty where
 * nobody asks for them.
 */
export function anchorLossOperands<Value>(
  { attributes: { strides, anchors, balance } }: Pick<Node<"AnchorLoss">, "attributes">,
  inputs: readonly Value[],
  outputs: readonly Value[] = [],
): AnchorLossOperands<Value> {
  const count = strides.length, each = anchors.length / count / 2;
  return {
    levels: strides.map((stride, i) => ({
      map: inputs[i],
      gradient: outputs[i],
      stride,
      anchors: Array.from(
        { length: each },
        (_, k) => [anchors[2 * (i * each + k)], anchors[2 * (i * each + k) + 1]] as const,
      ),
      balance: balance[i],
    })),
    boxes: inputs[count],
    scale: inputs[count + 1],
    results: Object.fromEntries(
      ANCHOR_LOSS_RESULTS.map((name, i) => [name, outputs[count + i]]),
    ) as unknown as AnchorLossResults<Value>,
  };
}
