/**
 * What pruning measures on pictures of a data set: statistics of BatchNormalization after a cut, gradients and activations before one.
 *
 * @module
 */

import type { PruneResult, PruneStatistics } from "../../compress/prune/mod.ts";
import { countBoxRows, openTrainingBatches } from "../../data/augment/mod.ts";
import type { Dataset } from "../../data/dataset.ts";
import { createSessionRunner } from "../../engine/session_runner.ts";
import { takeCalibrationSamples } from "../../eval/calibration.ts";
import { type CouplingGroup, couplingGroups } from "../../graph/channels/mod.ts";
import { FeatherdetError, type Graph, GraphEditor, GraphIndex } from "../../graph/mod.ts";
import { changeShapes } from "../../passes/mod.ts";
import { type NormTargets, normTargets, reestimateStatistics } from "../../train/autodiff/reestimate_statistics.ts";
import type { RunGraph, StatisticsSample } from "../../train/autodiff/statistics.ts";
import { createTrainer } from "../detection_trainer.ts";

/** The graph for another batch. */
export function atBatch(graph: Graph, batch: number): Graph {
  const [{ name, shape }] = graph.inputs;
  return shape[0] === batch ? graph : changeShapes(graph, { [name]: [batch, ...shape.slice(1)] });
}

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
    const made = await reestimateStatistics(atBatch(pruned, batch), batches(), run, withoutChannels(targets, groups));
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
  const size = Math.min(batch, dataset.images.length), before = atBatch(whole, size);
  const batches = () => batchesOf(before, dataset, pictures);
  return await reestimateTo(made, await targetsOn(before, batches), batches, size);
}

/** Constants whose gradients tell what a channel is worth: scales and biases, and rows where nothing normalises them. */
function gateConstants(graph: Graph): Set<string> {
  const normalised = new Set(graph.nodes.flatMap((node) => node.op === "BatchNormalization" ? [node.inputs[0]] : []));
  return new Set(graph.nodes.flatMap((node) => {
    if (node.op === "BatchNormalization") return node.inputs.slice(1, 3);
    return node.op === "Conv" && !normalised.has(node.outputs[0]) ? node.inputs.slice(1) : [];
  }));
}

/** Gradients of the loss on pictures of a data set as they are, a map a batch, for the criterion `taylor`. */
export async function gradientsOn(
  model: Graph,
  dataset: Dataset,
  { pictures = 64, batch = 8 }: MeasureOptions = {},
): Promise<NonNullable<PruneStatistics["gradients"]>> {
  const size = Math.min(batch, dataset.images.length);
  const [, , height, width] = model.inputs[0].shape;
  const input = [height, width] as const;
  const boxes = countBoxRows(dataset, false, input);
  const trainer = await createTrainer(atBatch(model, size), { boxes });
  const wanted = gateConstants(model);
  const found: ReadonlyMap<string, Float32Array>[] = [];
  try {
    const source = openTrainingBatches(dataset, {
      size: input,
      batch: size,
      boxes,
      epochs: 1,
      augment: false,
      workers: 0,
    });
    for await (const one of source) {
      await trainer.step(one);
      const gradients = await trainer.session.gradients();
      found.push(new Map([...gradients].filter(([name]) => wanted.has(name))));
      if (found.length * size >= pictures) break;
    }
  } finally {
    trainer.destroy();
  }
  if (found.length === 0) throw new FeatherdetError(`"${dataset.name}" has no pictures to find gradients on`);
  return found;
}

/** Mean of the absolute values of every channel of every map on pictures of a data set, for the criterion `activation`. */
export async function activationsOn(
  model: Graph,
  dataset: Dataset,
  { pictures = 64, batch = 8 }: MeasureOptions = {},
): Promise<NonNullable<PruneStatistics["activations"]>> {
  const graph = atBatch(model, Math.min(batch, dataset.images.length));
  const carried = new Set(couplingGroups(graph).groups.flatMap(({ values }) => values.map(({ value }) => value)));
  const index = GraphIndex.of(graph), editor = new GraphEditor(graph);
  const means = new Map<string, string>();
  for (const value of carried) {
    if (index.shapeOf(value).length !== 4) continue;
    // |x| = max(x, 0) + max(-x, 0)
    const negative = editor.one("Relu", `${value}/below`, [editor.one("Neg", `${value}/negative`, [value], {})], {});
    const size = editor.one(
      "Add",
      `${value}/absolute`,
      [editor.one("Relu", `${value}/above`, [value], {}), negative],
      {},
    );
    means.set(value, editor.one("GlobalAveragePool", `${value}/mean`, [size], {}));
  }
  const watched = editor.finish({ outputs: [...means.values()] });
  const sums = new Map<string, Float64Array>();
  const runner = createSessionRunner();
  try {
    for await (const { inputs } of batchesOf(graph, dataset, pictures)) {
      const found = await runner.run(watched, inputs);
      for (const [value, mean] of means) {
        const { shape: [, channels], data } = found[mean];
        const sum = sums.get(value) ?? new Float64Array(channels);
        data.forEach((x, i) => sum[i % channels] += x);
        sums.set(value, sum);
      }
    }
  } finally {
    runner.destroy();
  }
  return sums;
}
