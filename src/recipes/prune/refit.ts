/**
 * Weights fitted by least squares to what layers made on pictures before a cut.
 *
 * @module
 */

import {
  type LayerMaps,
  type PruneResult,
  type RefitLayer,
  refitLayers,
  refitShortened,
  refitSums,
  RowSums,
  withRefitted,
  writeRow,
} from "../../compress/prune/mod.ts";
import type { Dataset } from "../../data/dataset.ts";
import { createSessionRunner } from "../../engine/session_runner.ts";
import { type Graph, GraphIndex, sizeOf } from "../../graph/mod.ts";
import { Random } from "../../numbers/random.ts";
import { withBatch } from "../../passes/mod.ts";
import { batchesOf, batchOf, type MeasureOptions } from "./measure.ts";

/** How weights are fitted. */
export interface RefitOptions extends MeasureOptions {
  /** Positions of each map that are looked at, of every picture; 96 by default. */
  readonly positions?: number;
  /** What a squared change of a weight costs, as a share of the mean square of the layer's inputs; 0.01 by default. */
  readonly ridge?: number;
  /** Of the positions; 0 by default. */
  readonly seed?: number;
  /** Bytes of maps and sums that are held at a time, unless a layer alone needs more; 256 MiB by default. The result differs by rounding. */
  readonly bytes?: number;
}

/** Layers whose maps and sums are held together, in the order of the nodes. */
function chunksOf(layers: readonly RefitLayer[], whole: Graph, limit: number): RefitLayer[][] {
  const index = GraphIndex.of(whole), chunks: RefitLayer[][] = [];
  let bytes = Infinity;
  for (const layer of layers) {
    const { node: { inputs: [input], outputs: [output] }, inputs, outputs, kernel } = layer;
    const rows = RowSums.bytes(inputs.length * kernel[0] * kernel[1], outputs.length);
    const more = rows + 4 * (sizeOf(index.shapeOf(input)) + sizeOf(index.shapeOf(output)));
    if (bytes + more > limit) {
      chunks.push([]);
      bytes = 0;
    }
    chunks.at(-1)!.push(layer);
    bytes += more;
  }
  return chunks;
}

/** Different numbers below a limit; all of them if there are no more than wanted. */
function draw(count: number, below: number, random: Random): number[] {
  const drawn = new Set<number>();
  if (below <= count) return Array.from({ length: below }, (_, k) => k);
  while (drawn.size < count) drawn.add(random.integer(below));
  return [...drawn];
}

/** Rows of a layer at positions of every picture of a batch. */
function sampledRows(layer: RefitLayer, maps: LayerMaps, positions: number, width: number, random: Random) {
  const [pictures, , height, across] = maps.output.shape;
  const drawn = Array.from({ length: pictures }, () => draw(positions, height * across, random));
  const count = drawn.reduce((sum, list) => sum + list.length, 0), rows = new Float32Array(count * width);
  let at = 0;
  for (const [picture, list] of drawn.entries()) {
    for (const position of list) {
      writeRow(layer, maps, picture, position, rows, at);
      at += width;
    }
  }
  return { rows, count };
}

/** What is fitted: layers of the whole graph, in the graph that became of it. */
interface Fit {
  readonly pruned: Graph;
  readonly whole: Graph;
  readonly layers: readonly RefitLayer[];
}

async function fitted(
  { pruned, whole, layers: all }: Fit,
  dataset: Dataset,
  { pictures = 64, positions = 96, ridge = 0.01, seed = 0, bytes = 2 ** 28 }: RefitOptions,
): Promise<Graph> {
  const places = new Map(whole.nodes.map(({ name }, place) => [name, place])), runner = createSessionRunner();
  let graph = pruned;
  try {
    for (const layers of chunksOf(all, whole, bytes)) {
      const values = new Set(layers.flatMap(({ node }) => [node.inputs[0], node.outputs[0]]));
      const watched = { ...whole, outputs: [...values] };
      const fits = layers.map((layer) => [layer, refitSums(layer)] as const);
      // Positions of a layer are the same whatever it is held together with.
      const draws = layers.map(({ node: { name } }) => new Random(seed + places.get(name)!));
      for await (const { inputs } of batchesOf(whole, dataset, pictures)) {
        const found = await runner.run(watched, inputs);
        for (const [k, [layer, sums]] of fits.entries()) {
          const { node: { inputs: [input], outputs: [output] } } = layer;
          const maps = { input: found[input], output: found[output] };
          const { rows, count } = sampledRows(layer, maps, positions, sums.inputs + sums.outputs, draws[k]);
          sums.add(rows, count);
        }
      }
      runner.release(watched);
      graph = withRefitted(graph, fits, ridge);
    }
    return graph;
  } finally {
    runner.destroy();
  }
}

/** The whole model for as many pictures as are looked at together. */
function batched(whole: Graph, dataset: Dataset, { batch = 8, pictures = 64 }: RefitOptions): Graph {
  return withBatch(whole, batchOf(whole, Math.min(batch, pictures, dataset.images.length)));
}

/**
 * The pruned model with convolutions that make of the channels left, as nearly as their weights allow, what they made of all channels of
 * the whole model on pictures of the data set. The groups are those of the whole model. Statistics of BatchNormalization have to be
 * measured anew afterwards; `pruneOn` does both.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { couplingGroups } from "../../graph/mod.ts";
 * import { openDataset } from "../../data/open.ts";
 * import { demoDetector } from "../../models/demo_detector.ts";
 * import { removeChannels } from "../../passes/remove_channels.ts";
 * import { refitOn } from "./refit.ts";
 * const whole = demoDetector({ size: 64 }), groups = couplingGroups(whole).groups.slice(0, 1);
 * const dataset = await openDataset("synthetic", { split: "train", limit: 2, size: 64 });
 * const cut = removeChannels(whole, groups);
 * const fitted = await refitOn({ graph: cut, groups }, whole, dataset);
 * assert.deepEqual(fitted.nodes, cut.nodes);
 * assert.notDeepEqual(fitted.constants, cut.constants);
 * ```
 *
 * Throws FeatherdetError for a layer whose values on the pictures are not finite.
 */
export async function refitOn(
  { graph: pruned, groups }: Pick<PruneResult, "graph" | "groups">,
  model: Graph,
  dataset: Dataset,
  options: RefitOptions = {},
): Promise<Graph> {
  const whole = batched(model, dataset, options);
  return await fitted({ pruned, whole, layers: refitLayers(whole, groups) }, dataset, options);
}

/**
 * The model without parts (`removeParts`), with convolutions that make of what they read by now, as nearly as their weights allow, what they
 * made in the whole model on pictures of the data set. Statistics of BatchNormalization have to be measured anew afterwards; `shortenOn` does
 * both. Throws FeatherdetError as `refitOn`.
 */
export async function refitShortenedOn(
  short: Graph,
  model: Graph,
  dataset: Dataset,
  options: RefitOptions = {},
): Promise<Graph> {
  const whole = batched(model, dataset, options),
    { graph, layers } = refitShortened(whole, withBatch(short, whole.inputs[0].shape[0]));
  return await fitted({ pruned: short, whole: graph, layers }, dataset, options);
}
