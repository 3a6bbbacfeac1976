/**
 * A detector of YOLO11's blocks with half as many layers as the smallest YOLO11: for tests of what is done with a model, which plan and run
 * it many times. It has every kind of block of YOLO11, a path down the pyramid, and a head of two levels, of strides 8 and 16.
 *
 * @module
 */

import type { Graph } from "../../src/graph/graph.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { detectHead } from "../../src/models/heads/yolo11.ts";
import { namesText } from "../../src/models/metadata.ts";
import { appendRows, type Row } from "../../src/models/rows.ts";

/** Rows 9 and 6 are the features of the head. */
const ROWS: readonly Row[] = [
  [-1, 1, "Conv", [64, 3, 2]],
  [-1, 1, "Conv", [64, 3, 2]],
  [-1, 1, "Conv", [128, 3, 2]],
  [-1, 1, "C3k2", [128, true]],
  [-1, 1, "Conv", [128, 3, 2]],
  [-1, 1, "SPPF", [128, 5]],
  [-1, 1, "C2PSA", [128]],
  [-1, 1, "Upsample", [2]],
  [[-1, 3], 1, "Concat", []],
  [-1, 1, "C3k2", [128, false]],
];

/** What to build; all of it means what it means for `yolo11`. */
export interface MiniYolo11Options {
  readonly width: number;
  readonly size: number;
  readonly classes: readonly string[];
  readonly seed?: number;
  readonly batch?: number;
}

/** Builds it, `images` to `output0`, with random weights and BatchNormalization. */
export function miniYolo11({ width, size, classes, seed = 0, batch = 1 }: MiniYolo11Options): Graph {
  const b = new ModelBuilder({ seed });
  const scaling = { depth: 1, width, maxChannels: 1024, deep: false };
  const rows = appendRows(b, ROWS, scaling, { input: b.input("images", [batch, 3, size, size]) });
  const output = detectHead(b, "model.10", [rows[9], rows[6]], { classes: classes.length, size: [size, size] });
  return b.graph("mini", [output], { names: namesText(classes), stride: "16", task: "detect" });
}
