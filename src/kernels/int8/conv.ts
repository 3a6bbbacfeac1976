/**
 * Convolutions of bytes: which kernel computes a given one.
 *
 * @module
 */

import type { KernelContext } from "../context.ts";
import type { Kernel } from "../kernel.ts";
import { int8DepthwiseApplies, int8DepthwiseConv } from "./conv_depthwise.ts";
import { int8DirectApplies, int8DirectConv } from "./conv_direct.ts";
import { int8GeneralConv } from "./conv_general.ts";
import { chooseArithmetic, int8ConvStep } from "./conv_step.ts";
import { chooseInt8Tile } from "./conv_tile.ts";

/** The dispatch of a Conv in whole numbers; undefined where it has to be computed in floats. */
export function int8Conv(context: KernelContext<"Conv">): Kernel | undefined {
  const { pitch, tile, target = "software" } = context;
  const step = int8ConvStep(context);
  if (step === undefined) return undefined;
  const arithmetic = context.arithmetic ?? chooseArithmetic(step, target, context.packedDot ?? false);
  if (int8DirectApplies(step)) {
    const chosen = tile ?? chooseInt8Tile(step.weight.shape[2], step.attributes.strides[0], step.y.layout, target);
    return int8DirectConv(step, chosen, pitch, target, arithmetic);
  }
  return int8DepthwiseApplies(step)
    ? int8DepthwiseConv(step, pitch, arithmetic)
    : int8GeneralConv(step, pitch, arithmetic);
}
