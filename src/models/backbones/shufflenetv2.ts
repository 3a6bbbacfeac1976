/**
 * ShuffleNetV2 (Ma et al. 2018): in every unit half of the channels pass untouched, the other half go through a depthwise
 * convolution between two 1x1; a channel shuffle mixes the halves. Names are those of torchvision's state dictionaries.
 *
 * @module
 */

import type { ModelBuilder } from "../builder.ts";
import { channelShuffle } from "../channel_shuffle.ts";
import { type Backbone, below, type ClassifierTop, factorsOf, makeDivisible, scaledRepeats } from "./backbone.ts";

/** Published widths. */
export type ShuffleNetV2Scale = "0.5x" | "1.0x" | "1.5x";

/** Units in stages 2 to 4 (the first of a stage halves height and width) and their channels. */
export const SHUFFLENETV2_STAGES: Readonly<
  Record<ShuffleNetV2Scale, readonly (readonly [units: number, channels: number])[]>
> = {
  "0.5x": [[4, 48], [8, 96], [4, 192]],
  "1.0x": [[4, 116], [8, 232], [4, 464]],
  "1.5x": [[4, 176], [8, 352], [4, 704]],
};

/** Channels of the stem and of the classifier's last 1x1. */
const STEM = 24, LAST = 1024;

/** Added to variances, PyTorch's default. */
const EPSILON = 1e-5;

/** Scaled channels: a multiple of 4, as the published ones are. */
const scaled = (channels: number, width: number) => makeDivisible(channels * width, 4);

const RELU = { act: "relu", epsilon: EPSILON, weights: "uniformFanIn" } as const;

const PARTS = ["0", "1", "2"] as const;

/** The branch that computes: 1x1, depthwise 3x3, 1x1. */
function mainBranch(b: ModelBuilder, path: string, x: string, out: number, stride: number): string {
  let y = b.convBlock(path, x, { ...RELU, out, parts: PARTS });
  y = b.convBlock(path, y, { ...RELU, out, kernel: 3, stride, groups: out, act: "none", parts: ["3", "4", ""] });
  return b.convBlock(path, y, { ...RELU, out, parts: ["5", "6", "7"] });
}

/** A unit of stride 1: the first half of the channels goes past it. */
function basicUnit(b: ModelBuilder, path: string, x: string): string {
  const half = b.channels(x) / 2;
  const [past, through] = b.split(`${path}.split`, x, [half, half]);
  const y = mainBranch(b, `${path}.branch2`, through, half, 1);
  return channelShuffle(b, `${path}.shuffle`, b.concat(`${path}.concat`, [past, y]), 2);
}

/** A unit of stride 2: both branches read all channels, and `out` may be any even number. */
function downUnit(b: ModelBuilder, path: string, x: string, out: number): string {
  const half = out / 2, channels = b.channels(x), side = `${path}.branch1`;
  const depthwise = { ...RELU, out: channels, kernel: 3, stride: 2, groups: channels } as const;
  const first = b.convBlock(side, x, { ...depthwise, act: "none", parts: ["0", "1", ""] });
  const past = b.convBlock(side, first, { ...RELU, out: half, parts: ["2", "3", "4"] });
  const y = mainBranch(b, `${path}.branch2`, x, half, 2);
  return channelShuffle(b, `${path}.shuffle`, b.concat(`${path}.concat`, [past, y]), 2);
}

/** ShuffleNetV2 up to stage 4; stages 2, 3 and 4 leave as p3, p4 and p5. */
export function shufflenetv2(scale: ShuffleNetV2Scale): Backbone {
  return (b, path, input, options) => {
    const { width, depth } = factorsOf(options);
    const stem = { ...RELU, out: scaled(STEM, width), kernel: 3, stride: 2, parts: PARTS };
    let x = b.convBlock(below(path, "conv1"), input, stem);
    x = b.maxPool(below(path, "maxpool"), x, { kernel: 3, stride: 2, padding: 1 });
    const [p3, p4, p5] = SHUFFLENETV2_STAGES[scale].map(([units, channels], index) => {
      const stage = below(path, `stage${index + 2}`);
      x = downUnit(b, `${stage}.0`, x, scaled(channels, width));
      for (let i = 1; i < scaledRepeats(units, depth); i++) x = basicUnit(b, `${stage}.${i}`, x);
      return x;
    });
    return { p3, p4, p5 };
  };
}

/** A 1x1 to more channels, the mean of each, fully connected. */
export const shufflenetv2Top: ClassifierTop = (b, path, p5, { classes }) => {
  const x = b.convBlock(below(path, "conv5"), p5, { ...RELU, out: LAST, parts: PARTS });
  const pooled = b.flatten(below(path, "flatten"), b.globalPool(below(path, "pool"), x));
  return b.linear(below(path, "fc"), pooled, { out: classes, weights: RELU.weights });
};
