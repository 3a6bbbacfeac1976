/**
 * Direct convolution of bytes: square kernels of 1 and 3, stride 1 or 2, one group. Shader: `shaders/int8/conv_direct.wgsl`.
 *
 * @module
 */

import type { Int8Arithmetic, KernelContext } from "../context.ts";
import { directConvApplies } from "../conv_direct.ts";
import { acceptsEpilogue, type ConvCandidate, type ConvShape } from "../conv_form.ts";
import { type ConvTile, joinsOutputs, tileCost, workgroupSize } from "../conv_tile.ts";
import type { Target } from "../target.ts";
import { i32, type Kernel, type PackedInt8Weights } from "../kernel.ts";
import { linearGroups } from "../linear.ts";
import { arithmetics } from "./conv_numbers.ts";
import {
  int8ConvBindings,
  type Int8ConvStep,
  int8StepOf,
  packBiases,
  putWeight,
  requantizeConstants,
  tileParameters,
  weightParameters,
} from "./conv_step.ts";
import { int8TileVariants, WEIGHTS_PER_LOAD } from "./conv_tile.ts";

/** True where this kernel can compute the convolution. */
export function int8DirectApplies(step: ConvShape): boolean {
  // A kernel of one pixel looks at no padding.
  return directConvApplies(step) && (step.weight.shape[2] > 1 || step.attributes.pads.every((pad) => pad === 0));
}

/** Packs weights, biases and scales as the shader's header says. */
export function packInt8Direct(step: Int8ConvStep, outBlocks: number, arithmetic: Int8Arithmetic): PackedInt8Weights {
  const [outputs, inputs, kh, kw] = step.weight.shape;
  const taps = kh * kw;
  const inBlocks = Math.ceil(inputs / 4);
  const layers = Math.ceil(outputs / (4 * outBlocks));
  const columns = outBlocks * Math.max(taps, 2);
  const rows = inBlocks + 1;
  const pack = () => {
    const words = new Uint32Array(4 * columns * rows * layers);
    const bytes = new Int8Array(words.buffer);
    const { data } = step.weight;
    for (let o = 0; o < outputs; o++) {
      const layer = Math.floor(o / (4 * outBlocks)), block = Math.floor(o / 4) % outBlocks;
      for (let c = 0; c < inputs; c++) {
        const first = (layer * rows + (c >> 2)) * columns + block * taps;
        for (let t = 0; t < taps; t++) putWeight(bytes, first + t, c, o, data[(o * inputs + c) * taps + t], arithmetic);
      }
    }
    packBiases(step, words, arithmetic, (block) => {
      const layer = Math.floor(block / outBlocks);
      return (layer * rows + inBlocks) * columns + 2 * (block - layer * outBlocks);
    });
    return words;
  };
  return { columns, rows, layers, pack };
}

/** Describes the dispatch of a convolution of bytes with a given tile. */
export function int8DirectConv(
  step: Int8ConvStep,
  tile: ConvTile,
  pitch: number,
  target: Target,
  arithmetic: Int8Arithmetic,
): Kernel {
  const [kernel] = step.weight.shape.slice(2);
  const stride = step.attributes.strides[0];
  const output = step.y.layout;
  const tilesX = Math.ceil(output.width / tile.x);
  const tiles = tilesX * Math.ceil(output.height / tile.y);
  const weights = packInt8Direct(step, tile.outBlocks, arithmetic);
  const workgroup = workgroupSize(target), joined = joinsOutputs(target);
  return {
    label: `conv int8 ${kernel}x${kernel} s${stride} ${tile.x}x${tile.y}x${4 * tile.outBlocks} ${arithmetic}`,
    shader: "int8/conv_direct.wgsl",
    constants: {
      K: kernel,
      S: stride,
      TILE_X: tile.x,
      TILE_Y: tile.y,
      OUT_BLOCKS: tile.outBlocks,
      WORKGROUP: workgroup,
      JOINED: joined ? 1 : 0,
      ARITHMETIC: arithmetic,
      ...requantizeConstants(step),
    },
    parameters: {
      ...tileParameters(step, tilesX, tiles),
      layers: i32(weights.layers),
      ...weightParameters(step, weights, pitch),
    },
    bindings: int8ConvBindings(step, weights),
    workgroups: joined
      ? linearGroups(tiles * weights.layers * output.batch, workgroup)
      : [Math.ceil(tiles / workgroup), weights.layers, output.batch],
  };
}

/** A tile, and how sums of products are computed. */
export type Int8DirectVariant = ConvTile & { readonly arithmetic: Int8Arithmetic };

/** The direct convolution of bytes among the kernels of convolutions. */
export const int8DirectCandidate: ConvCandidate<Int8DirectVariant> = {
  name: "int8 direct",
  shaders: ["int8/conv_direct.wgsl"],
  applies: (form) => !form.transposed && int8DirectApplies(form),
  accepts: acceptsEpilogue,
  variants({ attributes, weight, int8 }, target) {
    const [first, ...others] = arithmetics(int8!, target);
    const { usual, measured = [] } = int8TileVariants(weight.shape[2], attributes.strides[0], target.adapter);
    const each = (list: readonly ConvTile[], arithmetic: Int8Arithmetic) =>
      list.map((tile) => ({ ...tile, arithmetic }));
    return {
      usual: each(usual, first),
      measured: [...each(measured, first), ...others.flatMap((other) => each(usual, other))],
    };
  },
  cost({ attributes, weight, output }, tile, { adapter }) {
    const conv = { kernel: weight.shape[2], stride: attributes.strides[0], inBlocks: Math.ceil(weight.shape[1] / 4) };
    return tileCost({ ...conv, output, rows: WEIGHTS_PER_LOAD, joined: joinsOutputs(adapter) }, tile, adapter);
  },
  kernels({ int8 }, context, { arithmetic, ...tile }, { adapter }) {
    const step = int8StepOf(context as KernelContext<"Conv">, int8!);
    return [int8DirectConv(step, tile, context.pitch, adapter, arithmetic)];
  },
};
