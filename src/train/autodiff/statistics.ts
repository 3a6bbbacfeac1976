/**
 * Statistics for models whose BatchNormalization was folded away: without them, training that normalises by the batch would throw away
 * what the weights have learned.
 *
 * A folded layer computes `z + b`. `loadWeights` makes of it a BatchNormalization of mean 0, variance 1 - epsilon and scale 1 behind
 * `z`, which computes the same but has the statistics of nothing. Here the mean `m` and the variance `v` of `z` are measured on
 * pictures, and become the running statistics; scale `sqrt(v + epsilon)` and shift `b + m` take them back, so that inference stays what it
 * was, and normalising by a batch whose statistics are near changes little.
 *
 * Layers that begin anew (those of other classes) stay as they begin: a scale that takes their normalisation back would leave of their
 * random weights what random weights make of a map, next to nothing after a few layers, and they would hardly learn.
 *
 * @module
 */

import {
  type Constant,
  FeatherdetError,
  type Graph,
  GraphEditor,
  type Node,
  type Shape,
  sizeOf,
} from "../../graph/mod.ts";

/** A tensor, row-major. */
interface SampleTensor {
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** Inputs of a run by name, such as `takeCalibrationSamples` makes. */
export interface StatisticsSample {
  /** Tensors of the shapes of the model's inputs. */
  readonly inputs: Readonly<Record<string, SampleTensor>>;
}

/** Runs a graph: inputs and outputs by name, row-major. */
export type RunGraph = (
  graph: Graph,
  inputs: StatisticsSample["inputs"],
) => Promise<Readonly<Record<string, { readonly data: Float32Array }>>>;

type Norm = Node<"BatchNormalization">;

/** True for a normalisation with its first values: it has learned nothing, and was not folded into anything. */
function isNew({ inputs: [, ...names] }: Norm, { constants }: Graph): boolean {
  const [scale, shift, mean, variance] = names.map((name) => Array.from(constants.get(name)!.data, Number));
  const all = (data: readonly number[], value: number) => data.every((one) => one === value);
  return all(scale, 1) && all(shift, 0) && all(mean, 0) && all(variance, 1);
}

/** A graph that also gives the mean of each normalised value and of its square, over a picture. */
function observed(graph: Graph, norms: readonly Norm[]) {
  const editor = new GraphEditor(graph);
  const watched = norms.map((norm) => {
    const [value] = norm.outputs;
    const base = editor.uniqueName(`${norm.name}/observed`);
    const square = editor.one("Mul", `${base}/square`, [value, value], {});
    const mean = editor.one("GlobalAveragePool", `${base}/mean`, [value], {});
    const power = editor.one("GlobalAveragePool", `${base}/power`, [square], {});
    return { norm, mean, power };
  });
  return { graph: editor.finish({ outputs: watched.flatMap(({ mean, power }) => [mean, power]) }), watched };
}

/** Mean of every channel over pictures, added up from `[N, C, 1, 1]`. */
function addUp(sum: Float64Array, data: Float32Array): void {
  for (let i = 0; i < data.length; i++) sum[i % sum.length] += data[i];
}

/**
 * The model with the statistics of its own values on pictures, computing what it computed: 8 pictures give a rough estimate, 64 a good
 * one.
 *
 * Throws FeatherdetError if there are no pictures, and if a value is not finite.
 */
export async function estimateStatistics(
  model: Graph,
  samples: Iterable<StatisticsSample> | AsyncIterable<StatisticsSample>,
  run: RunGraph,
): Promise<Graph> {
  const norms = model.nodes.filter((node): node is Norm => node.op === "BatchNormalization" && !isNew(node, model));
  const { graph, watched } = observed(model, norms);
  const sums = watched.map(({ norm }) => {
    const channels = sizeOf(model.constants.get(norm.inputs[1])!.shape);
    return { mean: new Float64Array(channels), power: new Float64Array(channels) };
  });
  let pictures = 0;
  for await (const { inputs } of samples) {
    const found = await run(graph, inputs);
    watched.forEach(({ mean, power }, i) => {
      addUp(sums[i].mean, found[mean].data);
      addUp(sums[i].power, found[power].data);
    });
    pictures += model.inputs[0].shape[0];
  }
  if (pictures === 0) throw new FeatherdetError(`no pictures were given to estimate the statistics of "${model.name}"`);
  const constants = new Map(model.constants);
  watched.forEach(({ norm }, i) => {
    const [scale, shift, mean, variance] = norm.inputs.slice(1).map((name) => model.constants.get(name)!.data);
    const { epsilon } = norm.attributes;
    const made = norm.inputs.slice(1).map(() => new Float32Array(scale.length));
    for (let c = 0; c < scale.length; c++) {
      // Of what leaves the layer; z is that, before scale and shift.
      const output = sums[i].mean[c] / pictures;
      const spread = Math.max(0, sums[i].power[c] / pictures - output * output);
      const factor = Number(scale[c]) / Math.sqrt(Number(variance[c]) + epsilon);
      const z = factor === 0 ? Number(mean[c]) : Number(mean[c]) + (output - Number(shift[c])) / factor;
      const v = factor === 0 ? Number(variance[c]) : spread / (factor * factor);
      const gain = factor * Math.sqrt(v + epsilon);
      [gain, Number(shift[c]) + (z - Number(mean[c])) * factor, z, v].forEach((value, k) => made[k][c] = value);
    }
    if (!made.every((data) => data.every(Number.isFinite))) {
      throw new FeatherdetError("its values on the pictures are not finite", { node: norm.name, operator: norm.op });
    }
    norm.inputs.slice(1).forEach((name, k) => {
      const constant: Constant = { dtype: "f32", shape: model.constants.get(name)!.shape, data: made[k] };
      constants.set(name, constant);
    });
  });
  return { ...model, constants };
}
