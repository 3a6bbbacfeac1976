/**
 * Every convolution and transposed convolution: simple loops, for what has no kernel of its own. Shader:
 * `shaders/conv/general.wgsl`.
 *
 * @module
 */

import type { ConvStep } from "./conv_direct.ts";
import { convBindings, epilogueConstants, epilogueParameters } from "./conv_step.ts";
import { bindWeights, groupedPacking, packingSource } from "./conv_packing.ts";
import { blocked, blocksOf, i32, type Kernel, vec2i } from "./kernel.ts";
import { linearGroups, stripsOf } from "./linear.ts";

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
export function groupingOf(step: Pick<ConvStep, "attributes" | "x" | "y">): Grouping {
  const { groups } = step.attributes;
  const inputs = step.x.layout.channels, outputs = step.y.layout.channels;
  const inputsPerGroup = inputs / groups, outputsPerGroup = outputs / groups;
  const wanted = (outBlock: number) => Math.floor(4 * outBlock / outputsPerGroup) * inputsPerGroup >> 2;
  let inBlocks = 1;
  for (let block = 0; block < blocksOf(step.y.layout); block++) {
    const lastGroup = Math.floor(Math.min(4 * block + 3, outputs - 1) / outputsPerGroup);
    const lastInput = (lastGroup + 1) * inputsPerGroup - 1;
    inBlocks = Math.max(inBlocks, (lastInput >> 2) - wanted(block) + 1);
  }
  // The run of the last output blocks is moved back so that it ends within the input.
  const latest = blocksOf(step.x.layout) - inBlocks;
  return { inputsPerGroup, outputsPerGroup, inBlocks, firstBlock: (outBlock) => Math.min(wanted(outBlock), latest) };
}

/** Describes the dispatch of a convolution, transposed or not, after that which packs its weights where they are trained. */
export function generalConv(step: ConvStep, pitch: number): Kernel[] {
  const { strides, pads, dilations } = step.attributes;
  const [kh, kw] = step.weight.shape.slice(2);
  const { inputsPerGroup, outputsPerGroup, inBlocks } = groupingOf(step);
  const packing = groupedPacking(packingSource(step, false), inBlocks, blocksOf(step.x.layout) - inBlocks);
  const weights = bindWeights(step, packing);
  const workgroup = 32;
  return [...weights.before, {
    label: `conv ${step.transposed ? "transposed" : "general"} ${kh}x${kw}`,
    shader: "conv/general.wgsl",
    constants: { TRANSPOSED: step.transposed ? 1 : 0, WORKGROUP: workgroup, ...epilogueConstants(step) },
    parameters: [
      blocked(step.x.layout),
      blocked(step.y.layout),
      blocked(step.residual?.layout ?? step.y.layout),
      vec2i(kw, kh),
      vec2i(strides[1], strides[0]),
      vec2i(pads[1], pads[0]),
      vec2i(dilations[1], dilations[0]),
      i32(inputsPerGroup),
      i32(outputsPerGroup),
      i32(inBlocks),
      i32(pitch),
      i32(weights.columns),
      i32(weights.rows),
      ...epilogueParameters(step),
    ],
    bindings: convBindings(step, weights.binding),
    workgroups: linearGroups(stripsOf(step.y.layout), workgroup),
  }];
}
