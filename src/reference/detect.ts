/**
 * Detection as its definitions say, step by step and slowly: letterbox, decoding of a YOLO11 head, candidates, non-maximum
 * suppression.
 *
 * @module
 */

import { type ReferenceTensor, zeros } from "./tensor.ts";

/** A picture of 8-bit RGB, three bytes a pixel. */
export interface ReferencePicture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Where the scaled picture lies in the input, in pixels. */
export interface ReferencePlace {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * The picture scaled to its place in an input `[1, 3, inputHeight, inputWidth]` by bilinear interpolation between pixel centres, edges
 * repeated, in 0..1; grey 114 around it. Exact, where image libraries round to whole levels.
 */
export function letterboxReference(
  picture: ReferencePicture,
  place: ReferencePlace,
  inputWidth: number,
  inputHeight: number,
): ReferenceTensor {
  const out = zeros([1, 3, inputHeight, inputWidth]);
  out.data.fill(114 / 255);
  const clamp = (value: number, length: number) => Math.min(Math.max(value, 0), length - 1);
  for (let v = 0; v < place.height; v++) {
    const y = (v + 0.5) * picture.height / place.height - 0.5;
    const y0 = Math.floor(y);
    for (let u = 0; u < place.width; u++) {
      const x = (u + 0.5) * picture.width / place.width - 0.5;
      const x0 = Math.floor(x);
      for (let c = 0; c < 3; c++) {
        const level = (i: number, j: number) =>
          picture.data[3 * (clamp(y0 + j, picture.height) * picture.width + clamp(x0 + i, picture.width)) + c];
        const above = level(0, 0) * (1 - (x - x0)) + level(1, 0) * (x - x0);
        const below = level(0, 1) * (1 - (x - x0)) + level(1, 1) * (x - x0);
        out.data[(c * inputHeight + place.top + v) * inputWidth + place.left + u] =
          (above * (1 - (y - y0)) + below * (y - y0)) / 255;
      }
    }
  }
  return out;
}

/** Head maps of one level: `[N, 4 * bins, h, w]` and `[N, classes, h, w]` logits. */
export interface ReferenceLevel {
  readonly boxes: ReferenceTensor;
  readonly classes: ReferenceTensor;
  /** Input pixels from one anchor to the next. */
  readonly stride: number;
}

/** The output tensor `[N, 4 + classes, anchors]` of an exported YOLO11: centre, width, height in input pixels, then scores. */
export function headOutputReference(levels: readonly ReferenceLevel[]): ReferenceTensor {
  const [batch, classes] = levels[0].classes.shape;
  const anchors = levels.reduce((sum, { classes: { shape } }) => sum + shape[2] * shape[3], 0);
  const out = zeros([batch, 4 + classes, anchors]);
  const bins = levels[0].boxes.shape[1] / 4;
  let first = 0;
  for (const { boxes, classes: logits, stride } of levels) {
    const [, , height, width] = logits.shape;
    const size = height * width;
    for (let n = 0; n < batch; n++) {
      for (let at = 0; at < size; at++) {
        const put = (row: number, value: number) => out.data[(n * (4 + classes) + row) * anchors + first + at] = value;
        const distance = (side: number) => {
          const shares = Array.from(
            { length: bins },
            (_, b) => Math.exp(boxes.data[((n * 4 + side) * bins + b) * size + at]),
          );
          return shares.reduce((sum, share, b) => sum + b * share, 0) / shares.reduce((a, b) => a + b);
        };
        const x = at % width + 0.5, y = Math.floor(at / width) + 0.5;
        const x1 = x - distance(0), y1 = y - distance(1), x2 = x + distance(2), y2 = y + distance(3);
        [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1].forEach((value, row) => put(row, value * stride));
        for (let c = 0; c < classes; c++) {
          put(4 + c, 1 / (1 + Math.exp(-logits.data[(n * classes + c) * size + at])));
        }
      }
    }
    first += size;
  }
  return out;
}

/** A box that may be a detection. */
export interface ReferenceCandidate {
  /** x1, y1, x2, y2. */
  readonly box: readonly [number, number, number, number];
  readonly score: number;
  readonly label: number;
  readonly anchor: number;
}

/** Candidates of one image of an output tensor with a score over the confidence, in the order of anchors, then classes. */
export function candidatesReference(
  output: ReferenceTensor,
  image: number,
  confidence: number,
  multiLabel: boolean,
): ReferenceCandidate[] {
  const [, rows, anchors] = output.shape;
  const found: ReferenceCandidate[] = [];
  for (let anchor = 0; anchor < anchors; anchor++) {
    const value = (row: number) => output.data[(image * rows + row) * anchors + anchor];
    const [x, y, width, height] = [0, 1, 2, 3].map(value);
    const box = [x - width / 2, y - height / 2, x + width / 2, y + height / 2] as const;
    const scores = Array.from({ length: rows - 4 }, (_, c) => value(4 + c));
    const best = scores.indexOf(Math.max(...scores));
    scores.forEach((score, label) => {
      if (score > confidence && (multiLabel || label === best)) found.push({ box, score, label, anchor });
    });
  }
  return found;
}

/**
 * Greedy non-maximum suppression class by class: best score first (equals by anchor, then class), kept unless it overlaps a kept one of its
 * class by more than `iou`. Among the first `maxCandidates`, until `maxDetections` are kept.
 *
 * The overlap is computed in float32, each operation rounded: at the threshold the rounding decides, so it is part of the
 * definition.
 */
export function suppressReference(
  candidates: readonly ReferenceCandidate[],
  iou: number,
  maxDetections: number,
  maxCandidates: number,
): ReferenceCandidate[] {
  const f = Math.fround;
  const area = ([x1, y1, x2, y2]: ReferenceCandidate["box"]) => f(f(x2 - x1) * f(y2 - y1));
  const overlap = (a: ReferenceCandidate["box"], b: ReferenceCandidate["box"]) => {
    const width = Math.max(f(Math.min(a[2], b[2]) - Math.max(a[0], b[0])), 0);
    const height = Math.max(f(Math.min(a[3], b[3]) - Math.max(a[1], b[1])), 0);
    const common = f(width * height);
    return common > f(f(iou) * f(f(area(a) + area(b)) - common));
  };
  const order = [...candidates].sort((a, b) => b.score - a.score || a.anchor - b.anchor || a.label - b.label);
  const kept: ReferenceCandidate[] = [];
  for (const candidate of order.slice(0, maxCandidates)) {
    if (kept.length === maxDetections) break;
    if (!kept.some((other) => other.label === candidate.label && overlap(other.box, candidate.box))) {
      kept.push(candidate);
    }
  }
  return kept;
}
