/**
 * Convolution 3x3 of stride 1 with half of the products, by Winograd's minimal filtering along rows. Shader:
 * `shaders/conv/winograd.wgsl`.
 *
 * @module
 */

import {
  acceptsChannelRange,
  asConvolution,
  type ConvCandidate,
  type ConvForm,
  type ConvShape,
  mayHaveFewBits,
} from "./conv_form.ts";
import { convBindings, type ConvStep, epilogueConstants, stepOf } from "./conv_step.ts";
import { blockWeights } from "./conv_weights.ts";
import { idleFactor, LOAD_COST, type MapExtent, workgroupSize } from "./conv_tile.ts";
import { blocked, i32, type Kernel, vec2i } from "./kernel.ts";
import { linearGroups } from "./linear.ts";
import type { KernelTarget, Target } from "./target.ts";

/** Rows of four pixels that one thread computes, of one output block. */
export type WinogradTile = { readonly rows: number };

/** Pixels of a row that are computed together, and products for them of a row of weights. */
const OUTPUTS = 4, PRODUCTS = 6;

/** Operations on cells, eight of which are the unit of `candidate.ts`: the transforms of a row of inputs, and of the weights of a block. */
const INPUT_TRANSFORM = 17 / 8, WEIGHT_TRANSFORM = 12 * 8 / 8;

/** Tiles in a row of a map, and in all of it. */
export function winogradTiles(
  { width, height }: MapExtent,
  rows: number,
): { readonly tilesX: number; readonly tiles: number } {
  const tilesX = Math.ceil(width / OUTPUTS);
  return { tilesX, tiles: tilesX * Math.ceil(height / rows) };
}

/** Cost of the convolution, in the unit of `candidate.ts`; `weightLoads` bring the weights of an input block. */
export function winogradCost(
  { weight, firstChannel, output }: Pick<ConvForm, "weight" | "firstChannel" | "output">,
  rows: number,
  weightLoads: number,
  target: Target,
): number {
  const inBlocks = Math.ceil((firstChannel % 4 + weight.shape[1]) / 4);
  const threads = winogradTiles(output, rows).tiles * Math.ceil(output.channels / 4) * output.batch;
  const loads = PRODUCTS * (rows + 2) + weightLoads;
  const each = 3 * PRODUCTS * rows + INPUT_TRANSFORM * (rows + 2) + WEIGHT_TRANSFORM + LOAD_COST * loads;
  return threads * inBlocks * each * idleFactor(threads, target);
}

function winogradConv(step: ConvStep, { rows }: WinogradTile, pitch: number, target: KernelTarget): Kernel[] {
  const output = step.y.layout, { firstChannel = 0, weight } = step;
  const { tilesX, tiles } = winogradTiles(output, rows);
  const mayBePacked = !target.floatWeights &&
    mayHaveFewBits({ trained: step.trained !== undefined, firstChannel, weight });
  const weights = blockWeights(step, pitch, mayBePacked), workgroup = workgroupSize(target.adapter);
  return [...weights.before, {
    label: `conv 3x3 s1 winograd 4x${rows}x4${weights.bits < 32 ? ` w${weights.bits}` : ""}`,
    shader: "conv/winograd.wgsl",
    constants: {
      ROWS: rows,
      ...weights.bits < 32 && { WEIGHT_BITS: weights.bits },
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
      ...weights.parameters,
    },
    bindings: convBindings(step, weights.binding),
    workgroups: linearGroups(tiles * weights.groups * output.batch, workgroup),
  }];
}

/** True of a convolution of 3x3, stride 1 and one group. */
export function isWinogradShape({ attributes: { groups, strides, dilations }, weight }: ConvShape): boolean {
  const [kh, kw] = weight.shape.slice(2);
  return groups === 1 && kh === 3 && kw === 3 && [...strides, ...dilations].every((one) => one === 1);
}

/** True where this kernel can compute the convolution. Its sums are not exact where those of whole numbers have to be. */
export function winogradApplies(form: ConvForm): boolean {
  const plain = asConvolution(form);
  return plain !== undefined && !form.whole && isWinogradShape(plain);
}

/** Winograd's convolution among the kernels of convolutions; weights are constants. */
export const winogradCandidate: ConvCandidate<WinogradTile> = {
  name: "winograd",
  shaders: ["conv/winograd.wgsl"],
  applies: winogradApplies,
  accepts(fusions, form) {
    const others = new Set(fusions), packed = others.delete("low-bit weights");
    return acceptsChannelRange(others, form) && (!packed || mayHaveFewBits(form));
  },
  variants: (_, { adapter, halfProducts }) =>
    adapter === "software" && !halfProducts
      ? { usual: [{ rows: 10 }, { rows: 8 }], measured: [{ rows: 5 }, { rows: 4 }] }
      // Never measured on hardware yet, nor beside products in f16.
      : { usual: [], measured: [{ rows: 1 }, { rows: 2 }, { rows: 4 }, { rows: 10 }] },
  cost: (form, { rows }, { adapter }) => winogradCost(form, rows, 4 * 9, adapter),
  kernels: (_, context, tile, target) => winogradConv(asConvolution(stepOf(context))!, tile, context.pitch, target),
};
