/**
 * Training variants: what a model is trained as, what for, and what becomes of it. Plain, quantization-aware, masked, regularised and
 * distilled training differ in nothing else, and combine.
 *
 * @module
 */

import { FeatherdetError, type Graph } from "../graph/mod.ts";
import type { GradientSeeds } from "./autodiff/gradient_graph.ts";
import type { ParameterGroup } from "./autodiff/training_graph.ts";
import type { AssigningMaps } from "./losses/detection_loss.ts";
import type { NamedLoss } from "./losses/named_loss.ts";

/** A graph that is trained, and which of its constants are. */
export interface TrainableGraph {
  /** What is trained in place of the model, with its first input and output. */
  readonly graph: Graph;
  /** Constants that stay as they are, such as a teacher's. */
  readonly frozen: ReadonlySet<string>;
  /** Constants that are trained although their place in the graph does not say so (see `TrainingOptions.trained`). */
  readonly trained: ReadonlyMap<string, ParameterGroup>;
}

/** A graph with losses. */
export interface GraphLosses {
  /** The trainable graph and the nodes that compute the losses; what it had keeps its names. */
  readonly graph: Graph;
  /** What is minimised besides the loss of the labels, in the order in which it is told. */
  readonly losses: readonly NamedLoss[];
  /** Gradients that operators of the graph compute themselves, for losses with a `gradientScale`. */
  readonly seeds?: GradientSeeds;
  /** Maps that say which anchors learn which box of the labels; the model's own where it is left out. */
  readonly judges?: readonly AssigningMaps[];
}

/** A graph that stands beside a step: what it says of the step's pictures is fed instead of being computed in every step. */
export interface FedGraph {
  /** Reads the pictures of a step, of its batch and size; its outputs are fed. Pictures do not meet in it, so that any may be alone. */
  readonly graph: Graph;
  /** Inputs of the trainable graph that take them, in the order of the outputs. */
  readonly inputs: readonly string[];
}

/** A way to train. */
export interface TrainingVariant {
  /** What it is called. */
  readonly name: string;
  /** What checkpoints keep of it: whatever JSON can hold. A run that is resumed has to have the same. */
  readonly settings: Readonly<Record<string, unknown>>;
  /**
   * What is trained in place of a model, at any batch. Constants of the model keep their names and shapes, since trained numbers are
   * written back by them; constants that are added and trained, such as a projector's, are in the state of a run but in no model.
   */
  trainable(model: TrainableGraph): TrainableGraph;
  /** What steps of a model, at the batch at which it is trained, are fed besides pictures and boxes; nothing where it is left out. */
  fed?(model: Graph): readonly FedGraph[];
  /** The trainable graph with the losses of this variant, before the loss of the labels takes the place of the model's tail. */
  losses(trained: TrainableGraph): GraphLosses;
  /**
   * What the model with trained weights becomes: what is validated and saved as the best. `trained` are all trained numbers by name, also those
   * of constants that the variant has added and that are in no model.
   */
  exported(model: Graph, trained?: ReadonlyMap<string, Float32Array>): Graph;
}

/** The model as it is, and the loss of the labels alone. */
export const PLAIN: TrainingVariant = {
  name: "plain",
  settings: {},
  trainable: (model) => model,
  losses: ({ graph }) => ({ graph, losses: [] }),
  exported: (model) => model,
};

/** A model in which everything is trained that is a weight by its place. */
export function trainableGraph(graph: Graph): TrainableGraph {
  return { graph, frozen: new Set(), trained: new Map() };
}

/** Gradients of both: a value that has them from two sides has the sum. */
export function joinSeeds(first: GradientSeeds, second: GradientSeeds): GradientSeeds {
  const joint: Record<string, string | readonly string[]> = { ...first };
  for (const [value, gradients] of Object.entries(second)) {
    joint[value] = joint[value] === undefined ? gradients : [joint[value], gradients].flat();
  }
  return joint;
}

function joinSettings(variants: readonly TrainingVariant[]): Record<string, unknown> {
  const joint: Record<string, unknown> = {};
  for (const { name, settings } of variants) {
    for (const [key, value] of Object.entries(settings)) {
      if (Object.hasOwn(joint, key)) throw new FeatherdetError(`training variant "${name}" is stated twice: "${key}"`);
      joint[key] = value;
    }
  }
  return joint;
}

/**
 * Several variants as one: each works on what those before it have made, and exports what those before it exported. What rounds or
 * masks the model's own numbers comes first, what adds frozen parts or only losses comes last.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../models/yolo11.ts";
 * import { combineVariants, PLAIN, trainableGraph } from "./variant.ts";
 * import { batchNormL1 } from "./variants/batch_norm_l1.ts";
 * const variant = combineVariants([PLAIN, batchNormL1({ weight: [[0, 0], [10, 1e-4]] })]);
 * const { losses } = variant.losses(trainableGraph(yolo11({ width: 0.0625, size: 64 })));
 * assert.equal(variant.name, "plain + gamma L1");
 * assert.deepEqual(losses.map(({ name }) => name), ["gammaL1"]);
 * ```
 *
 * Throws FeatherdetError for variants that keep the same setting.
 */
export function combineVariants(variants: readonly TrainingVariant[]): TrainingVariant {
  if (variants.length === 1) return variants[0];
  return {
    name: variants.length === 0 ? PLAIN.name : variants.map(({ name }) => name).join(" + "),
    settings: joinSettings(variants),
    ...(variants.some(({ fed }) => fed !== undefined) &&
      { fed: (model: Graph) => variants.flatMap((variant) => variant.fed?.(model) ?? []) }),
    trainable: (model) => variants.reduce((made, variant) => variant.trainable(made), model),
    losses: (trained) =>
      variants.reduce<GraphLosses>((made, variant) => {
        const { graph, losses, seeds = {}, judges = made.judges } = variant.losses({ ...trained, graph: made.graph });
        return { graph, losses: [...made.losses, ...losses], seeds: joinSeeds(made.seeds ?? {}, seeds), judges };
      }, { graph: trained.graph, losses: [] }),
    exported: (model, trained) => variants.reduce((made, variant) => variant.exported(made, trained), model),
  };
}
