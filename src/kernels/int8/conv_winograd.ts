/**
 * Convolution 3x3 of stride 1 of bytes with half of the products, by Winograd's minimal filtering along rows; exact. Shader:
 * `shaders/int8/conv_winograd.wgsl`.
 *
 * @module
 */

import type { KernelContext } from "../context.ts";
import { acceptsEpilogue, type ConvCandidate } from "../conv_form.ts";
import { workgroupSize } from "../conv_tile.ts";
import { isWinogradShape, winogradCost, type WinogradTile, winogradTiles } from "../conv_winograd.ts";
import { i32, type Kernel } from "../kernel.ts";
import { linearGroups } from "../linear.ts";
import type { Target } from "../target.ts";
import { packInt8Direct } from "./conv_direct.ts";
import type { Int8Numbers } from "./conv_numbers.ts";
import {
  int8ConvBindings,
  type Int8ConvStep,
  int8StepOf,
  requantizeConstants,
  tileParameters,
  weightParameters,
} from "./conv_step.ts";
import { WEIGHTS_PER_LOAD } from "./conv_tile.ts";

/** Products of a row of three weights with six inputs, for four outputs. */
const PRODUCTS = 6;

/** The greatest number that B of `shaders/conv/winograd.wgsl` makes of bytes, for a row whose magnitudes add up to 10, and one of 6. */
const TEN = 10 * 128, SIX = 6 * 128;

/** For each output, product and input block the greatest sum of magnitudes that bytes can lead to. */
function greatestSums({ shape: [outputs, inputs], data }: Int8Numbers["weight"], blocks: number): Float64Array {
  const sums = new Float64Array(outputs * PRODUCTS * blocks), { abs } = Math;
  for (let o = 0, at = 0; o < outputs; o++) {
    for (let row = 0; row < 3 * inputs; row++, at += 3) {
      const a = data[at], b = data[at + 1], c = data[at + 2];
      // Four channels of three rows are a block.
      const to = o * PRODUCTS * blocks + Math.floor(row / 12);
      sums[to] += TEN * abs(a);
      sums[to + blocks] += TEN * abs(a + b + c);
      sums[to + 2 * blocks] += TEN * abs(a - b + c);
      sums[to + 3 * blocks] += SIX * abs(a + 2 * b + 4 * c);
      sums[to + 4 * blocks] += SIX * abs(a - 2 * b + 4 * c);
      sums[to + 5 * blocks] += TEN * abs(c);
    }
  }
  return sums;
}

/** True where lists of `length` numbers, one behind the other, add up to less than 2^24 in each of their parts of `together`. */
function partsFit(numbers: Float64Array, length: number, together: number): boolean {
  for (let at = 0, sum = 0; at < numbers.length; at++) {
    if (at % length % together === 0) sum = 0;
    sum += numbers[at];
    if (sum >= 2 ** 24) return false;
  }
  return true;
}

/**
 * The most input blocks that follow each other whose sums of products are whole numbers that f32 knows, whatever the bytes of the input
 * are: all of them, or as few as it takes for parts of equal length. A block by itself always is.
 */
export function blocksTogether(weight: Int8Numbers["weight"]): number {
  const blocks = Math.ceil(weight.shape[1] / 4), sums = greatestSums(weight, blocks);
  for (let parts = 1; parts < blocks; parts++) {
    const together = Math.ceil(blocks / parts);
    if (partsFit(sums, blocks, together)) return together;
  }
  return 1;
}

function int8WinogradConv(step: Int8ConvStep, { rows }: WinogradTile, pitch: number, target: Target): Kernel {
  const output = step.y.layout, weights = packInt8Direct(step, 1, "f32");
  const { tilesX, tiles } = winogradTiles(output, rows);
  return {
    label: `conv int8 3x3 s1 winograd 4x${rows}x4`,
    shader: "int8/conv_winograd.wgsl",
    constants: { ROWS: rows, WORKGROUP: workgroupSize(target), ...requantizeConstants(step) },
    parameters: {
      ...tileParameters(step, tilesX, tiles),
      layers: i32(weights.layers),
      blocksTogether: i32(blocksTogether(step.weight)),
      ...weightParameters(step, weights, pitch),
    },
    bindings: int8ConvBindings(step, weights),
    workgroups: linearGroups(tiles * weights.layers * output.batch, workgroupSize(target)),
  };
}

/** Winograd's convolution of bytes among the kernels of convolutions. */
export const int8WinogradCandidate: ConvCandidate<WinogradTile> = {
  name: "int8 winograd",
  shaders: ["int8/conv_winograd.wgsl"],
  // Outputs times 24 fit 32 bits where sums of products fit 24.
  applies: (form) => !form.transposed && form.int8!.exactInFloat && isWinogradShape(form),
  accepts: acceptsEpilogue,
  variants: (_, { adapter, packedDot }) =>
    adapter === "software"
      ? { usual: [{ rows: 10 }, { rows: 8 }], measured: [{ rows: 5 }, { rows: 4 }] }
      // Packed dot products make four products of bytes at once.
      : { usual: [], measured: packedDot ? [] : [{ rows: 1 }, { rows: 2 }, { rows: 4 }] },
  cost: (form, { rows }, { adapter }) => winogradCost(form, rows, 4 * 9 / WEIGHTS_PER_LOAD, adapter),
  kernels({ int8 }, context, tile, { adapter }) {
    const step = int8StepOf(context as KernelContext<"Conv">, int8!);
    return [int8WinogradConv(step, tile, context.pitch, adapter)];
  },
};
