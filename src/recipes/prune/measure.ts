/**
 * What pruning measures on pictures of a data set after a cut: statistics of BatchNormalization. What it measures before one are samples'
 * statistics of the pass.
 *
 * @module
 */

import type { PruneResult } from "../../compress/prune/mod.ts";
import type { StatisticsSource } from "../../compress/statistics.ts";
import type { Dataset } from "../../data/dataset.ts";
import { createSessionRunner } from "../../engine/session_runner.ts";
import { takeCalibrationSamples } from "../../eval/calibration.ts";
import type { CouplingGroup } from "../../graph/channels/mod.ts";
import { FeatherdetError, type Graph } from "../../graph/mod.ts";
import { withBatch } from "../../passes/mod.ts";
import { type NormTargets, normTargets, reestimateStatistics } from "../../train/autodiff/reestimate_statistics.ts";
import type { RunGraph, StatisticsSample } from "../../train/autodiff/statistics.ts";
import { takeLabelledSamples } from "../labelled_samples.ts";

/** Which pictures are looked at. */
export interface MeasureOptions {
  /** How many pictures; 64 by default. */
  readonly pictures?: number;
  /** How many at a time; 8 by default. */
  readonly batch?: number;
}

/** The first pictures of a data set as whole batches of letterboxed tensors. */
export async function* batchesOf(graph: Graph, dataset: Dataset, pictures: number) {
  const [{ name, shape }] = graph.inputs;
  const [batch, channels, height, width] = shape, size = channels * height * width;
  let data = new Float32Array(batch * size), filled = 0;
  for await (
    const { inputs } of takeCalibrationSamples(dataset, { size: [height, width], limit: pictures, input: name })
  ) {
    data.set(inputs[name].data, filled++ * size);
    if (filled < batch) continue;
    yield { inputs: { [name]: { shape, data } } };
    [data, filled] = [new Float32Array(batch * size), 0];
  }
}

/** How many pictures a graph takes at a time, at most `wanted`: 1 where what is behind its layers is made for one. */
export function batchOf(graph: Graph, wanted: number): number {
  try {
    withBatch(graph, wanted);
    return wanted;
  } catch (error) {
    if (error instanceof FeatherdetError) return 1;
    throw error;
  }
}

/** Targets of the channels that are left when groups of a graph go. */
function withoutChannels(targets: NormTargets, groups: readonly CouplingGroup[]): NormTargets {
  const gone = new Map<string, Set<number>>();
  for (const { node, operator, input, indices } of groups.flatMap(({ members }) => members)) {
    if (operator !== "BatchNormalization" || input !== 1) continue;
    gone.set(node, (gone.get(node) ?? new Set()).union(new Set(indices)));
  }
  return new Map([...targets].map(([name, { mean, deviation }]) => {
    const left = (list: ArrayLike<number>) => Array.from(list).filter((_, channel) => !gone.get(name)?.has(channel));
    return [name, { mean: left(mean), deviation: left(deviation) }];
  }));
}

/** Batches of pictures, as often as they are asked for. */
export type PictureBatches = () => Iterable<StatisticsSample> | AsyncIterable<StatisticsSample>;

/** What normalisations of a model make of its maps on pictures. */
export async function targetsOn(whole: Graph, batches: PictureBatches): Promise<NormTargets> {
  const runner = createSessionRunner();
  try {
    return await normTargets(whole, batches(), (graph, inputs) => runner.run(graph, inputs));
  } finally {
    runner.destroy();
  }
}

/** A pruned model with statistics of its own, so that its normalised maps are what `targets` say of the whole model, for any batch. */
export async function reestimateTo(
  { graph: pruned, groups }: Pick<PruneResult, "graph" | "groups">,
  targets: NormTargets,
  batches: PictureBatches,
  batch: number,
): Promise<Graph> {
  const runner = createSessionRunner();
  const run: RunGraph = (graph, inputs) => runner.run(graph, inputs);
  try {
    const made = await reestimateStatistics(withBatch(pruned, batch), batches(), run, withoutChannels(targets, groups));
    // Statistics have changed alone, which no batch is part of.
    const names = new Set(pruned.nodes.flatMap((node) => node.op === "BatchNormalization" ? node.inputs.slice(3) : []));
    const constants = new Map(pruned.constants);
    for (const name of names) constants.set(name, made.constants.get(name)!);
    return { ...pruned, constants };
  } finally {
    runner.destroy();
  }
}

/**
 * The pruned model with BatchNormalization statistics of its own on pictures of the data set, so that its normalised maps are there what
 * those of the whole model are: what has to follow every cut before anything is judged. Throws FeatherdetError for a data set without
 * pictures.
 */
export async function reestimateOn(
  made: Pick<PruneResult, "graph" | "groups">,
  whole: Graph,
  dataset: Dataset,
  { pictures = 64, batch = 8 }: MeasureOptions = {},
): Promise<Graph> {
  const size = batchOf(whole, Math.min(batch, pictures, dataset.images.length)), before = withBatch(whole, size);
  const batches = () => batchesOf(before, dataset, pictures);
  return await reestimateTo(made, await targetsOn(before, batches), batches, size);
}

/** Pictures of a data set as a pass that prunes looks at them, with their boxes where it wants gradients; the runner is the caller's. */
export function statisticsOn(
  model: Graph,
  dataset: Dataset,
  labelled: boolean,
  { pictures = 64, batch = 8 }: MeasureOptions = {},
): Omit<StatisticsSource, "runner"> {
  const [{ name: input, shape: [, , ...size] }] = model.inputs;
  const how = { size: [size[0], size[1]] as const, limit: pictures, input };
  const samples = labelled ? takeLabelledSamples(dataset, how) : takeCalibrationSamples(dataset, how);
  return { samples, together: batchOf(model, Math.min(batch, pictures, dataset.images.length)) };
}
