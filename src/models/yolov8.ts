/**
 * YOLOv8 n to x, and YOLOv5u with its head: built from tables of rows, as yardsticks whose costs and published times are known.
 *
 * @module
 */

import type { Graph } from "../graph/graph.ts";
import { ModelBuilder } from "./builder.ts";
import { detectorFacts, detectorMetadata, type DetectorModelOptions } from "./detector_options.ts";
import { denseClassBranch, detectHead } from "./heads/yolo11.ts";
import { checkName } from "./option_checks.ts";
import { appendRows, type Row, type Scaling } from "./rows.ts";
import { YOLOV5_OUTPUTS, YOLOV5_ROWS, YOLOV5_SCALES, type Yolov5Scale } from "./yolov5.ts";

/** Sizes of the family. */
export type Yolov8Scale = "n" | "s" | "m" | "l" | "x";

/** How the published sizes scale the table. */
export const YOLOV8_SCALES: Readonly<Record<Yolov8Scale, Scaling>> = {
  n: { depth: 1 / 3, width: 0.25, maxChannels: 1024, deep: false },
  s: { depth: 1 / 3, width: 0.5, maxChannels: 1024, deep: false },
  m: { depth: 2 / 3, width: 0.75, maxChannels: 768, deep: false },
  l: { depth: 1, width: 1, maxChannels: 512, deep: false },
  x: { depth: 1, width: 1.25, maxChannels: 512, deep: false },
};

/** Backbone and neck. Rows 15, 18 and 21 leave for the head. */
const YOLOV8_ROWS: readonly Row[] = [
  [-1, 1, "Conv", [64, 3, 2]],
  [-1, 1, "Conv", [128, 3, 2]],
  [-1, 3, "C2f", [128, true]],
  [-1, 1, "Conv", [256, 3, 2]],
  [-1, 6, "C2f", [256, true]],
  [-1, 1, "Conv", [512, 3, 2]],
  [-1, 6, "C2f", [512, true]],
  [-1, 1, "Conv", [1024, 3, 2]],
  [-1, 3, "C2f", [1024, true]],
  [-1, 1, "SPPF", [1024, 5]],
  [-1, 1, "Upsample", [2]],
  [[-1, 6], 1, "Concat", []],
  [-1, 3, "C2f", [512, false]],
  [-1, 1, "Upsample", [2]],
  [[-1, 4], 1, "Concat", []],
  [-1, 3, "C2f", [256, false]],
  [-1, 1, "Conv", [256, 3, 2]],
  [[-1, 12], 1, "Concat", []],
  [-1, 3, "C2f", [512, false]],
  [-1, 1, "Conv", [512, 3, 2]],
  [[-1, 9], 1, "Concat", []],
  [-1, 3, "C2f", [1024, false]],
];

/** What to build. */
export interface Yolov8Options extends Omit<DetectorModelOptions, "attention"> {
  /** Published size; `n` by default. */
  readonly scale?: Yolov8Scale;
}

/** What to build. */
export interface Yolov5uOptions extends Omit<DetectorModelOptions, "attention"> {
  /** Published size; `n` by default. */
  readonly scale?: Yolov5Scale;
}

/** A table of rows with YOLOv8's head behind it. */
function withHead(
  what: string,
  { family, scale, rows, scaling, outputs }: {
    family: string;
    scale: string;
    rows: readonly Row[];
    scaling: Scaling;
    outputs: readonly number[];
  },
  options: DetectorModelOptions,
): Graph {
  const facts = detectorFacts(what, options);
  const b = new ModelBuilder({ seed: facts.seed });
  const values = appendRows(b, rows, scaling, { input: b.input("images", [facts.batch, 3, ...facts.size]) });
  const features = outputs.map((row) => values[row]);
  const output = detectHead(b, `model.${rows.length}`, features, facts, { classes: denseClassBranch });
  return b.graph(`${family}${scale}`, [output], detectorMetadata(`${what}${scale}, rebuilt`, facts, { family, scale }));
}

/**
 * Builds a YOLOv8 with random weights, with the inputs and outputs of `yolo11`.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { analyze } from "../graph/analyze.ts";
 * import { yolov8 } from "./yolov8.ts";
 * assert.equal(analyze(yolov8({ scale: "n" })).parameters, 3_157_200);
 * ```
 *
 * Throws FeatherdetError as `yolo11`.
 */
export function yolov8(options: Yolov8Options = {}): Graph {
  const { scale = "n" } = options;
  checkName("YOLOv8", "scale", scale, YOLOV8_SCALES);
  const own = { family: "yolov8", scale, rows: YOLOV8_ROWS, scaling: YOLOV8_SCALES[scale], outputs: [15, 18, 21] };
  return withHead("YOLOv8", own, options);
}

/** Builds a YOLOv5u, which is YOLOv5's table with YOLOv8's head. Throws FeatherdetError as `yolo11`. */
export function yolov5u(options: Yolov5uOptions = {}): Graph {
  const { scale = "n" } = options;
  checkName("YOLOv5u", "scale", scale, YOLOV5_SCALES);
  const own = { family: "yolov5u", scale, rows: YOLOV5_ROWS, scaling: YOLOV5_SCALES[scale], outputs: YOLOV5_OUTPUTS };
  return withHead("YOLOv5u", own, options);
}
