/**
 * The option that says when learning rates fall, of all that trains.
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
