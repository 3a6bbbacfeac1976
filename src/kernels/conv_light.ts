/**
 * Convolution by one short shader for all kernels, strides and paddings, dense and depthwise, which is compiled in a fraction of a second: for
 * first runs, before the kernels that run faster are compiled. Its sums are those of the direct and depthwise kernels, bit for bit. Shader: `shaders/conv/light.wgsl`.
 *
 * @module
 */

import { activationConstants } from "./activation.ts";
import { asConvolution, type ConvCandidate, type ConvShape } from "./conv_form.ts";
import { type ConvStep, epilogueParameters, stepOf } from "./conv_step.ts";
import { workgroupSize } from "./conv_tile.ts";
import { bindWeights, densePacking, packedExtent, packingSource, type WeightPacking } from "./conv_packing.ts";
import { blocked, blocksOf, i32, type Kernel, u32, vec2i } from "./kernel.ts";
import { linearGroups } from "./linear.ts";
import type { Target } from "./target.ts";

/** Pixels in a row and output blocks of four channels that one thread computes. */
export type LightTile = { readonly strip: number; readonly outBlocks: number };

/** True where this kernel can compute the convolution. */
export function lightApplies(
  { attributes: { groups, dilations }, weight: { shape: [outputs, inputs] } }: ConvShape,
): boolean {
  return (groups === 1 || groups === outputs && inputs === 1) && dilations.every((one) => one === 1);
}

/** Blocks of the input that layers of weights go with, and how the weights lie. */
function packingOf(step: ConvStep, outBlocks: number): { readonly packing: WeightPacking; readonly blockStep: number } {
  const dense = densePacking(packingSource(step), outBlocks, (step.firstChannel ?? 0) % 4);
  if (step.attributes.groups === 1) return { packing: dense, blockStep: 0 };
  const blocks = blocksOf(step.x.layout), inBlocks = Math.min(outBlocks, blocks);
  const own = { inBlocks, inputsPerGroup: 1, outputsPerGroup: 1, latestBlock: blocks - inBlocks };
  return { packing: { ...dense, ...own }, blockStep: outBlocks };
}

/** Describes the dispatch, after that which packs the weights where they are trained. */
export function lightConv(step: ConvStep, { strip, outBlocks }: LightTile, pitch: number, target: Target): Kernel[] {
  const { strides, pads } = step.attributes;
  const [kh, kw] = step.weight.shape.slice(2);
  const { activation, residual, firstChannel = 0 } = step;
  const output = step.y.layout;
  const { packing, blockStep } = packingOf(step, outBlocks);
  const weights = bindWeights(step, packing), { layers } = packedExtent(packing);
  const workgroup = workgroupSize(target);
  const across = Math.ceil(output.width / strip), strips = across * output.height;
  // Layers without an activation share the pipeline of the others, of which there are more in every network.
  const activates = activation.name !== "None";
  return [...weights.before, {
    label: `conv light ${strip}x1x${4 * outBlocks}`,
    shader: "conv/light.wgsl",
    constants: {
      STRIP: strip,
      OUT_BLOCKS: outBlocks,
      WORKGROUP: workgroup,
      ...activationConstants(activates ? activation : { ...activation, name: "Silu" }),
    },
    parameters: {
      input: blocked(step.x.layout),
      output: blocked(output),
      residual: blocked(residual?.layout ?? output),
      kernel: vec2i(kw, kh),
      stride: vec2i(strides[1], strides[0]),
      pad: vec2i(pads[1], pads[0]),
      across: i32(across),
      strips: i32(strips),
      layers: i32(layers),
      firstBlock: i32(firstChannel >> 2),
      inBlocks: i32(packing.inBlocks),
      blockStep: i32(blockStep),
      latestBlock: i32(packing.latestBlock),
      pitch: i32(pitch),
      weightColumns: i32(weights.columns),
      weightRows: i32(weights.rows),
      ...epilogueParameters(step),
      activates: u32(activates ? 1 : 0),
      adds: u32(residual ? 1 : 0),
    },
    bindings: [
      { kind: "read", value: step.x.value },
      weights.binding,
      { kind: "write", value: step.y.value },
      { kind: "read", value: residual?.value ?? step.x.value },
    ],
    workgroups: linearGroups(strips * layers * output.batch, workgroup),
  }];
}

/** The light convolution, which competes only where first runs are planned (`KernelTarget.light`). */
export const lightCandidate: ConvCandidate<LightTile> = {
  name: "light",
  shaders: ["conv/light.wgsl"],
  applies(form) {
    const plain = asConvolution(form);
    return plain !== undefined && lightApplies(plain);
  },
  accepts: (fusions, { attributes, transposed, trained }) =>
    [...fusions].every((fusion) =>
      fusion === "activation" || fusion === "residual" ||
      fusion === "channel range" && attributes.groups === 1 && !transposed && !trained
    ),
  variants: () => ({
    usual: [{ strip: 10, outBlocks: 2 }],
  }),
  cost: () => 0,
  kernels: (_, context, tile, { adapter }) => lightConv(asConvolution(stepOf(context))!, tile, context.pitch, adapter),
};
