/**
 * YOLO11 n, s, m, l and x, built from one table of rows.
 *
 * @module
 */

import type { Graph } from "../graph/graph.ts";
import { attend } from "./attention_places.ts";
import { ModelBuilder } from "./builder.ts";
import { detectorFacts, detectorMetadata, type DetectorModelOptions } from "./detector_options.ts";
import { detectHead } from "./heads/yolo11.ts";
import { appendPan } from "./necks/pan.ts";
import { checkFactor, checkName } from "./option_checks.ts";
import { appendRows, PSA_TABLE, type PsaKind, type Row, type Scaling } from "./rows.ts";

export { PSA_KINDS, type PsaKind } from "./rows.ts";

/** Sizes of the family. */
export type Yolo11Scale = "n" | "s" | "m" | "l" | "x";

/** How the published sizes scale the table; the larger ones have the deeper C3k block in every C3k2. */
export const YOLO11_SCALES: Readonly<Record<Yolo11Scale, Scaling>> = {
  n: { depth: 0.5, width: 0.25, maxChannels: 1024, deep: false },
  s: { depth: 0.5, width: 0.5, maxChannels: 1024, deep: false },
  m: { depth: 0.5, width: 1, maxChannels: 512, deep: true },
  l: { depth: 1, width: 1, maxChannels: 512, deep: true },
  x: { depth: 1, width: 1.5, maxChannels: 512, deep: true },
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

/** What to build. */
export interface Yolo11Options extends DetectorModelOptions {
  /** Published size; `n` by default. */
  readonly scale?: Yolo11Scale;
  /** Factor on the number of blocks in a row; the scale's by default. */
  readonly depth?: number;
  /** Factor on channels (rounded up to a multiple of 8); the scale's by default. */
  readonly width?: number;
  /** What stands in the place of C2PSA behind the backbone; `c2psa` by default, as published. */
  readonly psa?: PsaKind;
}

/**
 * Builds a YOLO11 with random weights: `images [batch, 3, height, width]` (red, green, blue in 0..1) to `output0 [batch, 4 +
 * classes, anchors]` (centre x, centre y, width, height in pixels, then class scores in 0..1). BatchNormalization is not folded,
 * so that the model can be trained and pruned; the planner folds it. Weights are drawn when they are first read.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { analyze } from "../graph/analyze.ts";
 * import { yolo11 } from "./yolo11.ts";
 * assert.equal(analyze(yolo11({ scale: "n" })).parameters, 2_624_080);
 * const blood = yolo11({ scale: "n", classes: ["red", "white", "platelet"], size: [256, 320], width: 0.125 });
 * assert.deepEqual(blood.inputs[0].shape, [1, 3, 256, 320]);
 * ```
 *
 * Without `attention` and `psa` the model is the published one.
 *
 * Throws FeatherdetError for sizes that are no multiples of 32, for factors and counts that are not positive, and for scales and
 * attention that do not exist.
 */
export function yolo11(options: Yolo11Options = {}): Graph {
  const { scale = "n", psa = "c2psa" } = options;
  checkName("YOLO11", "scale", scale, YOLO11_SCALES);
  const published = YOLO11_SCALES[scale];
  const { depth = published.depth, width = published.width } = options;
  checkFactor("YOLO11", "depth", depth);
  checkFactor("YOLO11", "width", width);
  checkName("YOLO11", "attention in the place of C2PSA", psa, PSA_TABLE);
  const facts = detectorFacts("YOLO11", options);
  const { batch, size, seed, attention } = facts;

  const b = new ModelBuilder({ seed });
  const scaling = { ...published, depth, width, psa };
  const rows = appendRows(b, YOLO11_BACKBONE, scaling, { input: b.input("images", [batch, 3, ...size]) });
  const features = attend(b, "p", { p3: rows[4], p4: rows[6], p5: rows[10] }, attention);
  const { p3, p4, p5 } = attend(b, "n", appendPan(b, "model", features, scaling), attention);
  const output = detectHead(b, "model.23", [p3, p4, p5], facts);
  const own = { family: "yolo11", scale, depth, width, ...(psa !== "c2psa" && { psa }) };
  return b.graph(`yolo11${scale}`, [output], detectorMetadata(`YOLO11${scale} built by Featherdet`, facts, own));
}
