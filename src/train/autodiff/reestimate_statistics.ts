/**
 * Statistics of BatchNormalization measured anew after a model was changed, as by channels that were removed. Without this a pruned
 * detector finds little, since its layers are normalised by statistics of maps that are no more.
 *
 * The changed network runs as in training, normalised by each batch's own statistics (Wu and Johnson 2021, "Rethinking 'Batch' in
 * BatchNorm"). Running statistics of a trained model differ from those of plain pictures, because augmentation was part of them. So the
 * aim is not that normalised maps have mean 0 and variance 1, but what they had in the model before the change: its *targets*. A model
 * that was not changed keeps its statistics.
 *
 * @module
 */

import { type Constant, FeatherdetError, type Graph, namesOf, type Node, sizeOf, uniqueName } from "../../graph/mod.ts";
import { inferTypes } from "../../graph/infer.ts";
import type { RunGraph, StatisticsSample } from "./statistics.ts";

type Norm = Node<"BatchNormalization">;

/** What keeps maps of one number from being divided by zero. */
const TINY = 1e-10;

/** Deviations below this are of channels that say nothing: their variance stays as it was. */
const DEAD = 1e-3;

type Samples = Iterable<StatisticsSample> | AsyncIterable<StatisticsSample>;

/** Mean and standard deviation of what a normalisation makes of a channel, before its scale and bias, by channel. */
export interface NormTarget {
  readonly mean: ArrayLike<number>;
  readonly deviation: ArrayLike<number>;
}

/** Targets by the name of the BatchNormalization. */
export type NormTargets = ReadonlyMap<string, NormTarget>;

const isNorm = (node: Node): node is Norm => node.op === "BatchNormalization";

/** Sums over batches of the mean and of the mean square of every channel. */
class Moments {
  readonly #mean: Float64Array;
  readonly #square: Float64Array;
  #count = 0;

  constructor(channels: number) {
    this.#mean = new Float64Array(channels);
    this.#square = new Float64Array(channels);
  }

  /** Adds means and mean squares, channel by channel; of several pictures one after the other. */
  add(means: ArrayLike<number>, squares: ArrayLike<number>): void {
    const channels = this.#mean.length;
    for (let i = 0; i < means.length; i++) {
      this.#mean[i % channels] += means[i];
      this.#square[i % channels] += squares[i];
    }
    this.#count += means.length / channels;
  }

  /** Mean and variance of each channel. Throws FeatherdetError where they are not finite. */
  result({ name, op }: Norm): { readonly mean: Float64Array; readonly variance: Float64Array } {
    const mean = this.#mean.map((sum) => sum / this.#count);
    const variance = this.#square.map((sum, channel) => Math.max(0, sum / this.#count - mean[channel] ** 2));
    if (mean.every(Number.isFinite) && variance.every(Number.isFinite)) return { mean, variance };
    throw new FeatherdetError("its values on the pictures are not finite", { node: name, operator: op });
  }
}

function channelsOf({ inputs: [, scale] }: Norm, { constants }: Graph): number {
  return sizeOf(constants.get(scale)!.shape);
}

/** Runs a graph on all batches. Throws FeatherdetError where there are none. */
async function forEachBatch(
  graph: Graph,
  batches: Samples,
  run: RunGraph,
  visit: (outputs: Awaited<ReturnType<RunGraph>>) => void,
): Promise<void> {
  let count = 0;
  for await (const { inputs } of batches) {
    visit(await run(graph, inputs));
    count++;
  }
  if (count === 0) throw new FeatherdetError(`no pictures were given to estimate the statistics of "${graph.name}"`);
}

/**
 * What every normalisation of a model makes of its maps on pictures, with the statistics that it has.
 *
 * Throws FeatherdetError where there are no pictures, and where a value is not finite.
 */
export async function normTargets(model: Graph, batches: Samples, run: RunGraph): Promise<NormTargets> {
  const names = namesOf(model), norms = model.nodes.filter(isNorm);
  const nodes: Node[] = [];
  const watched = norms.map((norm) => {
    const [value] = norm.inputs;
    const [square, mean, power] = ["square", "mean", "power"].map((suffix) =>
      uniqueName(names, `${norm.name}/${suffix}`)
    );
    nodes.push(
      { op: "Mul", name: square, inputs: [value, value], outputs: [square], attributes: {} },
      { op: "GlobalAveragePool", name: mean, inputs: [value], outputs: [mean], attributes: {} },
      { op: "GlobalAveragePool", name: power, inputs: [square], outputs: [power], attributes: {} },
    );
    return { norm, mean, power, moments: new Moments(channelsOf(norm, model)) };
  });
  const outputs = watched.flatMap(({ mean, power }) => [mean, power]);
  await forEachBatch({ ...model, nodes: [...model.nodes, ...nodes], outputs }, batches, run, (found) => {
    for (const { mean, power, moments } of watched) moments.add(found[mean].data, found[power].data);
  });
  return new Map(watched.map(({ norm, moments }) => {
    const seen = moments.result(norm);
    const [mean, variance] = norm.inputs.slice(3).map((name) => model.constants.get(name)!.data);
    const spread = (channel: number) => Math.sqrt(Number(variance[channel]) + norm.attributes.epsilon);
    return [norm.name, {
      mean: seen.mean.map((value, channel) => (value - Number(mean[channel])) / spread(channel)),
      deviation: seen.variance.map((value, channel) => Math.sqrt(value) / spread(channel)),
    }];
  }));
}

/** The graph whose normalisations meet their targets on every batch; its outputs are the statistics that they see. */
function normalisedByBatch(graph: Graph, targets: NormTargets) {
  const names = namesOf(graph), constants = new Map(graph.constants);
  const watched: { readonly norm: Norm; readonly mean: string; readonly variance: string }[] = [];
  const scaled = (norm: Norm): string[] => {
    const target = targets.get(norm.name), [scale, bias] = norm.inputs.slice(1);
    if (!target) return [scale, bias];
    const [a, b] = [scale, bias].map((name) => graph.constants.get(name)!);
    const made = [
      Float32Array.from(a.data, (value, channel) => Number(value) * target.deviation[channel]),
      Float32Array.from(b.data, (value, channel) => Number(value) + Number(a.data[channel]) * target.mean[channel]),
    ];
    return [scale, bias].map((name, i) => {
      const fresh = uniqueName(names, `${name}/${norm.name}/target`);
      constants.set(fresh, { dtype: "f32", shape: a.shape, data: made[i] });
      return fresh;
    });
  };
  const nodes = graph.nodes.map((node): Node => {
    if (!isNorm(node)) return node;
    const [batchMean, inverse, mean, variance] = ["mean", "inverse_deviation", "seen_mean", "seen_variance"].map(
      (suffix) => uniqueName(names, `${node.name}/${suffix}`),
    );
    watched.push({ norm: node, mean, variance });
    return {
      op: "BatchNormTraining",
      name: node.name,
      inputs: [node.inputs[0], ...scaled(node), ...node.inputs.slice(3)],
      outputs: [node.outputs[0], batchMean, inverse, mean, variance],
      // All of the running average is the batch's; the model's epsilon would draw small maps away from their targets.
      attributes: { epsilon: TINY, momentum: 1 },
    };
  });
  const outputs = watched.flatMap(({ mean, variance }) => [mean, variance]);
  return { graph: { ...graph, nodes, constants, outputs }, watched };
}

/**
 * The model with statistics of its own maps on batches of pictures, which have the model's batch: 64 pictures in batches of 8 or more
 * are enough. Weights, scales and biases stay. `targets` are those of the model before it was changed, for the channels that are left
 * (see `normTargets`); without them normalised maps get mean 0 and variance 1.
 *
 * Throws FeatherdetError where there are no pictures, and where a statistic is not finite.
 */
export async function reestimateStatistics(
  model: Graph,
  batches: Samples,
  run: RunGraph,
  targets: NormTargets = new Map(),
): Promise<Graph> {
  const { graph, watched } = normalisedByBatch(model, targets);
  if (watched.length === 0) return model;
  const types = inferTypes(model);
  const seen = watched.map(({ norm, mean, variance }) => {
    const [n, , h, w] = types.get(norm.inputs[0])!.shape;
    return { norm, mean, variance, elements: n * h * w, moments: new Moments(channelsOf(norm, model)) };
  });
  await forEachBatch(graph, batches, run, (found) => {
    for (const { mean, variance, elements, moments } of seen) {
      const means = found[mean].data, variances = found[variance].data;
      // The running variance is the unbiased one.
      moments.add(means, variances.map((value, c) => value * (elements - 1) / elements + means[c] ** 2));
    }
  });
  const constants = new Map(model.constants);
  for (const { norm, moments } of seen) {
    const { mean, variance } = moments.result(norm), target = targets.get(norm.name), { epsilon } = norm.attributes;
    const before = model.constants.get(norm.inputs[4])!.data;
    const spread = mean.map((_, channel) => {
      const deviation = target?.deviation[channel] ?? 1, seen = Math.sqrt(variance[channel]);
      return deviation < DEAD || seen === 0 ? Math.sqrt(Number(before[channel]) + epsilon) : seen / deviation;
    });
    const put = (name: string, values: Float64Array) => {
      const { shape } = model.constants.get(name)!;
      const constant: Constant = { dtype: "f32", shape, data: Float32Array.from(values) };
      constants.set(name, constant);
    };
    put(norm.inputs[3], mean.map((value, channel) => value - spread[channel] * (target?.mean[channel] ?? 0)));
    put(norm.inputs[4], spread.map((value) => Math.max(0, value * value - epsilon)));
  }
  return { ...model, constants };
}
