/**
 * Depthwise convolution, register tiled: square kernels of 3 and 5, stride 1 and 2. Shader: `shaders/conv/depthwise.wgsl`.
 *
 * @module
 */

import { acceptsEpilogue, asConvolution, type ConvCandidate, type ConvShape } from "./conv_form.ts";
import { convBindings, type ConvStep, epilogueConstants, epilogueParameters, stepOf } from "./conv_step.ts";
import { LOAD_COST, type MapExtent } from "./conv_tile.ts";
import { bindWeights, depthwisePacking, packingSource } from "./conv_packing.ts";
import { blocked, blocksOf, i32, type Kernel, vec2i } from "./kernel.ts";
import { linearGroups } from "./linear.ts";

/** True where this kernel can compute the convolution. */
export function depthwiseApplies({ attributes, weight }: ConvShape): boolean {
  const [filters, depth, kh, kw] = weight.shape;
  const [sy, sx] = attributes.strides;
  return attributes.groups === filters && depth === 1 && kh === kw && (kh === 3 || kh === 5) && sx === sy && sx <= 2 &&
    attributes.dilations.every((d) => d === 1);
}

/** Pixels that a thread computes. */
export type PixelTile = {
  /** In a row. */
  readonly x: number;
  /** Rows. */
  readonly y: number;
};

/** Pixels that a thread computes of maps of bytes; fewer where a pixel needs more of the input, measured on a software adapter. */
export function depthwiseTile(kernel: number, stride: number): PixelTile {
  return { x: 5, y: kernel === 3 && stride === 1 ? 2 : 1 };
}

/**
 * Pixels that a thread computes of maps of floats, measured on a software adapter. Squares of 4x4 are up to a tenth faster, but their
 * shaders take seconds longer to compile.
 */
export function floatDepthwiseTile(stride: number): PixelTile {
  return { x: 5, y: stride === 1 ? 2 : 1 };
}

/** Describes the dispatch, after that which packs the weights where they are trained. */
export function depthwiseConv(step: ConvStep, pitch: number, tile: PixelTile): Kernel[] {
  const kernel = step.weight.shape[2];
  const stride = step.attributes.strides[0];
  const output = step.y.layout;
  const tilesX = Math.ceil(output.width / tile.x);
  const tiles = tilesX * Math.ceil(output.height / tile.y);
  const weights = bindWeights(step, depthwisePacking(packingSource(step)));
  const workgroup = 64;
  return [...weights.before, {
    label: `conv depthwise ${kernel}x${kernel} s${stride} ${tile.x}x${tile.y}`,
    shader: "conv/depthwise.wgsl",
    constants: {
      K: kernel,
      S: stride,
      TILE_X: tile.x,
      TILE_Y: tile.y,
      WORKGROUP: workgroup,
      ...epilogueConstants(step),
    },
    parameters: {
      input: blocked(step.x.layout),
      output: blocked(output),
      residual: blocked(step.residual?.layout ?? output),
      pad: vec2i(step.attributes.pads[1], step.attributes.pads[0]),
      tilesX: i32(tilesX),
      tiles: i32(tiles),
      pitch: i32(pitch),
      weightColumns: i32(weights.columns),
      weightRows: i32(weights.rows),
      ...epilogueParameters(step),
    },
    bindings: convBindings(step, weights.binding),
    workgroups: linearGroups(tiles * blocksOf(output) * output.batch, workgroup),
  }];
}

/** Cost of a depthwise convolution with a tile, in the unit of `candidate.ts`: each product is of one weight a channel instead of four. */
export function depthwiseCost(kernel: number, stride: number, output: MapExtent, { x, y }: PixelTile): number {
  const threads = Math.ceil(output.width / x) * Math.ceil(output.height / y) * blocksOf(output) * output.batch;
  const loads = ((x - 1) * stride + kernel) * ((y - 1) * stride + kernel) + kernel * kernel;
  return threads * (x * y * kernel * kernel / 4 + LOAD_COST * loads);
}

/** The depthwise convolution among the kernels of convolutions. */
export const depthwiseCandidate: ConvCandidate<PixelTile> = {
  name: "depthwise",
  shaders: ["conv/depthwise.wgsl"],
  applies(form) {
    const plain = asConvolution(form);
    return plain !== undefined && depthwiseApplies(plain);
  },
  accepts: acceptsEpilogue,
  variants({ attributes }) {
    return { usual: [floatDepthwiseTile(attributes.strides[0])] };
  },
  cost({ attributes, weight, output }, tile) {
    return depthwiseCost(weight.shape[2], attributes.strides[0], output, tile);
  },
  kernels(_, context, tile) {
    return depthwiseConv(asConvolution(stepOf(context))!, context.pitch, tile);
  },
};
