/**
 * Puts BatchNormalization back behind convolutions of a detector whose files have it folded in, so that it can be trained further.
 *
 * Which convolutions had one is told from the structure: folding leaves a bias, and a convolution with a bias had none only where its
 * result goes to the decoding of boxes and classes, or belongs to a gate of channels, whose map is one pixel.
 *
 * @module
 */

import type { Graph } from "../graph/graph.ts";
import { GraphEditor } from "../graph/editor.ts";
import { GraphIndex } from "../graph/graph_index.ts";
import type { Node } from "../graph/operators.ts";
import { findTrainableHead } from "./find_trainable_head.ts";

/** What published YOLO models add to variances. */
const EPSILON = Math.fround(1e-3);

/** Values that say one thing of a whole map: pooled ones, and what is computed of such alone. */
function pooledValues(graph: Graph): Set<string> {
  const pooled = new Set<string>();
  for (const { op, attributes, inputs, outputs } of graph.nodes) {
    const overMap = op === "GlobalAveragePool" ||
      (op === "ReduceMean" || op === "ReduceMax" || op === "ReduceSum") &&
        [2, 3].every((axis) => attributes.axes.includes(axis));
    const values = inputs.filter((name) => !graph.constants.has(name));
    if (overMap || values.length > 0 && values.every((name) => pooled.has(name))) {
      for (const name of outputs) pooled.add(name);
    }
  }
  return pooled;
}

/**
 * The graph with a BatchNormalization of mean 0, variance 1 - epsilon, scale 1 and the bias for its shift behind every convolution that had
 * one; folding it again gives the weights bit for bit. A graph that has any BatchNormalization, or no head that can be trained, stays as it is.
 *
 * Its statistics are those of nothing: training that normalises by batches has to estimate them first (`adaptStatistics`).
 */
export function unfoldBatchNormalization(graph: Graph): Graph {
  if (graph.nodes.some(({ op }) => op === "BatchNormalization")) return graph;
  const index = GraphIndex.of(graph), head = findTrainableHead(index);
  if (head === undefined) return graph;
  const maps = new Set(head.maps);
  const tail = new Set(head.tail), pooled = pooledValues(graph);
  const isOwn = (name: string) => index.readersOf(name).length === 1 && graph.constants.get(name)?.dtype === "f32";
  const editor = new GraphEditor(graph);
  for (const node of graph.nodes) {
    const [x, weight, bias] = node.inputs, [y] = node.outputs;
    const isFolded = node.op === "Conv" && bias !== undefined && [weight, bias].every(isOwn) && !maps.has(y) &&
      !tail.has(node) && !pooled.has(x) && !index.isOutput(y);
    if (!isFolded) continue;
    const [channels] = graph.constants.get(bias)!.shape;
    const path = bias.replace(/\.bias$/, "").replace(/\.conv$/, ".bn");
    const define = (suffix: string, value: number) =>
      editor.constant(editor.uniqueName(`${path}.${suffix}`), [channels], new Float32Array(channels).fill(value));
    const between = editor.uniqueName(`${y}/convolved`);
    const norm: Node<"BatchNormalization"> = {
      op: "BatchNormalization",
      name: editor.uniqueName(path),
      inputs: [
        between,
        define("weight", 1),
        bias,
        define("running_mean", 0),
        define("running_var", 1 - EPSILON),
      ],
      outputs: [y],
      attributes: { epsilon: EPSILON },
    };
    editor.replace(node, [{ ...node, inputs: [x, weight], outputs: [between] }, norm]);
  }
  return editor.finish();
}
