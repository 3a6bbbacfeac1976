/**
 * Convolution by kernels of one pixel over runs of pixels, row by row: it is the direct convolution with tiles that go on in the next
 * row, so that maps whose sides no tile divides waste few threads. Shader: `shaders/conv/direct.wgsl` with `FLAT`.
 *
 * @module
 */

import { directCandidate, directConv } from "./conv_direct.ts";
import { asConvolution, type ConvCandidate, type ConvShape } from "./conv_form.ts";
import { stepOf } from "./conv_step.ts";
import { joinsOutputs, tileCost } from "./conv_tile.ts";

/** Pixels in a run, and output blocks of four channels, that one thread computes. */
export type FlatTile = { readonly run: number; readonly outBlocks: number };

/** True where this kernel can compute the convolution. */
export function flatApplies({ attributes: { groups, strides, pads }, weight }: ConvShape): boolean {
  const [kh, kw] = weight.shape.slice(2);
  return groups === 1 && kh === 1 && kw === 1 && strides.every((stride) => stride === 1) &&
    pads.every((pad) => pad === 0);
}

/**
 * What it costs more than a rectangle of as many pixels, since each pixel has coordinates of its own: between 1.01 and 1.08 on a software
 * adapter (`bench/kernels.ts`). The most counts: where both are about as fast, one pipeline for all maps is better than two.
 */
const COORDINATES = 1.08;

/** The flat convolution among the kernels of convolutions; it takes along what the direct one does. */
export const flatCandidate: ConvCandidate<FlatTile> = {
  name: "flat",
  shaders: directCandidate.shaders,
  applies(form) {
    const plain = asConvolution(form);
    return plain !== undefined && flatApplies(plain);
  },
  accepts: directCandidate.accepts,
  variants: (_, { adapter, halfProducts }) =>
    adapter === "software" && !halfProducts
      ? { usual: [{ run: 10, outBlocks: 4 }, { run: 10, outBlocks: 2 }] }
      // Never measured on hardware yet.
      : { usual: [], measured: [{ run: 4, outBlocks: 2 }, { run: 2, outBlocks: 2 }, { run: 10, outBlocks: 2 }] },
  cost({ weight, firstChannel, output }, { run, outBlocks }, { adapter }) {
    const inBlocks = Math.ceil((firstChannel % 4 + weight.shape[1]) / 4);
    // The same pixels as one row.
    const row = { ...output, width: output.width * output.height, height: 1 };
    const conv = { kernel: 1, stride: 1, inBlocks, output: row, joined: joinsOutputs(adapter) };
    return COORDINATES * tileCost(conv, { x: run, y: 1, outBlocks }, adapter);
  },
  kernels(_, context, { run, outBlocks }, { adapter, floatWeights, halfProducts }) {
    const step = asConvolution(stepOf(context))!;
    return directConv(step, { x: run, y: 1, outBlocks }, context.pitch, {
      target: adapter,
      floatWeights,
      halfProducts,
      flat: true,
    });
  },
};
