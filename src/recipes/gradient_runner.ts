/**
 * A runner that also differentiates the loss of detectors, for passes that ask for gradients.
 *
 * @module
 */

import type { Runner } from "../compress/runner.ts";
import { createSessionRunner, type SessionRunner } from "../engine/session_runner.ts";
import type { SessionOptions } from "../engine/session.ts";
import { FeatherdetError, type Graph } from "../graph/mod.ts";
import { createTrainer, type DetectionTrainer } from "./detection_trainer.ts";

/** A runner on the device with gradients, and how to free all that it holds. */
export type GradientRunner = SessionRunner & Required<Runner>;

/**
 * Runs graphs as `createSessionRunner` does, and finds gradients of the loss of its head. Labels are `boxes` `[batch, rows, 5]`, as
 * `takeLabelledSamples` makes them. BatchNormalization normalises by the batch, so that a run of several samples together is closer to
 * training. Models whose BatchNormalization is folded have no gradients here: `adaptStatistics` gives it back.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDataset } from "../data/open.ts";
 * import { yolo11 } from "../models/yolo11.ts";
 * import { prunePass } from "../compress/prune/mod.ts";
 * import { passStep, runPasses } from "../compress/pass.ts";
 * import { createGradientRunner } from "./gradient_runner.ts";
 * import { takeLabelledSamples } from "./labelled_samples.ts";
 * const dataset = await openDataset("synthetic", { split: "train", limit: 2, size: 64 });
 * const model = yolo11({ width: 0.0625, size: 64, classes: dataset.classes });
 * const runner = createGradientRunner();
 * const { reports: [{ report }] } = await runPasses(model, [passStep(prunePass, { budget: { gflops: 0.7 } })], {
 *   source: { samples: takeLabelledSamples(dataset, { size: 64 }), runner, together: 2 },
 * });
 * runner.destroy();
 * assert.equal(report.criterion, "taylor");
 * assert.ok(report.after.gflops <= 0.7 * report.before.gflops);
 * ```
 *
 * Asking for gradients throws FeatherdetError as `createTrainer` does, and for labels that are not boxes, as many for each run.
 */
export function createGradientRunner(options: Omit<SessionOptions, "shapes"> = {}): GradientRunner {
  const runner = createSessionRunner(options);
  const trainers = new Map<Graph, Promise<DetectionTrainer>>();
  const release = (graph: Graph) => {
    const trainer = trainers.get(graph);
    trainers.delete(graph);
    trainer?.then((made) => made.destroy(), () => {});
    runner.release(graph);
  };
  return {
    run: (graph, inputs) => runner.run(graph, inputs),
    async gradients(graph, { inputs, labels: { boxes } }, constants) {
      const [{ name, shape: [batch] }] = graph.inputs;
      if (boxes?.shape.length !== 3 || boxes.shape[0] !== batch || boxes.shape[2] !== 5) {
        throw new FeatherdetError(`labels are "boxes" [${batch},rows,5], given were [${boxes?.shape ?? ""}]`, {
          file: graph.name,
        });
      }
      const known = trainers.get(graph);
      const made = known ?? createTrainer(graph, { boxes: boxes.shape[1] });
      if (!known) trainers.set(graph, made);
      const trainer = await made.catch((error) => {
        // The next run of this graph begins anew.
        if (trainers.get(graph) === made) trainers.delete(graph);
        throw error;
      });
      if (trainer.boxes !== boxes.shape[1]) {
        throw new FeatherdetError(
          `labels of one run have ${trainer.boxes} rows for boxes, those of another ${boxes.shape[1]}`,
        );
      }
      let gradients: ReadonlyMap<string, Float32Array>;
      try {
        await trainer.step({ images: inputs[name].data, boxes: boxes.data });
        gradients = await trainer.session.gradients();
      } catch (error) {
        // As above, on a device that works.
        if (trainers.get(graph) === made) release(graph);
        throw error;
      }
      return new Map(constants.flatMap((name) => gradients.has(name) ? [[name, gradients.get(name)!] as const] : []));
    },
    release,
    destroy() {
      for (const graph of [...trainers.keys()]) release(graph);
      runner.destroy();
    },
  };
}
