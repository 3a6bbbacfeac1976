/**
 * Decodes a finished output on the host, as `shaders/detect/tensor.wgsl` does on the device.
 *
 * @module
 */

import { FAULTS, type TensorLayout } from "../../kernels/detect/mod.ts";
import { Best, type Candidates, type DecodeSettings } from "./candidates.ts";

/** An output, or two. */
export interface DecodedTensors {
  /** The boxes, and the scores behind them. */
  readonly boxes: Float32Array;
  /** The scores, where they are a tensor of their own. */
  readonly scores?: Float32Array;
  /** How their numbers are meant. */
  readonly layout: TensorLayout;
  /** Height and width of the network's input. */
  readonly inputSize: readonly [number, number];
}

const { fround } = Math;

/** Rounding, also of scores that were stored in 8 bits, may go this far over the edge. */
const TOLERANCE = 0.01;

function isScore(value: number): boolean {
  return value >= -TOLERANCE && value <= 1 + TOLERANCE;
}

/** Where the number of a row and an anchor lies. */
function placeIn(rows: number, anchors: number, anchorsLast: boolean): readonly [row: number, anchor: number] {
  return anchorsLast ? [anchors, 1] : [1, rows];
}

/** Finds the candidates of one picture. */
export function decodeTensors(tensors: DecodedTensors, settings: DecodeSettings): Candidates {
  const { layout, boxes, inputSize } = tensors;
  const { anchors, classes, multiLabel } = settings;
  const confidence = fround(settings.confidence);
  const { anchorsLast, scoreAnchorsLast = anchorsLast, objectness, rows: isRows } = layout;
  const before = objectness ? 1 : 0;
  const scoreRows = isRows ? 2 : before + classes;
  const boxRows = 4 + (tensors.scores ? 0 : scoreRows);
  const [boxRow, boxAnchor] = placeIn(boxRows, anchors, anchorsLast);
  const [scoreRow, scoreAnchor] = tensors.scores ? placeIn(scoreRows, anchors, scoreAnchorsLast) : [boxRow, boxAnchor];
  const numbers = tensors.scores ?? boxes;
  const first = (tensors.scores ? 0 : 4) * scoreRow;
  const scores: number[] = [], keys: number[] = [];
  const found = new Float32Array(4 * anchors);
  const best = new Best(anchors, -1);
  let faults = 0, over = 0, exchanged = 0;
  const add = (anchor: number, label: number, score: number) => {
    scores.push(score);
    keys.push(anchor * classes + label);
  };
  const ownScore = (row: number, anchor: number) => numbers[first + (before + row) * scoreRow + anchor * scoreAnchor];
  const scoreOf = (own: number, anchor: number) =>
    objectness ? fround(numbers[first + anchor * scoreAnchor] * own) : own;
  const see = (row: number, anchor: number) => {
    const own = ownScore(row, anchor);
    if (!isScore(own)) faults |= FAULTS.score;
    const score = scoreOf(own, anchor);
    if (score > best.values[anchor]) {
      best.values[anchor] = score;
      best.rows[anchor] = row;
    }
  };
  const seeResult = (anchor: number) => {
    const score = numbers[first + anchor * scoreAnchor], label = numbers[first + scoreRow + anchor * scoreAnchor];
    best.values[anchor] = score;
    if (!isScore(score)) faults |= FAULTS.score;
    if (!(score > confidence)) return;
    if (Number.isInteger(label) && label >= 0 && label < classes) best.rows[anchor] = label;
    else faults |= FAULTS.class;
  };
  if (isRows) {
    for (let anchor = 0; anchor < anchors; anchor++) seeResult(anchor);
  } else if (scoreAnchor === 1) {
    // In the order in which the numbers lie.
    for (let row = 0; row < classes; row++) for (let anchor = 0; anchor < anchors; anchor++) see(row, anchor);
  } else {
    for (let anchor = 0; anchor < anchors; anchor++) for (let row = 0; row < classes; row++) see(row, anchor);
  }
  if (objectness) {
    for (let anchor = 0; anchor < anchors; anchor++) {
      if (!isScore(numbers[first + anchor * scoreAnchor])) faults |= FAULTS.score;
    }
  }
  for (let anchor = 0; anchor < anchors; anchor++) {
    if (!(best.values[anchor] > confidence)) continue;
    const box = boxOf(layout, inputSize, anchor, (row) => boxes[row * boxRow + anchor * boxAnchor]);
    const extents = [0, 1].map((corner) => fround(box[corner + 2]) - fround(box[corner]));
    over++;
    if (extents.some(Number.isNaN)) {
      faults |= FAULTS.box;
      continue;
    }
    if (extents.some((extent, corner) => extent < -0.01 * Math.max(1, Math.abs(box[corner])))) {
      exchanged++;
      continue;
    }
    found.set(box, 4 * anchor);
    if (isRows || !multiLabel) {
      add(anchor, best.rows[anchor], best.values[anchor]);
      continue;
    }
    for (let row = 0; row < classes; row++) {
      const score = scoreOf(ownScore(row, anchor), anchor);
      if (score > confidence) add(anchor, row, score);
    }
  }
  return { scores, keys, boxes: found, faults, exchanged: fround(exchanged / Math.max(over, 1)) };
}

/** Corners in input pixels. */
function boxOf(
  { boxes, normalised }: TensorLayout,
  [height, width]: readonly [number, number],
  anchor: number,
  numberOf: (row: number) => number,
): [number, number, number, number] {
  const [a, b, c, d] = [0, 1, 2, 3].map(numberOf);
  const [scaleX, scaleY] = normalised ? [width, height] : [1, 1];
  if (boxes === "corners") return [a * scaleX, b * scaleY, c * scaleX, d * scaleY];
  let [x, y, halfX, halfY] = [a * scaleX, b * scaleY, c * scaleX / 2, d * scaleY / 2];
  if (boxes === "grid") {
    let rest = anchor, stride = 8;
    const size = () => [Math.floor(width / stride), Math.floor(height / stride)] as const;
    while (rest >= size()[0] * size()[1] && stride < 128) {
      rest -= size()[0] * size()[1];
      stride *= 2;
    }
    const [columns] = size(), row = Math.floor(rest / columns);
    [x, y] = [(rest - row * columns + a) * stride, (row + b) * stride];
    [halfX, halfY] = [Math.exp(c) * stride / 2, Math.exp(d) * stride / 2];
  }
  return [x - halfX, y - halfY, x + halfX, y + halfY];
}
