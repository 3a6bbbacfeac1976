/**
 * How near the outputs of a changed model are to those of the model it was made from.
 *
 * @module
 */

import type { RunnerTensor } from "../runner.ts";
import { decibels } from "./quantization_parameters.ts";

/** Differences of detections `[N, 4 + classes, anchors]`: boxes as centre, width, height in input pixels, then scores. */
export interface DetectionFidelity {
  /** Mean difference of the four numbers of a box in pixels; each anchor counts as much as its best score says. */
  readonly boxes: number;
  /** Mean difference of the best score, counted in the same way. */
  readonly scores: number;
  /** Mean overlap (intersection over union) of a box with its original, counted in the same way. */
  readonly overlap: number;
}

/** Differences of outputs. */
export interface Fidelity {
  /** Power of the outputs over that of their differences, in decibels; null without any difference. */
  readonly sqnr: number | null;
  /** Present for a detector's output. */
  readonly detections?: DetectionFidelity;
  /**
   * One number to sort by, 0 for equal outputs: for detections 1 - overlap x (1 - difference of scores), counted by scores; else noise
   * power over signal power.
   */
  readonly loss: number;
}

/** Overlap of two boxes given as centre, width, height. */
function overlap(a: Float64Array, b: Float64Array): number {
  const side = (axis: number) => {
    const low = Math.max(a[axis] - a[axis + 2] / 2, b[axis] - b[axis + 2] / 2);
    return Math.max(0, Math.min(a[axis] + a[axis + 2] / 2, b[axis] + b[axis + 2] / 2) - low);
  };
  const common = side(0) * side(1);
  const union = a[2] * a[3] + b[2] * b[3] - common;
  return union > 0 ? common / union : 1;
}

/** Adds up differences over outputs and samples. */
export class FidelityMeter {
  #signal = 0;
  #noise = 0;
  #weight = 0;
  #boxes = 0;
  #scores = 0;
  #overlap = 0;
  #kept = 0;
  #isDetector = true;

  /** Adds the outputs of one sample. */
  add(
    original: Readonly<Record<string, RunnerTensor>>,
    changed: Readonly<Record<string, RunnerTensor>>,
  ): void {
    const names = Object.keys(original);
    for (const name of names) {
      const [a, b] = [original[name].data, changed[name].data];
      for (let i = 0; i < a.length; i++) {
        this.#signal += a[i] * a[i];
        this.#noise += (a[i] - b[i]) ** 2;
      }
    }
    const { shape } = original[names[0]];
    if (names.length === 1 && shape.length === 3 && shape[1] > 4) {
      this.#addDetections(original[names[0]], changed[names[0]]);
    } else {
      this.#isDetector = false;
    }
  }

  #addDetections({ shape: [batch, rows, anchors], data }: RunnerTensor, { data: other }: RunnerTensor): void {
    const [box, changedBox] = [new Float64Array(4), new Float64Array(4)];
    for (let image = 0; image < batch; image++) {
      for (let anchor = 0; anchor < anchors; anchor++) {
        const first = image * rows * anchors + anchor;
        let best = 0, changedBest = 0;
        for (let at = first + 4 * anchors; at < first + rows * anchors; at += anchors) {
          if (data[at] > best) best = data[at];
          if (other[at] > changedBest) changedBest = other[at];
        }
        for (let row = 0; row < 4; row++) {
          box[row] = data[first + row * anchors];
          changedBox[row] = other[first + row * anchors];
          this.#boxes += best * Math.abs(box[row] - changedBox[row]) / 4;
        }
        const difference = Math.abs(best - changedBest), common = overlap(box, changedBox);
        this.#weight += best;
        this.#scores += best * difference;
        this.#overlap += best * common;
        this.#kept += best * common * (1 - difference);
      }
    }
  }

  /** The differences of all that was added. */
  result(): Fidelity {
    const sqnr = decibels(this.#signal, this.#noise);
    if (!this.#isDetector || this.#weight === 0) {
      return { sqnr, loss: this.#noise === 0 ? 0 : this.#noise / this.#signal };
    }
    const mean = (sum: number) => sum / this.#weight;
    const detections = { boxes: mean(this.#boxes), scores: mean(this.#scores), overlap: mean(this.#overlap) };
    return { sqnr, detections, loss: 1 - mean(this.#kept) };
  }
}
