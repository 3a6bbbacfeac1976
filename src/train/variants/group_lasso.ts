/**
 * Group lasso over coupling groups (Yuan and Lin 2006, https://doi.org/10.1111/j.1467-9868.2005.00532.x; over the groups that channels
 * are removed by in DepGraph, Fang et al. 2023, https://arxiv.org/abs/2301.12900): the sum of the norms of all groups is a loss. It draws
 * whole groups to zero, and not single weights, so that channels can be removed that the detector does without.
 *
 * @module
 */

import { channelBundles, couplingGroups } from "../../graph/channels/mod.ts";
import { FeatherdetError, type Graph, GraphEditor, weightsOf } from "../../graph/mod.ts";
import { isTableOfDistances } from "../autodiff/training_graph.ts";
import type { LossWeight } from "../losses/named_loss.ts";
import { type GraphLosses, PLAIN, type TrainableGraph, type TrainingVariant } from "../variant.ts";
import { GroupSquares } from "./group_norms.ts";

/** How groups are drawn to zero. */
export interface GroupLassoOptions {
  /** Weight of the sum of norms. It usually grows over the run: `[[0, 0], [epochs, weight]]`. */
  readonly weight: LossWeight;
}

/** Name of the loss. */
const LOSS = "groupLasso";

/** Added to the square of every norm: a group of zeros has a gradient, which is zero. */
const EPSILON = 1e-12;

/** What a graph computes, without rounding, and without what no output needs, such as losses of other variants. */
function plainGraph(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  for (const node of graph.nodes) {
    if (node.op === "FakeQuantize" || node.op === "FakeQuantizeWeights") editor.remove(node);
  }
  return editor.finish();
}

function withLasso({ graph, frozen, trained }: TrainableGraph, weight: LossWeight): GraphLosses {
  const plain = plainGraph(graph);
  const weights = new Set(plain.nodes.flatMap((node) => [...weightsOf(plain, node).trained]));
  const isTrained = (name: string) =>
    (weights.has(name) || trained.has(name)) && !frozen.has(name) && !isTableOfDistances(name);
  const editor = new GraphEditor(graph), base = `loss/${LOSS}`;
  const squares = new GroupSquares(editor, graph, base);
  const bundles = channelBundles(couplingGroups(plain).groups)
    .flatMap((bundle) => squares.ofBundle(bundle, isTrained) ?? []);
  if (bundles.length === 0) {
    throw new FeatherdetError("there is no channel that could be drawn to zero and removed", { file: graph.name });
  }
  const joint = bundles.length === 1 ? bundles[0] : editor.one("Concat", `${base}/groups`, bundles, { axis: 0 });
  const epsilon = editor.constant(`${base}/epsilon`, [1], Float32Array.of(EPSILON));
  const norms = editor.one("Sqrt", `${base}/norms`, [editor.one("Add", `${base}/above`, [joint, epsilon], {})], {});
  const value = editor.one("ReduceSum", `${base}/total`, [norms], { axes: [0], keepDims: false });
  return { graph: editor.finish({ keepUnread: true }), losses: [{ name: LOSS, value, weight }] };
}

/**
 * Training with the sum of the norms of all coupling groups that can be removed as a loss, `groupLasso`. The norm of a group is that of
 * all that is trained of it: rows of weights that make its channels, columns that read them, scales and biases. All weights of a group
 * move by `weight` towards zero together; the model stays what it is.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../../models/yolo11.ts";
 * import { trainableGraph } from "../variant.ts";
 * import { groupLasso } from "./group_lasso.ts";
 * const model = yolo11({ width: 0.0625, size: 64 });
 * const { losses } = groupLasso({ weight: [[0, 0], [20, 1e-3]] }).losses(trainableGraph(model));
 * assert.equal(losses[0].name, "groupLasso");
 * ```
 *
 * Its `losses` throws FeatherdetError for a model of which no channel can be removed.
 */
export function groupLasso({ weight }: GroupLassoOptions): TrainingVariant {
  return {
    ...PLAIN,
    name: "group lasso",
    settings: { [LOSS]: { weight } },
    losses: (trained) => withLasso(trained, weight),
  };
}
