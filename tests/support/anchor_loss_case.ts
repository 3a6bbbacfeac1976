/**
 * Heads with anchors and boxes for tests of their loss.
 *
 * @module
 */

import { ANCHOR_FIELDS, ANCHOR_LOSS_RESULTS } from "../../src/graph/anchor_loss.ts";
import type { Shape } from "../../src/graph/graph.ts";
import type { AnchorLossAttributes, Node } from "../../src/graph/operators.ts";
import { type ReferenceTensor, referenceTensor } from "../../src/reference/tensor.ts";
import { type BoxesCase, boxRows } from "./loss_case.ts";
import { randomTensor } from "./random.ts";

/** A head over an input and the boxes on it. */
export interface AnchorCase extends BoxesCase {
  /** Widths and heights of the anchors of each level. */
  readonly anchors: readonly (readonly (readonly [width: number, height: number])[])[];
  readonly attributes?: Partial<Omit<AnchorLossAttributes, "strides" | "anchors">>;
  /** Logits lie within +- this; 2 unless given. */
  readonly range?: number;
}

/** Published settings for 80 classes at 640 pixels. */
export const ANCHOR_RECIPE: Pick<AnchorLossAttributes, "boxLoss" | "ratio" | "gains"> = {
  boxLoss: "ciou",
  ratio: 4,
  gains: { box: 0.05, objectness: 1, classes: 0.5 },
};

/** The node of a case, its operands named by their place. */
export function anchorLossNode({ levels, anchors, attributes }: AnchorCase): Node<"AnchorLoss"> {
  const maps = levels.map((_, i) => `map_${i}`);
  return {
    op: "AnchorLoss",
    name: "loss",
    inputs: [...maps, "boxes", "scale"],
    outputs: [...maps.map((name) => `d_${name}`), ...ANCHOR_LOSS_RESULTS],
    attributes: {
      strides: levels.map(([, , stride]) => stride),
      anchors: anchors.flat(2),
      balance: [4, 1, 0.4, 0.1].slice(0, levels.length),
      ...ANCHOR_RECIPE,
      ...attributes,
    },
  };
}

/** Numbers of the node's inputs in order, rounded to f32. */
export function anchorLossInputs(
  drawn: AnchorCase,
  scale = 1,
): { readonly shape: Shape; readonly data: Float32Array }[] {
  const { batch, classes, levels, anchors, range = 2, seed = 1 } = drawn;
  const maps = levels.map(([height, width], i) => {
    const shape = [batch, anchors[i].length * (ANCHOR_FIELDS + classes), height, width];
    return { shape, data: randomTensor(shape, seed + 10 * i, -range, range) };
  });
  return [...maps, boxRows(drawn), { shape: [1], data: Float32Array.of(scale) }];
}

/** The same in float64. */
export function referenceAnchorInputs(drawn: AnchorCase, scale?: number): ReferenceTensor[] {
  return anchorLossInputs(drawn, scale).map(({ shape, data }) => referenceTensor(shape, data));
}
