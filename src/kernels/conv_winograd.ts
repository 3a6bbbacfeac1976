/**
 * Convolution 3x3 of stride 1 with half of the products, by Winograd's minimal filtering along rows. Shader:
 * `shaders/conv/winograd.wgsl`.
 *
 * @module
 */

import { acceptsChannelRange, asConvolution, type ConvCandidate, type ConvForm } from "./conv_form.ts";
import { blockWeights } from "./conv_packing.ts";
import { convBindings, type ConvStep, epilogueConstants, stepOf } from "./conv_step.ts";
import { idleFactor, LOAD_COST, workgroupSize } from "./conv_tile.ts";
import { blocked, i32, type Kernel, vec2i } from "./kernel.ts";
import { linearGroups } from "./linear.ts";
import type { Target } from "./target.ts";

/** Rows of four pixels that one thread computes, of one output block. */
export type WinogradTile = { readonly rows: number };

/** Pixels of a row that are computed together, and products for them of a row of weights. */
const OUTPUTS = 4, PRODUCTS = 6;

/** Operations on cells, eight of which are the unit of `candidate.ts`: the transforms of a row of inputs, and of the weights of a block. */
const INPUT_TRANSFORM = 17 / 8, WEIGHT_TRANSFORM = 12 * 8 / 8;

function winogradConv(step: ConvStep, { rows }: WinogradTile, pitch: number, target: Target): Kernel[] {
  const output = step.y.layout;
  const tilesX = Math.ceil(output.width / OUTPUTS), tiles = tilesX * Math.ceil(output.height / rows);
  const weights = blockWeights(step, pitch), workgroup = workgroupSize(target);
  return [...weights.before, {
    label: `conv 3x3 s1 winograd 4x${rows}x4`,
    shader: "conv/winograd.wgsl",
    constants: { ROWS: rows, WORKGROUP: workgroup, ...epilogueConstants(step) },
    parameters: {
      input: blocked(step.x.layout),
      output: blocked(output),
      residual: blocked(step.residual?.layout ?? output),
      pad: vec2i(step.attributes.pads[1], step.attributes.pads[0]),
      tilesX: i32(tilesX),
      tiles: i32(tiles),
      ...weights.parameters,
    },
    bindings: convBindings(step, weights.binding),
    workgroups: linearGroups(tiles * weights.layers * output.batch, workgroup),
  }];
}

/** True where this kernel can compute the convolution. Its sums are not exact where those of whole numbers have to be. */
export function winogradApplies(form: ConvForm): boolean {
  const plain = asConvolution(form);
  if (plain === undefined || form.whole) return false;
  const { attributes: { groups, strides, dilations }, weight } = plain, [kh, kw] = weight.shape.slice(2);
  return groups === 1 && kh === 3 && kw === 3 && [...strides, ...dilations].every((one) => one === 1);
}

/** Winograd's convolution among the kernels of convolutions; weights are constants. */
export const winogradCandidate: ConvCandidate<WinogradTile> = {
  name: "winograd",
  shaders: ["conv/winograd.wgsl"],
  applies: winogradApplies,
  accepts: acceptsChannelRange,
  variants: (_, { adapter, halfProducts }) =>
    adapter === "software" && !halfProducts
      ? { usual: [{ rows: 10 }, { rows: 8 }], measured: [{ rows: 5 }, { rows: 4 }] }
      // Never measured on hardware yet, nor beside products in f16.
      : { usual: [], measured: [{ rows: 1 }, { rows: 2 }, { rows: 4 }, { rows: 10 }] },
  cost({ weight, firstChannel, output: { width, height, batch, channels } }, { rows }, { adapter }) {
    const inBlocks = Math.ceil((firstChannel % 4 + weight.shape[1]) / 4);
    const threads = Math.ceil(width / OUTPUTS) * Math.ceil(height / rows) * Math.ceil(channels / 4) * batch;
    const loads = PRODUCTS * (rows + 2) + 4 * 9;
    const each = 3 * PRODUCTS * rows + INPUT_TRANSFORM * (rows + 2) + WEIGHT_TRANSFORM + LOAD_COST * loads;
    return threads * inBlocks * each * idleFactor(threads, adapter);
  },
  kernels: (_, context, tile, { adapter }) =>
    winogradConv(asConvolution(stepOf(context))!, tile, context.pitch, adapter),
};
