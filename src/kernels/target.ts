/**
 * What kernels are chosen for.
 *
 * @module
 */

/** Kind of adapter: threads of a software adapter are vector lanes of a few cores, those of hardware are many and small. */
export type Target = "software" | "hardware";

/** What kernels are chosen for. What else a device can do, as candidates come that need it, is one more member. */
export interface KernelTarget {
  readonly adapter: Target;
  /** Packed dot products of bytes passed the check of the device. */
  readonly packedDot: boolean;
  /** Weights stay in floats also where one, two or four bits would hold them. */
  readonly floatWeights: boolean;
  /** Products of convolutions may be computed in f16; false unless given. */
  readonly halfProducts?: boolean;
  /** Kernels that compile quickly come before those that run quickly, everywhere or where weights are trained; false unless given. */
  readonly light?: boolean | "trained";
}
