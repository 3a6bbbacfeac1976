/**
 * How parameters move in tests of training sessions.
 *
 * @module
 */

import type { UpdateSettings } from "../../src/train/loop/trainer.ts";

/** Every group at a rate of its own, with decay, an average that moves fast, and clipping. */
export const SETTINGS: UpdateSettings = {
  learningRates: { weight: 0.02, bias: 0.05, norm: 0.01 },
  momentum: 0.9,
  weightDecay: 0.01,
  averageDecay: 0.7,
  clipNorm: 10,
};
