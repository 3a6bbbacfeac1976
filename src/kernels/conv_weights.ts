/**
 * Weights of a convolution of one group as its kernel binds them: in floats, or in few bits where these hold them.
 *
 * @module
 */

import {
  bindWeights,
  type BoundWeights,
  densePacking,
  packedExtent,
  packingSource,
  type WeightPacking,
} from "./conv_packing.ts";
import { type ConvStep, epilogueParameters } from "./conv_step.ts";
import { i32, type Parameters } from "./kernel.ts";
import { levelsOf, packLowBit } from "./low_bit_weights.ts";

/** Bound weights, the bits of each, and how many groups of output blocks they are for. */
export interface GroupedWeights extends BoundWeights {
  readonly bits: number;
  readonly groups: number;
}

/** Binds weights in one, two or four bits each where these hold them and that is `allowed`, in floats elsewhere. */
export function bindInFewBits(step: ConvStep, packing: WeightPacking, allowed: boolean): GroupedWeights {
  const groups = packedExtent(packing).layers;
  const levels = allowed && !step.trained ? levelsOf(packing, step.weight.data) : undefined;
  if (levels === undefined) return { ...bindWeights(step, packing), bits: 32, groups };
  const weights = packLowBit(packing, levels, step);
  return { ...weights, binding: { kind: "int8 weights", weights }, before: [], bits: levels.bits, groups };
}

/**
 * The weights of a convolution of one group, an output block a layer, and the parameters that tell where they and what they meet lie: the last
 * ones of shaders that read them as `shaders/conv/direct.wgsl` does with `OUT_BLOCKS` of 1. In few bits only where that is `allowed`.
 */
export function blockWeights(
  step: ConvStep,
  pitch: number,
  allowed = false,
): GroupedWeights & { readonly parameters: Parameters } {
  const { firstChannel = 0 } = step, packing = densePacking(packingSource(step), 1, firstChannel % 4);
  const weights = bindInFewBits(step, packing, allowed);
  return {
    ...weights,
    parameters: {
      layers: i32(weights.groups),
      firstBlock: i32(firstChannel >> 2),
      inBlocks: i32(packing.inBlocks),
      pitch: i32(pitch),
      weightColumns: i32(weights.columns),
      weightRows: i32(weights.rows),
      ...epilogueParameters(step),
    },
  };
}
