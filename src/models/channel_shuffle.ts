/**
 * Channel shuffle (Zhang et al. 2018): channels of several groups dealt out like cards, so that the next layer's groups see all.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { ModelBuilder } from "./builder.ts";

/**
 * Channel `g * C / groups + i` of `[N, C, H, W]` becomes channel `i * groups + g`: `PATH.split`, `PATH.swap`, `PATH.merge`
 * (Reshape, Transpose, Reshape, as exporters write it; the planner runs the three as one).
 *
 * Throws FeatherdetError if the channels do not divide into the groups.
 */
export function channelShuffle(b: ModelBuilder, path: string, x: string, groups: number): string {
  const [batch, channels, height, width] = b.shapeOf(x);
  if (channels % groups !== 0) {
    throw new FeatherdetError(`channel shuffle: ${channels} channels do not divide into ${groups} groups`, {
      node: path,
    });
  }
  const split = b.reshape(`${path}.split`, x, [batch, groups, channels / groups, height, width]);
  const swapped = b.transpose(`${path}.swap`, split, [0, 2, 1, 3, 4]);
  return b.reshape(`${path}.merge`, swapped, [batch, channels, height, width]);
}
