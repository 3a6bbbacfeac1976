/**
 * From a model to the plan of its training step: gradients, where parameters and their gradients lie flat.
 *
 * @module
 */

import { sizeOf } from "../../graph/mod.ts";
import { type FlatLayout, flatLayout, type FlatTensor } from "../../kernels/train/flat.ts";
import { OPTIMIZER_VALUES } from "../../kernels/train/optimizer.ts";
import { fuseNormActivationGradient } from "../../plan/fuse/train_norm.ts";
import { buildPlan, type Plan, type PlanOptions } from "../../plan/plan.ts";
import { buildGradientGraph, type GradientSeeds, recomputeActivations, type TrainingGraph } from "../../train/mod.ts";
import type { NamedLoss } from "../../train/losses/named_loss.ts";
import { trainsLight } from "./light_kernels.ts";
import { ProblemLosses } from "./losses.ts";
import type { TrainingSessionOptions } from "./options.ts";

const { gradient, parameters, statistics, nextStatistics } = OPTIMIZER_VALUES;

/** What is trained: a model in the form of `buildTrainingGraph`, and where its gradients start. */
export interface TrainingProblem extends TrainingGraph {
  /** What every step tells by name, and differentiates where the gradients are not among the seeds. */
  readonly losses?: readonly NamedLoss[];
  /** Gradients of some values that the graph computes itself, by the values' names (see `buildGradientGraph`). */
  readonly seeds?: GradientSeeds;
  /** Further values that every step reports: few numbers, since they are read back. */
  readonly report?: readonly string[];
}

/** Parameters and running statistics as they lie in flat buffers. */
export interface FlatLayouts {
  readonly parameters: FlatLayout;
  readonly statistics: FlatLayout;
}

/** The tensors of either. */
export interface FlatTensors {
  readonly parameters: readonly FlatTensor[];
  readonly statistics: readonly FlatTensor[];
}

/** Where a value of the plan lies: buffer, first byte, bytes. */
export interface FlatPlace {
  /** One of `OPTIMIZER_VALUES`. */
  readonly flat: string;
  readonly offset: number;
  readonly size: number;
}

/** A training step, planned. */
export interface TrainingPlan {
  /** Forward, loss and backward. */
  readonly plan: Plan;
  readonly tensors: FlatTensors;
  readonly layouts: FlatLayouts;
  /** Parameters, statistics, updated statistics and gradients, by the names of their values. */
  readonly places: ReadonlyMap<string, FlatPlace>;
  /** The losses, with the inputs of the plan that bring their weights. */
  readonly losses: ProblemLosses;
}

/**
 * Plans the step of a problem. Throws FeatherdetError if no gradient goes through an operator, it has no kernel, memory does not
 * suffice, or losses are not what `NamedLoss` says.
 */
export function planTraining(
  problem: TrainingProblem,
  { recompute, start, ...options }: Omit<PlanOptions, "external"> & Pick<TrainingSessionOptions, "recompute" | "start">,
): TrainingPlan {
  const losses = new ProblemLosses(problem.graph, problem.losses ?? []);
  const tensors: FlatTensors = {
    parameters: problem.parameters.map(({ name, group, initial }) => ({ name, group, size: sizeOf(initial.shape) })),
    statistics: problem.statistics.map(({ name, initial }) => ({ name, size: sizeOf(initial.shape) })),
  };
  const layouts: FlatLayouts = {
    parameters: flatLayout(tensors.parameters),
    statistics: flatLayout(tensors.statistics),
  };
  const wrt = tensors.parameters.map(({ name }) => name);
  const updated = problem.statistics.map((statistic) => statistic.updated);
  const outputs = [...new Set([...losses.values, ...problem.report ?? [], ...updated])];
  const made = buildGradientGraph({ ...problem.graph, outputs }, {
    losses: losses.differentiated,
    seeds: problem.seeds,
    wrt,
  });
  const fused = fuseNormActivationGradient(made.graph);
  const graph = recompute ? recomputeActivations(fused, outputs) : fused;
  const places = flatPlaces(problem, layouts, made.gradients);
  // A frozen teacher computes what it computes by itself.
  const light = (start === undefined ? trainsLight(problem.graph, options) : start === "light") && "trained";
  const plan = buildPlan(graph, { ...options, light, separate: true, external: [...places.keys()] });
  losses.checkTypes(plan.graph, plan.types);
  return { plan, tensors, layouts, places, losses };
}

/** Where values of the plan lie in the flat buffers: parameters, statistics, updated statistics, gradients. */
function flatPlaces(
  { parameters: trained, statistics: running }: TrainingProblem,
  layouts: FlatLayouts,
  gradients: ReadonlyMap<string, string>,
): Map<string, FlatPlace> {
  const places = new Map<string, FlatPlace>();
  for (const { name, initial: { shape } } of trained) {
    const at = { offset: 4 * layouts.parameters.offsets.get(name)!, size: 4 * sizeOf(shape) };
    places.set(name, { flat: parameters, ...at });
    const made = gradients.get(name);
    if (made !== undefined) places.set(made, { flat: gradient, ...at });
  }
  for (const { name, updated, initial: { shape } } of running) {
    const at = { offset: 4 * layouts.statistics.offsets.get(name)!, size: 4 * sizeOf(shape) };
    places.set(name, { flat: statistics, ...at });
    places.set(updated, { flat: nextStatistics, ...at });
  }
  return places;
}
