/**
 * A score of networks that were never trained: the entropy that maps of random weights can carry (DeepMAD, Shen et al. 2023,
 * https://arxiv.org/abs/2303.02165; of detectors MAE-Det, Sun et al. 2022, https://arxiv.org/abs/2111.13336).
 *
 * A convolution of weights with mean 0 and variance 1 multiplies the variance of its maps by the number of products that it sums,
 * `inputs / groups * height * width` of the kernel. The entropy of a map is the logarithm of its variance along the deepest path to it, times
 * the logarithm of how many numbers the map has: `log(C H W) * sum of log(products)`. Deeper networks with wide layers have more of it.
 * Networks that are deep and narrow cannot be trained well; their effectiveness is the number of layers over the geometric mean of their
 * products.
 *
 * @module
 */

import { FeatherdetError, type Graph, GraphIndex, type Node, sizeOf } from "../../graph/mod.ts";
import { type DetectionLevel, findDetectionHead } from "../../passes/mod.ts";

/** The path of most entropy to a value. */
export interface EntropyPath {
  /** Sum over its convolutions of the logarithms of their products. */
  readonly logarithms: number;
  /** Convolutions on it. */
  readonly layers: number;
}

/** Entropy of a detector. */
export interface EntropyScore {
  /** Of the levels, each times its weight, summed. */
  readonly score: number;
  /** Of each level, finest first: the mean of the maps that the last layers of its branches read. */
  readonly levels: readonly number[];
  /** Layers over the geometric mean of their products, of the path to the coarsest map: 0.01 to 1 or so; above, training is hard. */
  readonly effectiveness: number;
}

/** What a convolution sums for one of its outputs; 1 for other nodes. */
function productsOf(index: GraphIndex, node: Node): number {
  return node.op === "Conv" ? sizeOf(index.shapeOf(node.inputs[1]).slice(1)) : 1;
}

/** For every value of a graph the path to it of the greatest sum of logarithms; values that nothing precedes have none. */
export function entropyPaths(graph: Graph): ReadonlyMap<string, EntropyPath> {
  const index = GraphIndex.of(graph), found = new Map<string, EntropyPath>();
  const start: EntropyPath = { logarithms: 0, layers: 0 };
  for (const node of graph.nodes) {
    const before = node.inputs.map((value) => found.get(value) ?? start)
      .reduce((best, path) => path.logarithms > best.logarithms ? path : best, start);
    const isLayer = node.op === "Conv";
    const path = {
      logarithms: before.logarithms + Math.log(productsOf(index, node)),
      layers: before.layers + (isLayer ? 1 : 0),
    };
    for (const output of node.outputs) found.set(output, path);
  }
  return found;
}

/** The maps that the last layers of a level's branches read. */
function lastMaps(index: GraphIndex, { boxes, classes }: DetectionLevel): string[] {
  return [boxes, classes].map((value) => index.producerOf(value)!.inputs[0]);
}

/**
 * The entropy of a detector: of the maps that the last layers of its head read, so that backbone, neck and head all count. `weights` are
 * those of the levels, finest first: 1 each and 8 for the coarsest by default, as the paper has it for the stages of a backbone. Nothing is
 * run, and no weight is read.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../../models/yolo11.ts";
 * import { entropyOf } from "./entropy.ts";
 * const [narrow, wide] = [0.125, 0.25].map((width) => entropyOf(yolo11({ width, size: 64 })));
 * assert.ok(wide.score > narrow.score && wide.effectiveness < narrow.effectiveness);
 * ```
 *
 * Throws FeatherdetError for a model without a head of YOLO11.
 */
export function entropyOf(graph: Graph, weights?: readonly number[]): EntropyScore {
  const index = GraphIndex.of(graph), head = findDetectionHead(index), paths = entropyPaths(graph);
  if (head === undefined) {
    throw new FeatherdetError("has no head of a YOLO11, whose entropy could be told", { file: graph.name });
  }
  const maps = head.levels.toSorted((a, b) => a.stride - b.stride).map((level) => lastMaps(index, level));
  const entropy = (name: string) => Math.log(sizeOf(index.shapeOf(name).slice(1))) * paths.get(name)!.logarithms;
  const levels = maps.map((names) => names.reduce((sum, name) => sum + entropy(name), 0) / names.length);
  const { logarithms, layers } = paths.get(maps.at(-1)![0])!;
  const shares = weights ?? levels.map((_, level) => level === levels.length - 1 ? 8 : 1);
  return {
    score: levels.reduce((sum, entropy, level) => sum + shares[level] * entropy, 0),
    levels,
    effectiveness: layers / Math.exp(logarithms / layers),
  };
}
