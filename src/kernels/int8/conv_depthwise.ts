/**
 * Depthwise convolution of bytes: square kernels of 3 and 5, stride 1 and 2. Shader: `shaders/int8/conv_depthwise.wgsl`.
 *
 * @module
 */

import type { Int8Arithmetic, KernelContext } from "../context.ts";
import { depthwiseApplies, depthwiseCost, depthwiseTile } from "../conv_depthwise.ts";
import { acceptsEpilogue, type ConvCandidate } from "../conv_form.ts";
import { blocksOf, type Kernel, type PackedInt8Weights } from "../kernel.ts";
import { linearGroups } from "../linear.ts";
import { arithmetics } from "./conv_numbers.ts";
import {
  int8ConvBindings,
  type Int8ConvStep,
  int8StepOf,
  packBiases,
  requantizeConstants,
  tileParameters,
  weightParameters,
} from "./conv_step.ts";

/** Packs weights, biases and scales as the shader's header says. */
export function packInt8Depthwise(step: Int8ConvStep, arithmetic: Int8Arithmetic): PackedInt8Weights {
  const [channels, , kh, kw] = step.weight.shape;
  const taps = kh * kw, cells = Math.ceil(taps / 4);
  const columns = cells + 2, rows = Math.ceil(channels / 4);
  const pack = () => {
    const words = new Uint32Array(4 * columns * rows);
    const bytes = new Int8Array(words.buffer);
    for (let c = 0; c < channels; c++) {
      const first = 16 * (c >> 2) * columns + (c & 3);
      for (let t = 0; t < taps; t++) bytes[first + 4 * t] = step.weight.data[c * taps + t];
    }
    packBiases(step, words, arithmetic, (block) => block * columns + cells);
    return words;
  };
  return { columns, rows, layers: 1, pack };
}

/** Describes the dispatch. Channels are not summed up, so that packed dot products have no use here. */
export function int8DepthwiseConv(step: Int8ConvStep, pitch: number, arithmetic: Int8Arithmetic): Kernel {
  const kernel = step.weight.shape[2];
  const stride = step.attributes.strides[0];
  const output = step.y.layout;
  const tile = depthwiseTile(kernel, stride);
  const tilesX = Math.ceil(output.width / tile.x);
  const tiles = tilesX * Math.ceil(output.height / tile.y);
  const computed = arithmetic === "dot" ? "emulated" : arithmetic;
  const weights = packInt8Depthwise(step, computed);
  const workgroup = 64;
  return {
    label: `conv int8 depthwise ${kernel}x${kernel} s${stride} ${tile.x}x${tile.y} ${computed}`,
    shader: "int8/conv_depthwise.wgsl",
    constants: {
      K: kernel,
      S: stride,
      TILE_X: tile.x,
      TILE_Y: tile.y,
      WORKGROUP: workgroup,
      ARITHMETIC: computed,
      ...requantizeConstants(step),
    },
    parameters: {
      ...tileParameters(step, tilesX, tiles),
      ...weightParameters(step, weights, pitch),
    },
    bindings: int8ConvBindings(step, weights),
    workgroups: linearGroups(tiles * blocksOf(output) * output.batch, workgroup),
  };
}

/** How sums are computed. */
export type Int8Variant = { readonly arithmetic: Int8Arithmetic };

/** The depthwise convolution of bytes among the kernels of convolutions. */
export const int8DepthwiseCandidate: ConvCandidate<Int8Variant> = {
  name: "int8 depthwise",
  shaders: ["int8/conv_depthwise.wgsl"],
  applies: (form) => !form.transposed && depthwiseApplies(form),
  accepts: acceptsEpilogue,
  variants({ int8 }, target) {
    const [first, ...others] = arithmetics(int8!, target);
    return { usual: [{ arithmetic: first }], measured: others.map((arithmetic) => ({ arithmetic })) };
  },
  cost({ attributes, weight, output }) {
    const kernel = weight.shape[2], [stride] = attributes.strides;
    return depthwiseCost(kernel, stride, output, depthwiseTile(kernel, stride));
  },
  kernels({ int8 }, context, { arithmetic }) {
    return [int8DepthwiseConv(int8StepOf(context as KernelContext<"Conv">, int8!), context.pitch, arithmetic)];
  },
};
