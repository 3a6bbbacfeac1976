/**
 * EfficientNet-Lite 0 to 2 (Tan and Le 2019, in the form that Google published for mobile devices): inverted residuals with
 * ReLU6, without squeeze-and-excitation; stem and head are not scaled. Names are those of timm's state dictionaries.
 *
 * @module
 */

import type { Pads } from "../../graph/operators.ts";
import type { Activation, ModelBuilder } from "../builder.ts";
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
export type EfficientNetLiteScale = "0" | "1" | "2";

/** Compound width and depth factors, and the side of the classifier's input. */
export const EFFICIENTNET_LITE_SCALES: Readonly<
  Record<EfficientNetLiteScale, Required<BackboneOptions> & { readonly size: number }>
> = {
  0: { width: 1, depth: 1, size: 224 },
  1: { width: 1, depth: 1.1, size: 240 },
  2: { width: 1.1, depth: 1.2, size: 260 },
};

/** A row: blocks, kernel, stride of the first block, channels inside over channels in, channels out. */
export type EfficientNetLiteRow = readonly [
  blocks: number,
  kernel: number,
  stride: number,
  expansion: number,
  out: number,
];

/** Stages 0 to 6, after a stem of stride 2. Blocks of the first and last stage are not scaled. */
export const EFFICIENTNET_LITE_ROWS: readonly EfficientNetLiteRow[] = [
  [1, 3, 1, 1, 16],
  [2, 3, 2, 6, 24],
  [2, 5, 2, 6, 40],
  [3, 3, 2, 6, 80],
  [3, 5, 1, 6, 112],
  [4, 5, 2, 6, 192],
  [1, 3, 1, 6, 320],
];

/** Channels of the stem and of the classifier's last 1x1. */
const STEM = 32, HEAD = 1280;

/** Added to variances. */
const EPSILON = 1e-3;

/** What a layer is told. */
interface Layer {
  readonly out: number;
  readonly kernel?: number;
  readonly stride?: number;
  readonly groups?: number;
  /** `relu6` by default. */
  readonly act?: Activation;
}

/**
 * Zeros that TensorFlow's "same" takes: as many as give ceil(extent / stride), the odd one at the end. The published weights
 * were trained with them, and at stride 2 they differ from zeros alike on all sides.
 */
function samePads([, , height, width]: readonly number[], kernel: number, stride: number): Pads {
  const [rows, columns] = [height, width].map((extent) =>
    Math.max(0, (Math.ceil(extent / stride) - 1) * stride + kernel - extent)
  );
  return [rows >> 1, columns >> 1, rows - (rows >> 1), columns - (columns >> 1)];
}

/** Convolution, BatchNormalization and activation by names that stand beside one another below the path. */
function layer(
  b: ModelBuilder,
  path: string,
  [conv, norm]: readonly [conv: string, norm: string],
  x: string,
  { act = "relu6", kernel = 1, stride = 1, ...options }: Layer,
): string {
  const padding = samePads(b.shapeOf(x), kernel, stride);
  const all = { ...options, kernel, stride, padding, weights: "normalFanOut", bias: false } as const;
  const y = b.batchNorm(below(path, norm), b.conv(below(path, conv), x, all), EPSILON);
  // timm numbers activations as the BatchNormalization before them.
  return b.activation(below(path, norm.replace("bn", "act")), y, act);
}

/** Widen by 1x1 (unless `expansion` is 1), depthwise, narrow by 1x1; the input is added where shapes allow. */
function invertedResidual(
  b: ModelBuilder,
  path: string,
  x: string,
  { expansion, out, ...window }: { expansion: number; out: number; kernel: number; stride: number },
): string {
  const channels = b.channels(x), inside = makeDivisible(channels * expansion);
  const depthwise = { ...window, out: inside, groups: inside };
  let y: string;
  if (expansion === 1) {
    y = layer(b, path, ["conv_dw", "bn1"], x, depthwise);
    y = layer(b, path, ["conv_pw", "bn2"], y, { out, act: "none" });
  } else {
    y = layer(b, path, ["conv_pw", "bn1"], x, { out: inside });
    y = layer(b, path, ["conv_dw", "bn2"], y, depthwise);
    y = layer(b, path, ["conv_pwl", "bn3"], y, { out, act: "none" });
  }
  return window.stride === 1 && out === channels ? b.add(`${path}.add`, x, y) : y;
}

/** EfficientNet-Lite up to its last stage; stages 2, 4 and 6 leave as p3, p4 and p5. */
export function efficientnetLite(scale: EfficientNetLiteScale): Backbone {
  const published = EFFICIENTNET_LITE_SCALES[scale];
  return (b, path, input, options) => {
    const factors = factorsOf(options);
    const width = factors.width * published.width, depth = factors.depth * published.depth;
    let x = layer(b, path, ["conv_stem", "bn1"], input, { out: STEM, kernel: 3, stride: 2 });
    const stages = EFFICIENTNET_LITE_ROWS.map(([blocks, kernel, stride, expansion, channels], stage) => {
      const isScaled = stage > 0 && stage < EFFICIENTNET_LITE_ROWS.length - 1;
      const out = makeDivisible(channels * width);
      for (let i = 0; i < (isScaled ? scaledRepeats(blocks, depth) : blocks); i++) {
        const row = { kernel, stride: i === 0 ? stride : 1, expansion, out };
        x = invertedResidual(b, below(path, `blocks.${stage}.${i}`), x, row);
      }
      return x;
    });
    return { p3: stages[2], p4: stages[4], p5: stages[6] };
  };
}

/** A 1x1 to more channels, the mean of each, fully connected. */
export const efficientnetLiteTop: ClassifierTop = (b, path, p5, { classes }) => {
  const x = layer(b, path, ["conv_head", "bn2"], p5, { out: HEAD });
  const pooled = b.flatten(below(path, "flatten"), b.globalPool(below(path, "global_pool"), x));
  // Uniform by the number of outputs, as published beside He's rule for the convolutions.
  const weights = { uniform: 1 / Math.sqrt(classes) };
  return b.linear(below(path, "classifier"), pooled, { out: classes, weights, bias: 0 });
};
