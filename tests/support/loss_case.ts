/**
 * Heads and boxes for tests of the detection loss.
 *
 * @module
 */

import { BOX_ROW, LOSS_RESULTS } from "../../src/graph/detection_loss.ts";
import type { Shape } from "../../src/graph/graph.ts";
import type { DetectionLossAttributes, Node } from "../../src/graph/operators.ts";
import { type ReferenceTensor, referenceTensor } from "../../src/reference/tensor.ts";
import { randomTensor, seededRandom } from "./random.ts";

/** Boxes on an input that a head looks at. */
export interface BoxesCase {
  readonly batch: number;
  readonly classes: number;
  /** Rows of boxes of an image. */
  readonly rows: number;
  /** Height, width and stride of each level. */
  readonly levels: readonly (readonly [height: number, width: number, stride: number])[];
  readonly seed?: number;
  /** Replaces the boxes that are drawn: rows of class, left, top, right, bottom for each image. */
  readonly boxes?: readonly (readonly (readonly number[])[])[];
}

/** A head over an input and the boxes on it. */
export interface LossCase extends BoxesCase {
  readonly bins: number;
  /** Bins of the detector that assigns the anchors; the head itself does so unless given. */
  readonly judgeBins?: number;
  readonly attributes?: Partial<DetectionLossAttributes>;
  /** Logits lie within +- this; 2 unless given. */
  readonly range?: number;
}

/** The published settings. */
export const RECIPE: Omit<DetectionLossAttributes, "strides"> = {
  boxLoss: "ciou",
  topK: 10,
  alpha: 0.5,
  beta: 6,
  gains: { box: 7.5, classes: 0.5, distribution: 1.5 },
};

/** The node of a case, its operands named by their place. */
export function lossNode({ levels, attributes, judgeBins }: LossCase): Node<"DetectionLoss"> {
  const maps = levels.flatMap((_, i) => [`boxes_${i}`, `classes_${i}`]);
  const judges = judgeBins === undefined ? [] : maps.map((name) => `judge_${name}`);
  return {
    op: "DetectionLoss",
    name: "loss",
    inputs: [...maps, "boxes", "scale", ...judges],
    outputs: [...maps.map((name) => `d_${name}`), ...LOSS_RESULTS],
    attributes: { strides: levels.map(([, , stride]) => stride), ...RECIPE, ...attributes },
  };
}

/** Boxes of all sizes over the input; each image has one less than the one before, the first as many as fit. */
function drawBoxes({ batch, classes, rows, levels: [[height, width, stride]], seed = 1 }: BoxesCase): Float32Array {
  const random = seededRandom(seed + 500);
  const data = new Float32Array(batch * rows * BOX_ROW).fill(-1);
  for (let image = 0; image < batch; image++) {
    for (let row = 0; row < Math.max(rows - image, 0); row++) {
      const w = width * stride * (0.1 + 0.7 * random()), h = height * stride * (0.1 + 0.7 * random());
      const left = random() * (width * stride - w), top = random() * (height * stride - h);
      data.set(
        [Math.floor(random() * classes), left, top, left + w, top + h],
        (image * rows + row) * BOX_ROW,
      );
    }
  }
  return data;
}

/** Rows of boxes, given or drawn. */
export function boxRows(drawn: BoxesCase): { readonly shape: Shape; readonly data: Float32Array } {
  const { batch, rows, boxes } = drawn;
  const given = boxes && Float32Array.from({ length: batch * rows * BOX_ROW }, (_, at) => {
    const image = Math.floor(at / (rows * BOX_ROW)), row = Math.floor(at / BOX_ROW) % rows;
    return boxes[image][row]?.[at % BOX_ROW] ?? -1;
  });
  return { shape: [batch, rows, BOX_ROW], data: given ?? drawBoxes(drawn) };
}

/** Numbers of the node's inputs in order, rounded to f32. */
export function lossInputs(drawn: LossCase, scale = 1): { readonly shape: Shape; readonly data: Float32Array }[] {
  const { batch, classes, bins, judgeBins, levels, range = 2, seed = 1 } = drawn;
  const maps = (ofBins: number, first: number) =>
    levels.flatMap(([height, width], i) =>
      [4 * ofBins, classes].map((channels, k) => {
        const shape = [batch, channels, height, width];
        return { shape, data: randomTensor(shape, first + 10 * i + k, -range, range) };
      })
    );
  const judges = judgeBins === undefined ? [] : maps(judgeBins, seed + 1000);
  return [...maps(bins, seed), boxRows(drawn), { shape: [1], data: Float32Array.of(scale) }, ...judges];
}

/** The same in float64. */
export function referenceInputs(drawn: LossCase, scale?: number): ReferenceTensor[] {
  return lossInputs(drawn, scale).map(({ shape, data }) => referenceTensor(shape, data));
}
