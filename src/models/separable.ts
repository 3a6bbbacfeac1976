/**
 * Depthwise separable convolution (Howard et al. 2017), what light necks and heads are made of.
 *
 * @module
 */

import type { Activation, ModelBuilder } from "./builder.ts";

/** Activation of light necks and heads: hard-swish, as in PP-PicoDet (Yu et al. 2021); it has no exponential. */
export const LIGHT_ACTIVATION: Activation = "hardswish";

/** Form of a separable convolution. */
export interface SeparableOptions {
  /** Output channels. */
  readonly out: number;
  /** Side of the depthwise kernel; 5 by default: on few channels a larger window costs little beside the 1x1 (Yu et al. 2021). */
  readonly kernel?: 3 | 5;
  /** 1 by default. */
  readonly stride?: number;
}

/** A depthwise convolution `PATH.depthwise` and a 1x1 `PATH.pointwise`, each with BatchNormalization and activation. */
export function separable(
  b: ModelBuilder,
  path: string,
  x: string,
  { out, kernel = 5, stride = 1 }: SeparableOptions,
): string {
  const channels = b.channels(x), act = LIGHT_ACTIVATION;
  const depthwise = b.convBlock(`${path}.depthwise`, x, { out: channels, kernel, stride, groups: channels, act });
  return b.convBlock(`${path}.pointwise`, depthwise, { out, act });
}
