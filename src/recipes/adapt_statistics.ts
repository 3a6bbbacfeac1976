/**
 * Statistics of BatchNormalization for weights that come without them.
 *
 * @module
 */

import type { Dataset } from "../data/dataset.ts";
import { createSessionRunner } from "../engine/session_runner.ts";
import { takeCalibrationSamples } from "../eval/calibration.ts";
import type { Graph } from "../graph/mod.ts";
import { withBatch } from "../passes/mod.ts";
import { estimateStatistics } from "../train/autodiff/statistics.ts";

/** Pictures from which statistics are estimated, at most. */
const STATISTICS_PICTURES = 64;

/**
 * Measures BatchNormalization statistics of a model on pictures of the data set, without changing what the model computes. Use it before
 * you train weights further that were read from a file with BatchNormalization folded in. See `train/autodiff/statistics.ts`.
 */
export async function adaptStatistics(model: Graph, dataset: Dataset): Promise<Graph> {
  const single = withBatch(model, 1);
  const [input] = single.inputs;
  const [height, width] = input.shape.slice(2);
  const samples = takeCalibrationSamples(dataset, {
    size: [height, width],
    limit: STATISTICS_PICTURES,
    input: input.name,
  });
  const runner = createSessionRunner();
  try {
    const made = await estimateStatistics(single, samples, (graph, inputs) => runner.run(graph, inputs));
    const constants = new Map(model.constants);
    for (const { op, inputs } of model.nodes) {
      if (op !== "BatchNormalization") continue;
      for (const name of inputs.slice(1)) constants.set(name, made.constants.get(name)!);
    }
    return { ...model, constants };
  } finally {
    runner.destroy();
  }
}
