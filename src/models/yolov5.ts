/**
 * YOLOv5 n to x (release 6 and 7), built from a table of rows, as a yardstick whose costs and published times are known.
 *
 * @module
 */

import type { Graph } from "../graph/graph.ts";
import { ModelBuilder } from "./builder.ts";
import { type DetectorFacts, detectorFacts, detectorMetadata, type DetectorModelOptions } from "./detector_options.ts";
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

/**
 * One level of the head: a 1x1 convolution, and the rows that it means, `[batch, 3 * h * w, 5 + classes]`: a box's centre, width and
 * height in pixels, objectness, classes.
 */
function level(b: ModelBuilder, path: string, x: string, index: number, { batch, classes, size }: DetectorFacts) {
  const anchors = ANCHORS[index], count = anchors.length, fields = 5 + classes;
  const [, , rows, columns] = b.shapeOf(x);
  const stride = size[0] / rows;
  const table = (name: string, shape: number[], at: (anchor: number, y: number, x: number, axis: number) => number) => {
    const data = Float32Array.from({ length: shape.reduce((a, c) => a * c) }, (_, i) => {
      const [, , h, w] = shape;
      return at(Math.floor(i / (2 * h * w)), Math.floor(i / (2 * w)) % h, Math.floor(i / 2) % w, i % 2);
    });
    return b.constant(`${path}/${name}`, shape, data);
  };
  const number = (name: string, value: number) => b.constant(`${path}/${name}`, [1], Float32Array.of(value));
  const maps = b.reshape(`${path}/Reshape`, b.conv(path, x, { out: count * fields }), [
    batch,
    count,
    fields,
    rows,
    columns,
  ]);
  const shares = b.node("Sigmoid", `${path}/Sigmoid`, [b.transpose(`${path}/Transpose`, maps, [0, 1, 3, 4, 2])], {});
  const [centre, extent, rest] = b.split(`${path}/Split`, shares, [2, 2, 1 + classes], 4);
  const cell = table("grid", [1, 1, rows, columns, 2], (_, y, x, axis) => (axis === 0 ? x : y) - 0.5);
  const doubled = b.mul(`${path}/Mul`, centre, number("two", 2));
  const middle = b.mul(`${path}/Mul_1`, b.add(`${path}/Add`, doubled, cell), number("stride", stride));
  const twice = b.mul(`${path}/Mul_2`, extent, number("two_1", 2));
  const squared = b.mul(`${path}/Mul_3`, twice, twice);
  const sides = table("anchors", [1, count, 1, 1, 2], (anchor, _, __, axis) => anchors[anchor][axis]);
  const box = b.mul(`${path}/Mul_4`, squared, sides);
  return b.reshape(`${path}/Reshape_1`, b.concat(`${path}/Concat`, [middle, box, rest], 4), [
    batch,
    count * rows * columns,
    fields,
  ]);
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
  const output = b.concat("output0", levels, 1);
  const own = { family: "yolov5", scale };
  return b.graph(`yolov5${scale}`, [output], detectorMetadata(`YOLOv5${scale}, rebuilt`, facts, own));
}
