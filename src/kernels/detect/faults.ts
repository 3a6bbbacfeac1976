/**
 * What a decoder found in a model's output that no detection head can mean: bits of one number an image, the same as in
 * `shaders/detect/tensor.wgsl`.
 *
 * @module
 */

/** Bits of the faults of an image. */
export const FAULTS = {
  /** A score outside 0..1. */
  score: 1,
  /** A box of what is no number. */
  box: 2,
  /** A class that is no class number. */
  class: 4,
} as const;
