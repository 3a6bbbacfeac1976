/**
 * Noise-aware training: a model is trained as an analog array computes it, with converters of few bits and noise on the sums, so that its
 * weights come to bear them (Joshi et al. 2020, https://doi.org/10.1038/s41467-020-16108-9).
 *
 * @module
 */

import { analogGraph, analogLayers, type AnalogOptions, type AnalogRanges } from "../../compress/analog/mod.ts";
import { FeatherdetError } from "../../graph/mod.ts";
import { PLAIN, type TrainingVariant } from "../variant.ts";

/** What is trained for. */
export interface AnalogTrainingOptions extends Omit<AnalogOptions, "weights"> {
  /** What the converters span, as it was seen before training; it stays. */
  readonly ranges: AnalogRanges;
}

/**
 * Training behind an analog array. Gradients pass roundings and noise as if they were not there. Noise is another one in every step, since
 * it follows from the numbers that it is added to, and a run that is stopped continues bit by bit. The model stays what it is: what it is
 * worth on the array is measured with `analogGraph`. Its `trainable` throws FeatherdetError for a model with frozen parts, and as
 * `analogGraph` does.
 */
export function analog({ ranges, ...options }: AnalogTrainingOptions): TrainingVariant {
  return {
    ...PLAIN,
    name: "analog",
    settings: { analog: { ranges, ...options } },
    trainable(model) {
      if (model.frozen.size > 0) {
        throw new FeatherdetError(
          "training for an analog array changes the model alone: it comes before what adds frozen parts",
        );
      }
      // Biases are added behind the converters, where their place does not say that they are trained.
      const biases = analogLayers(model.graph).flatMap(({ node: { inputs: [, , bias] } }) => bias ?? []);
      const trained = new Map([...model.trained, ...biases.map((bias) => [bias, "bias"] as const)]);
      return { ...model, trained, graph: analogGraph(model.graph, ranges, { ...options, weights: "trained" }) };
    },
  };
}
