/**
 * Trained numbers as vectors: what clients send is arithmetic on one list of numbers, in an order that all of them know.
 *
 * @module
 */

import { FeatherdetError, type Graph } from "../../graph/mod.ts";
import { buildTrainingGraph, isTableOfDistances } from "../autodiff/training_graph.ts";

/** Numbers of a model by the names of its constants. */
export type NamedNumbers = ReadonlyMap<string, Float32Array>;

/** A place in a vector. */
export interface VectorPart {
  /** Name of the model's constant. */
  readonly name: string;
  /** How many numbers it has. */
  readonly length: number;
}

/** What of a model clients and server exchange, in the order of its vectors. */
export interface Exchanged {
  /** What the server's optimizer moves. */
  readonly parameters: readonly VectorPart[];
  /** Running statistics of BatchNormalization, which are averaged apart: an optimizer could make variances negative. */
  readonly statistics: readonly VectorPart[];
}

/** Constants of BatchNormalization: scale, bias, mean and variance. */
function normConstants({ nodes }: Graph): ReadonlySet<string> {
  return new Set(nodes.flatMap(({ op, inputs }) => op === "BatchNormalization" ? inputs.slice(1) : []));
}

/**
 * What of a model is exchanged. With `localNorm` every client keeps its own BatchNormalization, scale and bias included (FedBN, Li et al.
 * 2021, https://arxiv.org/abs/2102.07623).
 *
 * Throws FeatherdetError as `buildTrainingGraph` does.
 */
export function exchangedOf(model: Graph, { localNorm = false } = {}): Exchanged {
  const local = localNorm ? normConstants(model) : new Set<string>();
  const { parameters, statistics } = buildTrainingGraph(model, { frozen: isTableOfDistances });
  const parts = (list: readonly { readonly name: string; readonly initial: { readonly data: ArrayLike<number> } }[]) =>
    list.filter(({ name }) => !local.has(name)).map(({ name, initial }) => ({ name, length: initial.data.length }));
  return { parameters: parts(parameters), statistics: parts(statistics) };
}

/** Numbers of a vector. */
export function lengthOf(parts: readonly VectorPart[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

/** Named numbers as one vector. Throws FeatherdetError for those that are missing or of another length. */
export function toVector(parts: readonly VectorPart[], numbers: NamedNumbers): Float32Array<ArrayBuffer> {
  const vector = new Float32Array(lengthOf(parts));
  let at = 0;
  for (const { name, length } of parts) {
    const own = numbers.get(name);
    if (own?.length !== length) {
      throw new FeatherdetError(`"${name}" has ${own?.length ?? "no"} numbers, expected ${length}`);
    }
    vector.set(own, at);
    at += length;
  }
  return vector;
}

/** A vector as named numbers. */
export function fromVector(parts: readonly VectorPart[], vector: ArrayLike<number>): Map<string, Float32Array> {
  const numbers = new Map<string, Float32Array>();
  let at = 0;
  for (const { name, length } of parts) {
    numbers.set(name, Float32Array.from({ length }, (_, i) => vector[at + i]));
    at += length;
  }
  return numbers;
}

/** Weighted mean of vectors, in double precision. Throws FeatherdetError if there are none, or their weights sum up to nothing. */
export function weightedMean(
  vectors: readonly { readonly values: ArrayLike<number>; readonly weight: number }[],
): Float64Array<ArrayBuffer> {
  const total = vectors.reduce((sum, { weight }) => sum + weight, 0);
  if (!(total > 0)) throw new FeatherdetError("there is nothing to average");
  const mean = new Float64Array(vectors[0].values.length);
  for (const { values, weight } of vectors) {
    const share = weight / total;
    for (let i = 0; i < mean.length; i++) mean[i] += share * values[i];
  }
  return mean;
}
