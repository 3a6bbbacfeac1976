/**
 * The builder that model families share: layers with weights, named as PyTorch names them.
 *
 * A layer is given its path (`model.2.cv1`) and the value it reads, and returns the value it makes. Constants get the names of PyTorch's
 * state dictionary (`model.2.cv1.conv.weight`, `model.2.cv1.bn.running_mean`), so that weights map by name; a node and its output get the
 * path of the module (`model.2.cv1.conv`, `.bn`, `.act`). BatchNormalization stays a node of its own. Weights are random until others are
 * loaded. They are drawn when they are first read (see `initialise.ts`).
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { ModelBuilder } from "./builder.ts";
 * const b = new ModelBuilder({ seed: 1 });
 * let x = b.input("images", [1, 3, 64, 64]);
 * x = b.convBlock("stem", x, { out: 16, kernel: 3, stride: 2 }); // Conv, BatchNormalization, SiLU
 * x = b.convBlock("depthwise", x, { out: 16, kernel: 3, groups: 16, act: "relu6" });
 * assert.deepEqual(b.shapeOf(x), [1, 16, 32, 32]);
 * const graph = b.graph("tiny", [x]);
 * ```
 *
 * @module
 */

import { GraphEditor } from "../graph/editor.ts";
import type { Graph, Shape } from "../graph/graph.ts";
import type { Pads, Pair } from "../graph/operators.ts";
import { type Initialisation, initialised } from "./initialise.ts";

/** Activations of the families here. */
export type Activation = "silu" | "relu" | "relu6" | "hardswish" | "hardsigmoid" | "sigmoid" | "leakyrelu" | "none";

/** Settings of a whole model. */
export interface ModelOptions {
  /** Seed of the random weights; 0 by default. */
  readonly seed?: number;
  /** Added to variances by BatchNormalization; 1e-3 by default, as YOLO11 uses (PyTorch's own default is 1e-5). */
  readonly epsilon?: number;
  /** How convolution and linear weights start; `uniformFanIn` by default. */
  readonly weights?: Initialisation;
}

/** A bare convolution. */
export interface ConvOptions {
  /** Output channels. */
  readonly out: number;
  /** Side of the kernel, or height and width; 1 by default. */
  readonly kernel?: number | Pair;
  /** 1 by default. */
  readonly stride?: number | Pair;
  /** Zeros on every side, or each side's; by default as many as keep the size at stride 1 (for odd kernels). */
  readonly padding?: number | Pads;
  /** 1 by default. */
  readonly dilation?: number;
  /** 1 by default; the number of input channels for a depthwise convolution. */
  readonly groups?: number;
  /** Whether there is a bias; true by default for `conv`, false in `convBlock`. A rule or number says how it starts. */
  readonly bias?: boolean | Initialisation;
  /** How the weight starts; the model's rule by default. */
  readonly weights?: Initialisation;
}

/** Convolution, BatchNormalization and activation. */
export interface ConvBlockOptions extends ConvOptions {
  /** `silu` by default. */
  readonly act?: Activation;
  /** The model's by default. */
  readonly epsilon?: number;
  /** Names of the three parts below the block's path; `["conv", "bn", "act"]` by default (torchvision: `["0", "1", "2"]`). */
  readonly parts?: readonly [conv: string, norm: string, act: string];
}

/** A square pooling window. */
export interface PoolOptions {
  /** Side of the window. */
  readonly kernel: number;
  /** As the kernel by default. */
  readonly stride?: number;
  /** 0 by default. */
  readonly padding?: number;
}

const pair = (value: number | Pair): Pair => typeof value === "number" ? [value, value] : value;

/** Collects a model layer by layer. What it is given wrong it refuses with a FeatherdetError that names the layer. */
export class ModelBuilder extends GraphEditor {
  /** Settings of the whole model. */
  readonly options: Required<ModelOptions>;

  constructor({ seed = 0, epsilon = 1e-3, weights = "uniformFanIn" }: ModelOptions = {}) {
    super();
    this.options = { seed, epsilon, weights };
  }

  /** The model written so far. */
  graph(name: string, outputs: readonly string[], metadata: Graph["metadata"] = {}): Graph {
    return this.finish({ name, outputs, metadata, keepUnread: true });
  }

  /** Channels (extent of axis 1) of a value. */
  channels(value: string): number {
    return this.shapeOf(value)[1];
  }

  /** Adds a weight whose elements a rule draws, and returns its name. */
  weight(name: string, shape: Shape, rule: Initialisation, more: { fanIn?: number; groups?: number } = {}): string {
    return this.define(name, initialised({ name, shape, rule, seed: this.options.seed, ...more }));
  }

  /** Convolution `PATH`, with weight `PATH.weight` and, unless told otherwise, `PATH.bias`. */
  conv(path: string, x: string, options: ConvOptions): string {
    const { out, stride = 1, dilation = 1, groups = 1, bias = true, weights = this.options.weights } = options;
    const kernel = pair(options.kernel ?? 1);
    const same = kernel.map((side) => Math.floor((dilation * (side - 1)) / 2));
    const padding = options.padding ?? [same[0], same[1], same[0], same[1]] as const;
    const shape = [out, this.channels(x) / groups, ...kernel];
    const fanIn = shape[1] * kernel[0] * kernel[1];
    const inputs = [x, this.weight(`${path}.weight`, shape, weights, { groups })];
    if (bias !== false) {
      inputs.push(this.weight(`${path}.bias`, [out], bias === true ? "uniformFanIn" : bias, { fanIn }));
    }
    return this.node("Conv", path, inputs, {
      strides: pair(stride),
      pads: typeof padding === "number" ? [padding, padding, padding, padding] : padding,
      dilations: [dilation, dilation],
      groups,
    });
  }

  /** BatchNormalization `PATH` with `PATH.weight` (1), `.bias` (0), `.running_mean` (0) and `.running_var` (1). */
  batchNorm(path: string, x: string, epsilon: number = this.options.epsilon): string {
    const start = { weight: 1, bias: 0, running_mean: 0, running_var: 1 };
    const shape = [this.channels(x)];
    const parameters = Object.entries(start).map(([name, value]) => this.weight(`${path}.${name}`, shape, value));
    // ONNX stores attributes as f32: rounded at once, the model read back is the model saved.
    return this.node("BatchNormalization", path, [x, ...parameters], { epsilon: Math.fround(epsilon) });
  }

  /** Activation `PATH`; `none` adds nothing. */
  activation(path: string, x: string, kind: Activation): string {
    switch (kind) {
      case "silu":
        return this.node("Silu", path, [x], {});
      case "relu":
        return this.node("Relu", path, [x], {});
      case "relu6":
        return this.node("Clip", path, [x], { min: 0, max: 6 });
      case "hardswish":
        return this.node("HardSwish", path, [x], {});
      case "hardsigmoid":
        return this.node("HardSigmoid", path, [x], { alpha: Math.fround(1 / 6), beta: 0.5 });
      case "sigmoid":
        return this.node("Sigmoid", path, [x], {});
      case "leakyrelu":
        return this.node("LeakyRelu", path, [x], { alpha: Math.fround(0.1) });
      case "none":
        return x;
    }
  }

  /** Convolution `PATH.conv` (no bias), BatchNormalization `PATH.bn`, activation `PATH.act`. */
  convBlock(path: string, x: string, options: ConvBlockOptions): string {
    const { act = "silu", epsilon, parts: [conv, norm, name] = ["conv", "bn", "act"] } = options;
    const y = this.conv(`${path}.${conv}`, x, { ...options, bias: options.bias ?? false });
    return this.activation(`${path}.${name}`, this.batchNorm(`${path}.${norm}`, y, epsilon), act);
  }

  /** Fully connected layer over `[N, in]`: Gemm `PATH` with weight `PATH.weight` `[out, in]` and bias `PATH.bias`. */
  linear(
    path: string,
    x: string,
    { out, weights = this.options.weights, bias = true }: Pick<ConvOptions, "out" | "weights" | "bias">,
  ): string {
    const fanIn = this.channels(x);
    const inputs = [x, this.weight(`${path}.weight`, [out, fanIn], weights)];
    if (bias !== false) {
      inputs.push(this.weight(`${path}.bias`, [out], bias === true ? "uniformFanIn" : bias, { fanIn }));
    }
    return this.node("Gemm", path, inputs, { alpha: 1, beta: 1, transposeA: false, transposeB: true });
  }

  /** Sum of two values: a residual connection. */
  add(path: string, a: string, b: string): string {
    return this.node("Add", path, [a, b], {});
  }

  /** Product of two values, broadcast: a gate. */
  mul(path: string, a: string, b: string): string {
    return this.node("Mul", path, [a, b], {});
  }

  /** Values joined along an axis, channels by default. */
  concat(path: string, values: readonly string[], axis = 1): string {
    return this.node("Concat", path, values, { axis });
  }

  /** A value cut into parts of the given extents along an axis, channels by default. */
  split(path: string, x: string, sizes: readonly number[], axis = 1): readonly string[] {
    return this.nodeWithOutputs("Split", path, [x], { axis, sizes }, sizes.map((_, index) => `${path}.${index}`));
  }

  /** Greatest element of each window. */
  maxPool(path: string, x: string, { kernel, stride = kernel, padding = 0 }: PoolOptions): string {
    return this.node("MaxPool", path, [x], {
      kernel: [kernel, kernel],
      strides: [stride, stride],
      pads: [padding, padding, padding, padding],
      dilations: [1, 1],
      ceilMode: false,
    });
  }

  /** Mean over height and width, `[N, C, H, W] -> [N, C, 1, 1]`. */
  globalPool(path: string, x: string): string {
    return this.node("GlobalAveragePool", path, [x], {});
  }

  /** Every pixel repeated `factor` times in both directions. */
  upsample(path: string, x: string, factor = 2): string {
    const [, , height, width] = this.shapeOf(x);
    return this.node("Resize", path, [x], {
      mode: "nearest",
      coordinates: "asymmetric",
      nearest: "floor",
      size: [height * factor, width * factor],
      scales: [factor, factor],
    });
  }

  /** The same elements in another shape. */
  reshape(path: string, x: string, shape: Shape): string {
    return this.node("Reshape", path, [x], { shape });
  }

  /** Axes in another order: output axis i is input axis `perm[i]`. */
  transpose(path: string, x: string, perm: readonly number[]): string {
    return this.node("Transpose", path, [x], { perm });
  }

  /** `[N, C, 1, 1] -> [N, C]`, for a classifier after `globalPool`. */
  flatten(path: string, x: string): string {
    const [batch, ...rest] = this.shapeOf(x);
    return this.reshape(path, x, [batch, rest.reduce((product, extent) => product * extent, 1)]);
  }
}
