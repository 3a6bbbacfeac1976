/**
 * The validation of a training run: averaged weights measured on pictures that are not trained on, and who is told of it.
 *
 * @module
 */

import type { Dataset } from "../data/dataset.ts";
import { Detector } from "../detect/detector.ts";
import { COCO_SETTINGS, evaluate, type Evaluation } from "../eval/evaluate.ts";
import type { Graph } from "../graph/mod.ts";
import type { LoopOptions, Weights } from "../train/loop/loop.ts";
import type { Score } from "../train/loop/record.ts";
import type { TrainOptions } from "./train_options.ts";

/** Measures what is made of weights on a data set. */
function validator(
  made: (weights: Weights) => Graph,
  dataset: Dataset,
  { quantize, precision: trained, signal, workers, tuning, memoryLimit, onValidated }: TrainOptions,
  found: (evaluation: Evaluation) => void,
): (weights: Weights) => Promise<Score> {
  const precision = quantize === "int8" ? "int8" : trained;
  return async (weights) => {
    const detector = await Detector.load(made(weights), { ...COCO_SETTINGS, precision, tuning, memoryLimit });
    try {
      const evaluation = await evaluate(detector, dataset, {
        workers,
        onProgress: (done, total) => {
          signal?.throwIfAborted();
          onValidated?.(done, total);
        },
      });
      found(evaluation);
      const { map, map50 } = evaluation;
      return { map, map50 };
    } finally {
      detector.destroy();
    }
  };
}

/** What is validated, and what the caller is told of it: the figures, and of a best epoch all that was found. */
export function validated(
  made: (weights: Weights) => Graph,
  dataset: Dataset | undefined,
  options: TrainOptions,
): Pick<LoopOptions, "validate" | "onEpoch"> {
  const { onEpoch, onBest } = options;
  let last: Evaluation | undefined;
  const validate = dataset && validator(made, dataset, options, (evaluation) => last = evaluation);
  return {
    validate,
    async onEpoch(record, run) {
      const evaluation = last;
      last = undefined;
      if (evaluation && run.best?.epoch === record.epoch) await onBest?.(evaluation, record);
      await onEpoch?.(record, run);
    },
  };
}
