/**
 * Every convolution and transposed convolution: simple loops, for what has no kernel of its own. Shader:
 * `shaders/conv/general.wgsl`.
 *
 * @module
 */

import type { ConvAttributes } from "../graph/operators.ts";
import { acceptsEpilogue, type ConvCandidate, type ConvForm } from "./conv_form.ts";
import { convBindings, type ConvStep, epilogueConstants, epilogueParameters, stepOf } from "./conv_step.ts";
import { idleFactor, LOAD_COST, type MapExtent } from "./conv_tile.ts";
import { bindWeights, groupedPacking, packingSource } from "./conv_packing.ts";
import { blocked, blocksOf, i32, type Kernel, vec2i } from "./kernel.ts";
import { linearGroups, STRIP, stripsOf } from "./linear.ts";
import type { Target } from "./target.ts";

/** How groups lie in the channels. */
export interface Grouping {
  readonly inputsPerGroup: number;
  readonly outputsPerGroup: number;
  /** Input blocks that an output block runs over. */
  readonly inBlocks: number;
  /** The first of them. */
  readonly firstBlock: (outBlock: number) => number;
}

/** The grouping of a convolution. */
export function groupingOf(
  { groups }: Pick<ConvAttributes, "groups">,
  input: Pick<MapExtent, "channels">,
  output: Pick<MapExtent, "channels">,
): Grouping {
  const inputs = input.channels, outputs = output.channels;
  const inputsPerGroup = inputs / groups, outputsPerGroup = outputs / groups;
  const wanted = (outBlock: number) => Math.floor(4 * outBlock / outputsPerGroup) * inputsPerGroup >> 2;
  let inBlocks = 1;
  for (let block = 0; block < blocksOf(output); block++) {
    const lastGroup = Math.floor(Math.min(4 * block + 3, outputs - 1) / outputsPerGroup);
    const lastInput = (lastGroup + 1) * inputsPerGroup - 1;
    inBlocks = Math.max(inBlocks, (lastInput >> 2) - wanted(block) + 1);
  }
  // The run of the last output blocks is moved back so that it ends within the input.
  const latest = blocksOf(input) - inBlocks;
  return { inputsPerGroup, outputsPerGroup, inBlocks, firstBlock: (outBlock) => Math.min(wanted(outBlock), latest) };
}

/** How much a thread computes. */
export type GeneralVariant = {
  /** Pixels in a row. */
  readonly strip: number;
};

/**
 * Describes the dispatch of a convolution, transposed or not, after that which packs its weights where they are trained. A thread
 * computes `strip` pixels of a row.
 */
export function generalConv(step: ConvStep, pitch: number, strip = STRIP): Kernel[] {
  const { strides, pads, dilations } = step.attributes;
  const [kh, kw] = step.weight.shape.slice(2);
  const { inputsPerGroup, outputsPerGroup, inBlocks } = groupingOf(step.attributes, step.x.layout, step.y.layout);
  const packing = groupedPacking(packingSource(step, false), inBlocks, blocksOf(step.x.layout) - inBlocks);
  const weights = bindWeights(step, packing);
  const workgroup = 32;
  return [...weights.before, {
    label: `conv ${step.transposed ? "transposed" : "general"} ${kh}x${kw}${strip === STRIP ? "" : ` ${strip}x1`}`,
    shader: "conv/general.wgsl",
    constants: {
      TRANSPOSED: step.transposed ? 1 : 0,
      ...strip === STRIP ? {} : { STRIP: strip },
      WORKGROUP: workgroup,
      ...epilogueConstants(step),
    },
    parameters: {
      input: blocked(step.x.layout),
      output: blocked(step.y.layout),
      residual: blocked(step.residual?.layout ?? step.y.layout),
      kernel: vec2i(kw, kh),
      stride: vec2i(strides[1], strides[0]),
      pad: vec2i(pads[1], pads[0]),
      dilation: vec2i(dilations[1], dilations[0]),
      inputsPerGroup: i32(inputsPerGroup),
      outputsPerGroup: i32(outputsPerGroup),
      inBlocks: i32(inBlocks),
      pitch: i32(pitch),
      weightColumns: i32(weights.columns),
      weightRows: i32(weights.rows),
      ...epilogueParameters(step),
    },
    bindings: convBindings(step, weights.binding),
    workgroups: linearGroups(stripsOf(step.y.layout, strip), workgroup),
  }];
}

/** What the loops of the general kernel cost besides their loads and products; that of hardware is a guess. */
const LOOPS: { readonly [T in Target]: number } = { software: 1.5, hardware: 4 };

/** Cost of a convolution by simple loops over strips of pixels, in the unit of `candidate.ts`; `weightLoads` bring four by four weights. */
export function generalCost(
  { attributes, weight, input, output }: ConvForm,
  strip: number,
  target: Target,
  weightLoads = 4,
): number {
  const [kh, kw] = weight.shape.slice(2);
  const { inBlocks } = groupingOf(attributes, input, output);
  const threads = Math.ceil(output.width / strip) * output.height * blocksOf(output) * output.batch;
  const each = kh * kw * inBlocks * (strip + LOAD_COST * (strip + weightLoads));
  return LOOPS[target] * threads * each * idleFactor(threads, target);
}

/** The general convolution among the kernels of convolutions: it computes every one. */
export const generalCandidate: ConvCandidate<GeneralVariant> = {
  name: "general",
  shaders: ["conv/general.wgsl"],
  applies: () => true,
  accepts: acceptsEpilogue,
  variants: ({ output: { width } }) => ({ usual: [{ strip: STRIP }, ...width === 1 ? [{ strip: 1 }] : []] }),
  cost: (form, { strip }, { adapter }) => generalCost(form, strip, adapter),
  kernels: (_, context, { strip }) => generalConv(stepOf(context), context.pitch, strip),
};
