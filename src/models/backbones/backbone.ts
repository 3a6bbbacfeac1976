/**
 * What a backbone is: the part of a network that turns a picture into features at strides 8, 16 and 32. Necks, heads and
 * classifiers build on this and know no family.
 *
 * @module
 */

import type { ModelBuilder } from "../builder.ts";
import { checkFactor } from "../option_checks.ts";

/** Names of the values `[N, C, height / stride, width / stride]` that a backbone hands on. */
export interface Features {
  /** Stride 8. */
  readonly p3: string;
  /** Stride 16. */
  readonly p4: string;
  /** Stride 32. */
  readonly p5: string;
}

/** How a backbone differs from the published one. */
export interface BackboneOptions {
  /** Factor on the published channels; 1 by default. */
  readonly width?: number;
  /** Factor on the published number of blocks in a row; 1 by default. */
  readonly depth?: number;
}

/**
 * Appends a backbone below `path` (`""` for names without a prefix) that reads `input`, `[N, 3, H, W]` with H and W multiples
 * of 32, and returns its features. Throws FeatherdetError for factors that are not positive.
 */
export type Backbone = (b: ModelBuilder, path: string, input: string, options?: BackboneOptions) => Features;

/** Appends what follows a backbone in its classifier, below the same path, and returns logits `[N, classes]`. */
export type ClassifierTop = (
  b: ModelBuilder,
  path: string,
  p5: string,
  options: BackboneOptions & { readonly classes: number },
) => string;

/** Path of a part; parts of the path `""` have no prefix. */
export function below(path: string, part: string): string {
  return path === "" ? part : `${path}.${part}`;
}

/** Factors with their defaults; throws FeatherdetError unless they are positive. */
export function factorsOf({ width = 1, depth = 1 }: BackboneOptions = {}): Required<BackboneOptions> {
  checkFactor("backbone", "width", width);
  checkFactor("backbone", "depth", depth);
  return { width, depth };
}

/**
 * The multiple of `divisor` nearest to `channels`, but never less than 90 % of it, nor 0: how the MobileNets and EfficientNets
 * round widths (Sandler et al. 2018).
 */
export function makeDivisible(channels: number, divisor = 8): number {
  const nearest = Math.max(divisor, Math.floor(channels / divisor + 0.5) * divisor);
  return nearest < 0.9 * channels ? nearest + divisor : nearest;
}

/** Blocks in a row after scaling: rounded up, so at least one (Tan and Le 2019). */
export function scaledRepeats(repeats: number, depth: number): number {
  return Math.ceil(repeats * depth);
}
