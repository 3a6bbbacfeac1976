/**
 * YOLOv5 n to x (release 6 and 7), built from a table of rows. Its costs and its times on devices are published, so it is a yardstick too.
 *
 * @module
 */

import type { Graph } from "../graph/graph.ts";
import { ModelBuilder } from "./builder.ts";
import { type DetectorFacts, detectorFacts, detectorMetadata, type DetectorModelOptions } from "./detector_options.ts";
import { anchorChannels, anchorPrior, appendAnchorTail } from "./heads/anchors.ts";
import { checkName } from "./option_checks.ts";
import { appendRows, type Row, type Scaling } from "./rows.ts";

/** Sizes of the family. */
export type Yolov5Scale = "n" | "s" | "m" | "l" | "x";

/** How the published sizes scale the table. */
export const YOLOV5_SCALES: Readonly<Record<Yolov5Scale, Scaling>> = {
  n: { depth: 1 / 3, width: 0.25, maxChannels: 1024, deep: false },
  s: { depth: 1 / 3, width: 0.5, maxChannels: 1024, deep: false },
  m: { depth: 2 / 3, width: 0.75, maxChannels: 1024, deep: false },
  l: { depth: 1, width: 1, maxChannels: 1024, deep: false },
  x: { depth: 4 / 3, width: 1.25, maxChannels: 1024, deep: false },
};

/** Backbone and neck. */
export const YOLOV5_ROWS: readonly Row[] = [
  [-1, 1, "Conv", [64, 6, 2]],
  [-1, 1, "Conv", [128, 3, 2]],
  [-1, 3, "C3", [128, true]],
  [-1, 1, "Conv", [256, 3, 2]],
  [-1, 6, "C3", [256, true]],
  [-1, 1, "Conv", [512, 3, 2]],
  [-1, 9, "C3", [512, true]],
  [-1, 1, "Conv", [1024, 3, 2]],
  [-1, 3, "C3", [1024, true]],
  [-1, 1, "SPPF", [1024, 5]],
  [-1, 1, "Conv", [512, 1, 1]],
  [-1, 1, "Upsample", [2]],
  [[-1, 6], 1, "Concat", []],
  [-1, 3, "C3", [512, false]],
  [-1, 1, "Conv", [256, 1, 1]],
  [-1, 1, "Upsample", [2]],
  [[-1, 4], 1, "Concat", []],
  [-1, 3, "C3", [256, false]],
  [-1, 1, "Conv", [256, 3, 2]],
  [[-1, 14], 1, "Concat", []],
  [-1, 3, "C3", [512, false]],
  [-1, 1, "Conv", [512, 3, 2]],
  [[-1, 10], 1, "Concat", []],
  [-1, 3, "C3", [1024, false]],
];

/** Rows that leave for the head, finest first. */
export const YOLOV5_OUTPUTS: readonly number[] = [17, 20, 23];

/** Widths and heights of the three anchors of each level, in pixels of the input. */
const ANCHORS: readonly (readonly (readonly [number, number])[])[] = [
  [[10, 13], [16, 30], [33, 23]],
  [[30, 61], [62, 45], [59, 119]],
  [[116, 90], [156, 198], [373, 326]],
];

/** What to build. */
export interface Yolov5Options extends Omit<DetectorModelOptions, "attention"> {
  /** Published size; `n` by default. */
  readonly scale?: Yolov5Scale;
}

/** A level of the head: a 1x1 convolution, and what its map means. */
function level(b: ModelBuilder, path: string, x: string, index: number, { classes, size }: DetectorFacts) {
  const anchors = ANCHORS[index], stride = size[0] / b.shapeOf(x)[2];
  const map = b.conv(path, x, {
    out: anchorChannels(anchors.length, classes),
    bias: { repeat: anchorPrior(classes, stride) },
  });
  return { path, map, stride, anchors };
}

/**
 * Builds a YOLOv5 with random weights: `images [batch, 3, height, width]` to `output0 [batch, boxes, 5 + classes]`, the form
 * `objectness`.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { analyze } from "../graph/analyze.ts";
 * import { yolov5 } from "./yolov5.ts";
 * assert.equal(analyze(yolov5({ scale: "s" })).parameters, 7_235_389);
 * ```
 *
 * Throws FeatherdetError as `yolo11`.
 */
export function yolov5(options: Yolov5Options = {}): Graph {
  const { scale = "n" } = options;
  checkName("YOLOv5", "scale", scale, YOLOV5_SCALES);
  const facts = detectorFacts("YOLOv5", options);
  const b = new ModelBuilder({ seed: facts.seed });
  const input = b.input("images", [facts.batch, 3, ...facts.size]);
  const values = appendRows(b, YOLOV5_ROWS, YOLOV5_SCALES[scale], { input });
  const levels = YOLOV5_OUTPUTS.map((row, i) => level(b, `model.24.m.${i}`, values[row], i, facts));
  const output = appendAnchorTail(b, levels, "output0");
  const own = { family: "yolov5", scale };
  return b.graph(`yolov5${scale}`, [output], detectorMetadata(`YOLOv5${scale}, rebuilt`, facts, own));
}
