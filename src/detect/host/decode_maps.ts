/**
 * Decodes the maps of a YOLO11 head on the host, as `shaders/detect/head.wgsl` does on the device: classes first, boxes only for anchors that
 * have a candidate.
 *
 * @module
 */

import { logitOf } from "../../kernels/detect/head.ts";
import { Best, type Candidates, type DecodeSettings } from "./candidates.ts";

/** The maps of one level, row-major. */
export interface LevelMaps {
  /** Logits of the distances `[4 * bins, height, width]`: left, top, right, bottom. */
  readonly boxes: Float32Array;
  /** Class logits `[classes, height, width]`. */
  readonly classes: Float32Array;
  /** Rows of cells. */
  readonly height: number;
  /** Columns of cells. */
  readonly width: number;
  /** Input pixels a cell. */
  readonly stride: number;
}

const { fround } = Math;

/** The expected distance of one side, in cells (generalized focal loss, arXiv:2006.04388). */
function distanceOf(logits: Float32Array, first: number, step: number, bins: number): number {
  let peak = -Infinity;
  for (let bin = 0; bin < bins; bin++) peak = Math.max(peak, logits[first + bin * step]);
  let mass = 0, moment = 0;
  for (let bin = 0; bin < bins; bin++) {
    const share = Math.exp(logits[first + bin * step] - peak);
    mass += share;
    moment += bin * share;
  }
  return moment / mass;
}

/** Finds the candidates of one picture in all levels. */
export function decodeMaps(levels: readonly LevelMaps[], settings: DecodeSettings): Candidates {
  const { anchors, classes: classCount, confidence, multiLabel } = settings;
  const threshold = fround(logitOf(confidence));
  const scores: number[] = [], keys: number[] = [];
  const found = new Float32Array(4 * anchors);
  let firstAnchor = 0;
  for (const { boxes, classes, height, width, stride } of levels) {
    const size = height * width, bins = boxes.length / size / 4;
    const add = (cell: number, label: number, logit: number) => {
      scores.push(fround(1 / (1 + Math.exp(-logit))));
      keys.push((firstAnchor + cell) * classCount + label);
    };
    const best = new Best(size, -Infinity);
    for (let label = 0, at = 0; label < classCount; label++) {
      for (let cell = 0; cell < size; cell++, at++) {
        const logit = classes[at];
        if (!(logit > threshold)) continue;
        if (multiLabel) add(cell, label, logit);
        if (logit > best.values[cell]) {
          best.values[cell] = logit;
          best.rows[cell] = label;
        }
      }
    }
    for (let cell = 0; cell < size; cell++) {
      if (best.values[cell] === -Infinity) continue;
      if (!multiLabel) add(cell, best.rows[cell], best.values[cell]);
      const distance = (side: number) => distanceOf(boxes, side * bins * size + cell, size, bins);
      const x = cell % width + 0.5, y = Math.floor(cell / width) + 0.5;
      const at = 4 * (firstAnchor + cell);
      found[at] = (x - distance(0)) * stride;
      found[at + 1] = (y - distance(1)) * stride;
      found[at + 2] = (x + distance(2)) * stride;
      found[at + 3] = (y + distance(3)) * stride;
    }
    firstAnchor += size;
  }
  return { scores, keys, boxes: found, faults: 0, exchanged: 0 };
}
