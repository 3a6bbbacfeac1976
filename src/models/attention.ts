/**
 * Attention that can stand behind any layer: squeeze-and-excitation, CBAM, SimAM, and none.
 *
 * Each takes the builder, its path, the value it reads and its settings, and returns a value of the same shape; they are made of
 * ordinary operators, so that export, reference and gradients need nothing of their own. `attention` chooses one by name, so that
 * they can replace one another.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { ModelBuilder } from "./builder.ts";
 * import { attention } from "./attention.ts";
 * const b = new ModelBuilder();
 * let x = b.convBlock("conv", b.input("images", [1, 3, 32, 32]), { out: 32, kernel: 3 });
 * x = attention(b, "attention", x, { kind: "se", reduction: 4 });
 * assert.deepEqual(b.shapeOf(x), [1, 32, 32, 32]);
 * ```
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { Activation, ConvOptions, ModelBuilder } from "./builder.ts";

/** Form of a squeeze-and-excitation block. */
export interface SqueezeExciteOptions {
  /** Channels of the bottleneck. */
  readonly squeeze: number;
  /** Behind the first product; `relu` by default. */
  readonly act?: Activation;
  /** Behind the second product; `sigmoid` by default, `hardsigmoid` in MobileNetV3. */
  readonly gate?: "sigmoid" | "hardsigmoid";
  /** Names of the two products below the block's path; `["fc1", "fc2"]` by default, as in torchvision. */
  readonly names?: readonly [reduce: string, expand: string];
  /** How weights and biases of the products start; as those of `ModelBuilder.conv` by default. */
  readonly start?: Pick<ConvOptions, "weights" | "bias">;
}

/** Form of a convolutional block attention module. */
export interface CbamOptions {
  /** Channels over channels of the bottleneck (see `bottleneckOf`); 16 by default. */
  readonly reduction?: number;
  /** Side of the spatial convolution; odd, 7 by default. */
  readonly kernel?: number;
}

/** Form of a SimAM block. */
export interface SimamOptions {
  /** Added to variances; 1e-4 by default. */
  readonly lambda?: number;
}

/** Name of an attention block. */
export type AttentionKind = "none" | "se" | "cbam" | "simam";

/** Names of the attention blocks. */
export const ATTENTION_KINDS: readonly AttentionKind[] = ["none", "se", "cbam", "simam"];

/** Which attention, with the settings of all kinds; those of the others are not looked at. */
export interface AttentionOptions extends Partial<SqueezeExciteOptions>, CbamOptions, SimamOptions {
  readonly kind: AttentionKind;
}

/** Channels of a bottleneck: `channels / reduction`, rounded, but at least 4. */
export function bottleneckOf(channels: number, reduction = 16): number {
  return Math.max(4, Math.round(channels / reduction));
}

/**
 * Squeeze-and-excitation `[N, C, H, W] -> [N, C, H, W]` (Hu et al. 2018): each channel times
 * `gate(W2 act(W1 mean + b1) + b2)` of the channels' means. The products are 1x1 convolutions `PATH.fc1` and `PATH.fc2` with bias.
 */
export function squeezeExcite(b: ModelBuilder, path: string, x: string, options: SqueezeExciteOptions): string {
  const { squeeze, act = "relu", gate = "sigmoid", names: [reduce, expand] = ["fc1", "fc2"], start } = options;
  const mean = b.globalPool(`${path}.pool`, x);
  const narrow = b.activation(`${path}.act`, b.conv(`${path}.${reduce}`, mean, { ...start, out: squeeze }), act);
  const wide = b.conv(`${path}.${expand}`, narrow, { ...start, out: b.channels(x) });
  return b.mul(`${path}.scale`, x, b.activation(`${path}.gate`, wide, gate));
}

/** Gate of each channel, `[N, C, 1, 1]`: a perceptron shared by the channels' means and maxima, summed. */
function channelGate(b: ModelBuilder, path: string, x: string, reduction: number): string {
  const channels = b.channels(x), hidden = bottleneckOf(channels, reduction);
  const layer = (name: string, out: number, fanIn: number) => [
    b.weight(`${path}.${name}.weight`, [out, fanIn, 1, 1], b.options.weights),
    b.weight(`${path}.${name}.bias`, [out], "uniformFanIn", { fanIn }),
  ];
  const reduce = layer("fc1", hidden, channels), expand = layer("fc2", channels, hidden);
  const product = (name: string, value: string, weights: readonly string[]) =>
    b.node("Conv", name, [value, ...weights], { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 });
  const perceptron = (name: string, value: string) => {
    const narrow = product(`${path}.${name}.fc1`, value, reduce);
    return product(`${path}.${name}.fc2`, b.activation(`${path}.${name}.act`, narrow, "relu"), expand);
  };
  const mean = perceptron("mean", b.globalPool(`${path}.mean.pool`, x));
  const most = perceptron("max", b.node("ReduceMax", `${path}.max.pool`, [x], { axes: [2, 3], keepDims: true }));
  return b.activation(`${path}.gate`, b.add(`${path}.sum`, mean, most), "sigmoid");
}

/** Gate of each pixel, `[N, 1, H, W]`: a convolution over the mean and the maximum of its channels. */
function spatialGate(b: ModelBuilder, path: string, x: string, kernel: number): string {
  const overChannels = { axes: [1], keepDims: true };
  const mean = b.node("ReduceMean", `${path}.mean`, [x], overChannels);
  const most = b.node("ReduceMax", `${path}.max`, [x], overChannels);
  const both = b.concat(`${path}.concat`, [mean, most]);
  return b.activation(`${path}.gate`, b.conv(`${path}.conv`, both, { out: 1, kernel, bias: false }), "sigmoid");
}

/**
 * Convolutional block attention module `[N, C, H, W] -> [N, C, H, W]` (Woo et al. 2018): each channel times its gate (perceptron
 * `PATH.channel.fc1`, `.fc2`), then each pixel times its gate (`PATH.spatial.conv`, no bias). Throws FeatherdetError for an even
 * kernel.
 */
export function cbam(
  b: ModelBuilder,
  path: string,
  x: string,
  { reduction = 16, kernel = 7 }: CbamOptions = {},
): string {
  if (kernel % 2 !== 1) {
    throw new FeatherdetError(`a spatial attention of kernel ${kernel} has no centre: the kernel must be odd`, {
      node: path,
    });
  }
  const y = b.mul(`${path}.channel.scale`, x, channelGate(b, `${path}.channel`, x, reduction));
  return b.mul(`${path}.spatial.scale`, y, spatialGate(b, `${path}.spatial`, y, kernel));
}

/**
 * SimAM `[N, C, H, W] -> [N, C, H, W]`, without weights (Yang et al. 2021): each element times the sigmoid of its inverse energy
 * `(x - mean)^2 / (4 (variance + lambda)) + 1/2`; mean and variance (over H W - 1) are those of its channel.
 */
export function simam(b: ModelBuilder, path: string, x: string, { lambda = 1e-4 }: SimamOptions = {}): string {
  const scalar = (name: string, value: number) => b.constant(`${path}.${name}`, [1], Float32Array.of(value));
  const deviation = b.node("Sub", `${path}.deviation`, [x, b.globalPool(`${path}.mean`, x)], {});
  const squares = b.mul(`${path}.squares`, deviation, deviation);
  const sum = b.node("ReduceSum", `${path}.sum`, [squares], { axes: [2, 3], keepDims: true });
  // Pixels are counted by the graph itself, so that a file stays right at another input size.
  const ones = b.node("HardSigmoid", `${path}.ones`, [x], { alpha: 0, beta: 1 });
  const pixels = b.node("ReduceSum", `${path}.pixels`, [ones], { axes: [2, 3], keepDims: true });
  const others = b.node("Sub", `${path}.others`, [pixels, scalar("one", 1)], {});
  // A single pixel deviates from its mean by nothing: any divisor will do, but zero.
  const freedom = b.node("Clip", `${path}.freedom`, [others], { min: 1, max: Infinity });
  const mean = b.node("Div", `${path}.variance`, [sum, freedom], {});
  const variance = b.mul(`${path}.four_variances`, mean, scalar("four", 4));
  const divisor = b.add(`${path}.divisor`, variance, scalar("four_lambda", 4 * lambda));
  const ratio = b.node("Div", `${path}.ratio`, [squares, divisor], {});
  const energy = b.add(`${path}.energy`, ratio, scalar("half", 0.5));
  return b.mul(`${path}.scale`, x, b.activation(`${path}.gate`, energy, "sigmoid"));
}

/** The attention block of the given kind: `[N, C, H, W] -> [N, C, H, W]`; `none` adds nothing. */
export function attention(b: ModelBuilder, path: string, x: string, options: AttentionOptions): string {
  switch (options.kind) {
    case "none":
      return x;
    case "se":
      return squeezeExcite(b, path, x, {
        ...options,
        squeeze: options.squeeze ?? bottleneckOf(b.channels(x), options.reduction),
      });
    case "cbam":
      return cbam(b, path, x, options);
    case "simam":
      return simam(b, path, x, options);
  }
}
