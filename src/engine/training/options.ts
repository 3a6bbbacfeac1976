/**
 * What callers say to a training session.
 *
 * @module
 */

import type { OptimizerMethod } from "../../kernels/train/optimizer.ts";
import type { EngineOptions } from "../setup.ts";

/** How a training session is made. */
export interface TrainingSessionOptions extends Omit<EngineOptions, "precision" | "onWarning"> {
  /** How parameters move; default `sgd`. */
  readonly optimizer?: OptimizerMethod;
  /**
   * Element type in which activations and their gradients are stored; default `f32`. Parameters, their gradients, moments and arithmetic
   * are always f32. With `memoryLimit` and without a precision, f16 is taken where nothing else fits.
   */
  readonly precision?: "f32" | "f16";
  /**
   * Whether the backward pass computes activated maps again instead of keeping them; false by default. This takes a bit more than half of
   * the memory for activations, and computes each of them once more. Results are the same. With `memoryLimit` it is
   * done where it has to be. See `train/autodiff/recompute.ts`.
   */
  readonly recompute?: boolean;
  /**
   * `light`: convolutions and their gradients by kernels that compile in a fraction of the time and run more slowly; all steps of the
   * session are made with them. `full`: by those that run fastest. By default `light` on software adapters where steps are small (see
   * `engine/training/light_kernels.ts`), `full` elsewhere. Both compute the same, but for the order of sums.
   */
  readonly start?: "light" | "full";
}
