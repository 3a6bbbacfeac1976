/**
 * Options that suit short training of models that have learned already, of all verbs that train.
 *
 * @module
 */

import { Option } from "npm:@commander-js/extra-typings@15.1.0";

/** `--decay-by`. */
export function decayByOption() {
  return new Option(
    "--decay-by <unit>",
    "learning rates fall from epoch to epoch, or from step to step, which suits runs of few epochs; epoch by default",
  ).choices(["epoch", "step"] as const);
}

/** `--fixed-norm`. */
export function fixedNormOption() {
  return new Option(
    "--fixed-norm",
    "BatchNormalization keeps the statistics that the model has, folded into the convolutions: for models that have learned, in small batches",
  );
}
