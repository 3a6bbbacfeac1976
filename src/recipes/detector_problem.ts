/**
 * What a training session is to do with a detector: the variant's graph, the loss of the labels and the variant's own, as one problem.
 *
 * @module
 */

import { FeatherdetError, type Graph, withNodes } from "../graph/mod.ts";
import type { TrainingProblem } from "../engine/training_session.ts";
import { type DetectionLossOptions, type LossGraph, withDetectionLoss } from "../train/losses/detection_loss.ts";
import {
  buildTrainingGraph,
  type GraphLosses,
  isTableOfDistances,
  joinSeeds,
  PLAIN,
  trainableGraph,
  type TrainingOptions,
  type TrainingVariant,
} from "../train/mod.ts";

/** How a detector is trained. */
export interface DetectorProblemOptions
  extends Omit<TrainingOptions, "outputs" | "trained">, Omit<DetectionLossOptions, "keep" | "judges"> {
  /** What is trained in place of the model, and further losses; the model as it is, by its labels alone, by default. */
  readonly variant?: TrainingVariant;
  /** False to leave out the loss of the labels, so that only those of the variant teach; true by default. */
  readonly labels?: boolean;
}

/** A detector's problem. */
export interface DetectorProblem {
  /** As a session takes it. */
  readonly problem: TrainingProblem;
  /** The input of pictures. */
  readonly images: string;
  /** The loss of the labels with its inputs; undefined without labels. */
  readonly label?: LossGraph;
}

/** The trainable graph with all losses; outputs are what losses and seeds are made of. */
function joinLosses(added: GraphLosses, { labels = true, ...options }: DetectorProblemOptions) {
  const { graph, losses, seeds = {}, judges } = added;
  const given = new Set([...graph.nodes.flatMap(({ outputs }) => outputs)]);
  const gradients = Object.values(seeds).flat().filter((name) => given.has(name));
  const keep = [...new Set([...losses.map(({ value }) => value), ...gradients])];
  if (!labels) {
    if (judges !== undefined) {
      throw new FeatherdetError("a teacher assigns anchors to the boxes of labels, and these are left out", {
        file: graph.name,
      });
    }
    if (losses.length === 0) {
      throw new FeatherdetError("without labels there is no loss to train by", { file: graph.name });
    }
    return { graph: withNodes({ ...graph, outputs: keep }, graph.nodes), losses, seeds };
  }
  const label = withDetectionLoss(graph, { ...options, judges, keep });
  return {
    graph: label.graph,
    losses: [...label.named, ...losses],
    seeds: joinSeeds(label.seeds, seeds),
    label,
  };
}

/**
 * Puts a detector's problem together. The model's batch and input size are those of a step.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../models/yolo11.ts";
 * import { batchNormL1 } from "../train/mod.ts";
 * import { detectorProblem } from "./detector_problem.ts";
 * const model = yolo11({ width: 0.0625, size: 64, batch: 2, classes: 3 });
 * const { problem } = detectorProblem(model, { boxes: 4, variant: batchNormL1({ weight: 1e-4 }) });
 * assert.deepEqual(problem.losses!.map(({ name }) => name), ["box", "classes", "distribution", "gammaL1"]);
 * ```
 *
 * Throws FeatherdetError for a model without a head that is trained where labels are asked for, if there is no loss, and as the variant does.
 */
export function detectorProblem(model: Graph, options: DetectorProblemOptions): DetectorProblem {
  const { variant = PLAIN, frozen = isTableOfDistances } = options;
  const made = variant.trainable(trainableGraph(model));
  const { graph, losses, seeds, label } = joinLosses(variant.losses(made), options);
  const training = buildTrainingGraph(graph, {
    ...options,
    outputs: graph.outputs,
    frozen: (name) => frozen(name) || made.frozen.has(name),
    trained: made.trained,
  });
  return { problem: { ...training, losses, seeds }, images: model.inputs[0].name, label };
}
