/**
 * All mutants.
 *
 * @module
 */

import type { Mutant } from "../mutant.ts";
import { DETECTION_MUTANTS } from "./detection.ts";
import { DEVICE_MUTANTS } from "./device.ts";
import { HOST_MUTANTS } from "./host.ts";
import { INPUT_MUTANTS } from "./input.ts";
import { PRUNING_MUTANTS } from "./pruning.ts";
import { QUANTIZATION_MUTANTS } from "./quantization.ts";
import { TRAINING_MUTANTS } from "./training.ts";

/** In the order in which they are tried. */
export const MUTANTS: readonly Mutant[] = [
  ...DEVICE_MUTANTS,
  ...INPUT_MUTANTS,
  ...HOST_MUTANTS,
  ...DETECTION_MUTANTS,
  ...QUANTIZATION_MUTANTS,
  ...TRAINING_MUTANTS,
  ...PRUNING_MUTANTS,
];
