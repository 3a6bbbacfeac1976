/**
 * MobileNetV3 small and large (Howard et al. 2019): inverted residuals with squeeze-and-excitation and hard-swish, each row of
 * the table found by search. Names are those of torchvision's state dictionaries.
 *
 * @module
 */

import { squeezeExcite } from "../attention.ts";
import type { ModelBuilder } from "../builder.ts";
import {
  type Backbone,
  type BackboneOptions,
  below,
  type ClassifierTop,
  factorsOf,
  makeDivisible,
  scaledRepeats,
} from "./backbone.ts";

/** Published sizes. */
export type MobileNetV3Scale = "small" | "large";

/** A row: kernel, channels inside, channels out, with squeeze-and-excitation, activation (ReLU or hard-swish), stride. */
export type MobileNetV3Row = readonly [
  kernel: number,
  inside: number,
  out: number,
  squeeze: boolean,
  act: "relu" | "hardswish",
  stride: number,
];

const RE = "relu", HS = "hardswish";

/** The inverted residuals, after a stem of 16 channels and stride 2. */
export const MOBILENETV3_ROWS: Readonly<Record<MobileNetV3Scale, readonly MobileNetV3Row[]>> = {
  small: [
    [3, 16, 16, true, RE, 2],
    [3, 72, 24, false, RE, 2],
    [3, 88, 24, false, RE, 1],
    [5, 96, 40, true, HS, 2],
    [5, 240, 40, true, HS, 1],
    [5, 240, 40, true, HS, 1],
    [5, 120, 48, true, HS, 1],
    [5, 144, 48, true, HS, 1],
    [5, 288, 96, true, HS, 2],
    [5, 576, 96, true, HS, 1],
    [5, 576, 96, true, HS, 1],
  ],
  large: [
    [3, 16, 16, false, RE, 1],
    [3, 64, 24, false, RE, 2],
    [3, 72, 24, false, RE, 1],
    [5, 72, 40, true, RE, 2],
    [5, 120, 40, true, RE, 1],
    [5, 120, 40, true, RE, 1],
    [3, 240, 80, false, HS, 2],
    [3, 200, 80, false, HS, 1],
    [3, 184, 80, false, HS, 1],
    [3, 184, 80, false, HS, 1],
    [3, 480, 112, true, HS, 1],
    [3, 672, 112, true, HS, 1],
    [5, 672, 160, true, HS, 2],
    [5, 960, 160, true, HS, 1],
    [5, 960, 160, true, HS, 1],
  ],
};

/** Channels of the stem, and of the classifier's hidden layer. */
const STEM = 16, HIDDEN: Readonly<Record<MobileNetV3Scale, number>> = { small: 1024, large: 1280 };

/** Added to variances. */
const EPSILON = 1e-3;

/** Convolutions start by He's rule (He et al. 2015). */
const CONV = { weights: "normalFanOut", epsilon: EPSILON } as const;

const PARTS = ["0", "1", "2"] as const;

/** Widen by 1x1, depthwise, squeeze-and-excitation, narrow by 1x1; the input is added where shapes allow. */
function invertedResidual(b: ModelBuilder, path: string, x: string, row: MobileNetV3Row): string {
  const [kernel, inside, out, squeeze, act, stride] = row;
  let part = 0;
  const block = () => `${path}.block.${part++}`;
  let y = x;
  if (inside !== b.channels(x)) y = b.convBlock(block(), y, { ...CONV, out: inside, act, parts: PARTS });
  y = b.convBlock(block(), y, { ...CONV, out: inside, kernel, stride, groups: inside, act, parts: PARTS });
  if (squeeze) {
    const start = { weights: CONV.weights, bias: 0 } as const;
    y = squeezeExcite(b, block(), y, { squeeze: makeDivisible(inside / 4), gate: "hardsigmoid", start });
  }
  y = b.convBlock(block(), y, { ...CONV, out, act: "none", parts: PARTS });
  return stride === 1 && out === b.channels(x) ? b.add(`${path}.add`, x, y) : y;
}

/**
 * The rows scaled. Rows that keep channels and size are what depth changes: of a run of rows to the same channels the last ones
 * go or the last one is repeated.
 */
function scaledRows(rows: readonly MobileNetV3Row[], { width, depth }: Required<BackboneOptions>): MobileNetV3Row[] {
  const runs: MobileNetV3Row[][] = [];
  for (const row of rows) {
    if (row[5] === 1 && runs.at(-1)?.[0][2] === row[2]) runs.at(-1)!.push(row);
    else runs.push([row]);
  }
  return runs.flatMap((run) =>
    Array.from({ length: scaledRepeats(run.length, depth) }, (_, i): MobileNetV3Row => {
      const [kernel, inside, out, squeeze, act, stride] = run[Math.min(i, run.length - 1)];
      const [wide, narrow] = [inside, out].map((channels) => makeDivisible(channels * width));
      // A row that is repeated may be the one with the stride.
      return [kernel, wide, narrow, squeeze, act, i > 0 ? 1 : stride];
    })
  );
}

/** MobileNetV3 up to its last inverted residual; the last values of strides 8, 16 and 32 leave as p3, p4 and p5. */
export function mobilenetv3(scale: MobileNetV3Scale): Backbone {
  return (b, path, input, options) => {
    const factors = factorsOf(options);
    const stem = { ...CONV, out: makeDivisible(STEM * factors.width), kernel: 3, stride: 2 };
    let x = b.convBlock(below(path, "features.0"), input, { ...stem, act: HS, parts: PARTS });
    let stride = 2;
    const ofStride: Record<number, string> = {};
    scaledRows(MOBILENETV3_ROWS[scale], factors).forEach((row, index) => {
      x = invertedResidual(b, below(path, `features.${index + 1}`), x, row);
      stride *= row[5];
      ofStride[stride] = x;
    });
    return { p3: ofStride[8], p4: ofStride[16], p5: ofStride[32] };
  };
}

/** A 1x1 to six times the channels, the mean of each, two fully connected layers with hard-swish between them. */
export function mobilenetv3Top(scale: MobileNetV3Scale): ClassifierTop {
  return (b, path, p5, { classes, ...options }) => {
    const factors = factorsOf(options), rows = scaledRows(MOBILENETV3_ROWS[scale], factors);
    const wide = { ...CONV, out: 6 * b.channels(p5), act: HS, parts: PARTS } as const;
    const x = b.convBlock(below(path, `features.${rows.length + 1}`), p5, wide);
    const pooled = b.flatten(below(path, "flatten"), b.globalPool(below(path, "avgpool"), x));
    const linear = { weights: { normal: 0.01 }, bias: 0 } as const;
    const hidden = { ...linear, out: makeDivisible(HIDDEN[scale] * factors.width) };
    const y = b.activation(below(path, "classifier.1"), b.linear(below(path, "classifier.0"), pooled, hidden), HS);
    return b.linear(below(path, "classifier.3"), y, { ...linear, out: classes });
  };
}
