/**
 * YOLO11 n, s, m, l and x, built from one table of rows.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { Graph } from "../graph/graph.ts";
import { ModelBuilder } from "./builder.ts";
import { detectHead } from "./head.ts";
import { modelMetadata } from "./metadata.ts";
import { appendRows, type Row, type Scaling } from "./rows.ts";

/** Sizes of the family. */
export type Yolo11Scale = "n" | "s" | "m" | "l" | "x";

/** Depth and width factors and the limit on channels (before the width factor) of the published sizes. */
export const YOLO11_SCALES: Readonly<Record<Yolo11Scale, Omit<Scaling, "deep">>> = {
  n: { depth: 0.5, width: 0.25, maxChannels: 1024 },
  s: { depth: 0.5, width: 0.5, maxChannels: 1024 },
  m: { depth: 0.5, width: 1, maxChannels: 512 },
  l: { depth: 1, width: 1, maxChannels: 512 },
  x: { depth: 1, width: 1.5, maxChannels: 512 },
};

/** Rows 0 to 10: strides 2 to 32. Rows 4, 6 and 10 leave as p3, p4 and p5. */
export const YOLO11_BACKBONE: readonly Row[] = [
  [-1, 1, "Conv", [64, 3, 2]],
  [-1, 1, "Conv", [128, 3, 2]],
  [-1, 2, "C3k2", [256, false, 0.25]],
  [-1, 1, "Conv", [256, 3, 2]],
  [-1, 2, "C3k2", [512, false, 0.25]],
  [-1, 1, "Conv", [512, 3, 2]],
  [-1, 2, "C3k2", [512, true]],
  [-1, 1, "Conv", [1024, 3, 2]],
  [-1, 2, "C3k2", [1024, true]],
  [-1, 1, "SPPF", [1024, 5]],
  [-1, 2, "C2PSA", [1024]],
];

/** Rows 11 to 22: down the pyramid and up again. Rows 16, 19 and 22 feed the head. */
export const YOLO11_NECK: readonly Row[] = [
  [-1, 1, "Upsample", [2]],
  [[-1, 6], 1, "Concat", []],
  [-1, 2, "C3k2", [512, false]],
  [-1, 1, "Upsample", [2]],
  [[-1, 4], 1, "Concat", []],
  [-1, 2, "C3k2", [256, false]],
  [-1, 1, "Conv", [256, 3, 2]],
  [[-1, 13], 1, "Concat", []],
  [-1, 2, "C3k2", [512, false]],
  [-1, 1, "Conv", [512, 3, 2]],
  [[-1, 10], 1, "Concat", []],
  [-1, 2, "C3k2", [1024, true]],
];

/** Rows that feed the head, finest first. */
export const YOLO11_LEVELS: readonly number[] = [16, 19, 22];

/** What to build. */
export interface Yolo11Options {
  /** Published size; `n` by default. */
  readonly scale?: Yolo11Scale;
  /** Number of classes, or their names; 80 by default. */
  readonly classes?: number | readonly string[];
  /** Input side in pixels, or height and width, multiples of 32; 640 by default. */
  readonly size?: number | readonly [height: number, width: number];
  /** Pictures a run; 1 by default. */
  readonly batch?: number;
  /** Factor on the number of blocks in a row; the scale's by default. */
  readonly depth?: number;
  /** Factor on channels (rounded up to a multiple of 8); the scale's by default. */
  readonly width?: number;
  /** Seed of the random weights; 0 by default. */
  readonly seed?: number;
}

/** Throws FeatherdetError unless the value is a whole number of at least 1. */
function checkCount(what: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new FeatherdetError(`YOLO11: ${what} is ${value}, expected a whole number of at least 1`);
  }
}

/**
 * Builds a YOLO11 with random weights: `images [batch, 3, height, width]` (red, green, blue in 0..1) to `output0 [batch, 4 +
 * classes, anchors]` (centre x, centre y, width, height in pixels, then class scores in 0..1). BatchNormalization is not folded,
 * so that the model can be trained and pruned; the planner folds it. Weights are drawn when they are first read.
 *
 * ```ts
 * import { analyze } from "../graph/analyze.ts";
 * import { yolo11 } from "./yolo11.ts";
 * console.log(analyze(yolo11({ scale: "n" })).parameters); // 2624080
 * const cells = yolo11({ scale: "n", classes: ["red", "white", "platelet"], size: [256, 320], width: 0.125 });
 * console.log(cells.inputs[0].shape); // [ 1, 3, 256, 320 ]
 * ```
 *
 * Throws FeatherdetError for sizes that are no multiples of 32 and for factors and counts that are not positive.
 */
export function yolo11(options: Yolo11Options = {}): Graph {
  const { scale = "n", batch = 1, seed = 0 } = options;
  if (!Object.hasOwn(YOLO11_SCALES, scale)) {
    throw new FeatherdetError(`YOLO11: scale "${scale}" does not exist, expected n, s, m, l or x`);
  }
  const published = YOLO11_SCALES[scale];
  const { depth = published.depth, width = published.width, size: side = 640 } = options;
  const size = typeof side === "number" ? [side, side] as const : side;
  if (size.length !== 2 || !size.every((extent) => Number.isInteger(extent) && extent >= 32 && extent % 32 === 0)) {
    throw new FeatherdetError(`YOLO11: input size is ${size.join("x")}, expected multiples of 32`);
  }
  for (const [what, factor] of [["depth", depth], ["width", width]] as const) {
    if (!(factor > 0 && factor < Infinity)) {
      throw new FeatherdetError(`YOLO11: ${what} is ${factor}, expected a positive factor`);
    }
  }
  const { classes: named = 80 } = options;
  const names = typeof named === "number" ? undefined : named;
  const classes = typeof named === "number" ? named : named.length;
  checkCount("the number of classes", classes);
  checkCount("batch", batch);

  const b = new ModelBuilder({ seed });
  // The published larger sizes have the deeper C3k block in every C3k2.
  const scaling = { depth, width, maxChannels: published.maxChannels, deep: "mlx".includes(scale) };
  const input = b.input("images", [batch, 3, ...size]);
  const rows = [...YOLO11_BACKBONE, ...YOLO11_NECK];
  const values = appendRows(b, rows, scaling, { input });
  const features = YOLO11_LEVELS.map((row) => values[row]);
  const output = detectHead(b, `model.${rows.length}`, features, { classes, size });
  const family = `yolo11${scale}`;
  return b.graph(
    family,
    [output],
    modelMetadata({
      description: `YOLO11${scale} built by Featherdet`,
      names: names ?? Array.from({ length: classes }, (_, i) => `class ${i}`),
      batch,
      size,
      recipe: { family: "yolo11", scale, classes, depth, width, seed },
    }),
  );
}
