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

/** Weights of each of the six products of a row of weights, and 128 times those of the inputs: B and G of `shaders/conv/winograd.wgsl`. */
const PRODUCTS = [[1, 0, 0], [1, 1, 1], [1, -1, 1], [1, 2, 4], [1, -2, 4], [0, 0, 1]] as const;
const INPUT_MAGNITUDES = [10, 10, 10, 6, 6, 10].map((sum) => 128 * sum);

/**
 * The most input blocks that follow each other whose sums of products are whole numbers that f32 knows, whatever the bytes of the input
 * are: all of them, or as few as it takes for parts of equal length. A block by itself always is.
 */
export function blocksTogether({ shape: [outputs, inputs], data }: Int8Numbers["weight"]): number {
  const blocks = Math.ceil(inputs / 4);
  /** Greatest sum that the inputs of a block can lead to, for each output, product and block. */
  const greatest = new Float64Array(outputs * PRODUCTS.length * blocks);
  for (let o = 0; o < outputs; o++) {
    for (let row = 0; row < 3 * inputs; row++) {
      const first = 3 * (3 * inputs * o + row), block = Math.floor(row / 12);
      PRODUCTS.forEach(([a, b, c], m) => {
        const weight = a * data[first] + b * data[first + 1] + c * data[first + 2];
        greatest[(PRODUCTS.length * o + m) * blocks + block] += Math.abs(weight) * INPUT_MAGNITUDES[m];
      });
    }
  }
  const fits = (together: number) => {
    for (let first = 0; first < greatest.length; first += blocks) {
      for (let begin = 0; begin < blocks; begin += together) {
        const part = greatest.subarray(first + begin, first + Math.min(begin + together, blocks));
        if (part.reduce((sum, value) => sum + value, 0) >= 2 ** 24) return false;
      }
    }
    return true;
  };
  for (let parts = 1; parts < blocks; parts++) {
    const together = Math.ceil(blocks / parts);
    if (fits(together)) return together;
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
