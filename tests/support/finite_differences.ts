/**
 * Gradients compared with finite differences in float64.
 *
 * The loss is the sum of the graph's outputs, each element times a seeded number of its own, so that no two elements' gradients can
 * be mixed up without being noticed. Slopes are taken over four points, `(8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12 h`, whose error
 * falls with the fourth power of h.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { type Graph, inferTypes, sizeOf, verify } from "../../src/graph/mod.ts";
import { type ReferenceTensor, runReference } from "../../src/reference/run.ts";
import { buildGradientGraph } from "../../src/train/autodiff/gradient_graph.ts";
import { seededRandom } from "./random.ts";

/** Float64 tensors by the names of a graph's inputs. */
export type Feeds = Readonly<Record<string, ReferenceTensor>>;

/** A tensor of uniform numbers in `[low, high)`. */
export function uniform(shape: readonly number[], seed: number, low = -1, high = 1): ReferenceTensor {
  const random = seededRandom(seed);
  return { shape, data: Float64Array.from({ length: sizeOf(shape) }, () => low + (high - low) * random()) };
}

/** A tensor of numbers of which no two are nearer than `gap`, in seeded order, around 0: for operators that choose. */
export function distinct(shape: readonly number[], seed: number, gap = 0.05): ReferenceTensor {
  const random = seededRandom(seed);
  const size = sizeOf(shape);
  const order = Array.from({ length: size }, (_, i) => [random(), i]).sort(([a], [b]) => a - b);
  const data = new Float64Array(size);
  order.forEach(([, i], rank) => data[i] = (rank - size / 2 + 0.3) * gap);
  return { shape, data };
}

/** The weights of the loss, by output. */
export function lossWeights(graph: Graph, outputs: readonly string[]): Map<string, ReferenceTensor> {
  const types = inferTypes(graph);
  return new Map(outputs.map((name, i) => [name, uniform(types.get(name)!.shape, 1000 + i)]));
}

/** The weighted sum of outputs. */
export function lossOf(graph: Graph, feeds: Feeds, weights: ReadonlyMap<string, ReferenceTensor>): number {
  const values = runReference({ ...graph, outputs: [...weights.keys()] }, feeds);
  let sum = 0;
  for (const [name, { data }] of weights) {
    const value = values.get(name)!.data;
    for (let i = 0; i < data.length; i++) sum += data[i] * value[i];
  }
  return sum;
}

/** Slope of a function at 0. */
export function slope(f: (t: number) => number, h: number): number {
  return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h);
}

/** The feeds with some tensors moved along a direction. */
export function moved(feeds: Feeds, direction: ReadonlyMap<string, ArrayLike<number>>, by: number): Feeds {
  const changed = [...direction].map(([name, steps]) => {
    const { shape, data } = feeds[name];
    return [name, { shape, data: data.map((value, i) => value + by * steps[i]) }] as const;
  });
  return { ...feeds, ...Object.fromEntries(changed) };
}

/** Gradients of the weighted sum, by name, as the gradient graph computes them; a name without a gradient has zeros. */
export function gradientsOf(
  graph: Graph,
  feeds: Feeds,
  weights: ReadonlyMap<string, ReferenceTensor>,
  wrt: readonly string[],
): Map<string, Float64Array> {
  const seeds = Object.fromEntries([...weights.keys()].map((name) => [name, `seed/${name}`]));
  const made = buildGradientGraph(graph, { seeds, wrt });
  verify(made.graph);
  const seedFeeds = Object.fromEntries([...weights].map(([name, weight]) => [`seed/${name}`, weight]));
  const values = runReference(made.graph, { ...feeds, ...seedFeeds });
  return new Map(wrt.map((name) => {
    const gradient = made.gradients.get(name);
    if (gradient === undefined) return [name, new Float64Array(feeds[name].data.length)];
    assertEquals([...values.get(gradient)!.shape], [...feeds[name].shape], `shape of the gradient of ${name}`);
    return [name, values.get(gradient)!.data];
  }));
}

/** What is compared, and how nearly. */
export interface GradientCheck {
  /** Inputs of the graph to differentiate by; all by default. */
  readonly wrt?: readonly string[];
  /** Outputs in the loss; all by default. */
  readonly outputs?: readonly string[];
  /** Step of the differences; 1e-3 by default. */
  readonly step?: number;
  /** Most by which a slope may differ, as a share of the tensor's greatest; 1e-7 by default. */
  readonly tolerance?: number;
  /** Most elements of a tensor that are looked at one by one; 40 by default. */
  readonly samples?: number;
}

/**
 * Asserts that the gradient graph agrees with finite differences: element by element for an even sample, and along a random direction
 * through all elements, which no wrong element escapes.
 */
export function checkGradients(graph: Graph, feeds: Feeds, options: GradientCheck = {}): void {
  const { wrt = graph.inputs.map(({ name }) => name), outputs = graph.outputs } = options;
  const { step = 1e-3, tolerance = 1e-7, samples = 40 } = options;
  const weights = lossWeights(graph, outputs);
  const gradients = gradientsOf(graph, feeds, weights, wrt);
  const along = (direction: ReadonlyMap<string, ArrayLike<number>>) =>
    slope((t) => lossOf(graph, moved(feeds, direction, t), weights), step);
  for (const [index, name] of wrt.entries()) {
    const gradient = gradients.get(name)!;
    const greatest = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const compare = (what: string, actual: number, expected: number, scale: number) => {
      const near = Math.abs(actual - expected) <= tolerance * Math.max(scale, Math.abs(expected), 1e-3);
      assert(near, `${what} of ${name} is ${actual}, finite differences say ${expected}`);
    };
    const stride = Math.max(1, Math.ceil(gradient.length / samples));
    for (let i = index % stride; i < gradient.length; i += stride) {
      const unit = new Float64Array(gradient.length);
      unit[i] = 1;
      compare(`gradient of element ${i}`, gradient[i], along(new Map([[name, unit]])), greatest);
    }
    const direction = uniform([gradient.length], 77 + index).data;
    const expected = along(new Map([[name, direction]]));
    const actual = gradient.reduce((sum, value, i) => sum + value * direction[i], 0);
    compare("slope along a direction", actual, expected, greatest * Math.sqrt(gradient.length));
  }
}
