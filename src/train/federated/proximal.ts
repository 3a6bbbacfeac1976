/**
 * FedProx (Li et al. 2020, https://arxiv.org/abs/1812.06127): a client's weights are drawn to those that it began the round with.
 *
 * @module
 */

import { FeatherdetError, GraphEditor, weightsOf } from "../../graph/mod.ts";
import { isTableOfDistances } from "../autodiff/training_graph.ts";
import { type GraphLosses, PLAIN, type TrainableGraph, type TrainingVariant } from "../variant.ts";

/** Name of the loss. */
const LOSS = "proximal";

function withDistance({ graph, frozen, trained }: TrainableGraph, mu: number): GraphLosses {
  const names = new Set(
    graph.nodes.flatMap((
      node,
    ) => [...weightsOf(graph, node).trained, ...node.inputs.filter((name) => trained.has(name))]),
  );
  const drawn = [...names].filter((name) => !frozen.has(name) && !isTableOfDistances(name));
  if (drawn.length === 0) throw new FeatherdetError("there is nothing that could be drawn", { file: graph.name });
  const editor = new GraphEditor(graph), base = (what: string) => `loss/${LOSS}/${what}`;
  const sums = drawn.map((name) => {
    const { data, shape } = graph.constants.get(name)!;
    const before = editor.constant(base(`${name}/before`), shape, Float32Array.from(data));
    const difference = editor.one("Sub", base(`${name}/difference`), [name, before], {});
    const square = editor.one("Mul", base(`${name}/square`), [difference, difference], {});
    const axes = shape.map((_, axis) => axis);
    const sum = editor.one("ReduceSum", base(`${name}/sum`), [square], { axes, keepDims: false });
    return editor.one("Reshape", base(`${name}/one`), [sum], { shape: [1] });
  });
  const joint = sums.length === 1 ? sums[0] : editor.one("Concat", base("sums"), sums, { axis: 0 });
  const value = editor.one("ReduceSum", base("sum"), [joint], { axes: [0], keepDims: false });
  return { graph: editor.finish({ keepUnread: true }), losses: [{ name: LOSS, value, weight: mu / 2 }] };
}

/**
 * Training with `mu / 2` times the square of the distance from the model's own weights as a loss, `proximal`: its gradient is `mu (w - w0)`.
 *
 * Its `losses` throws FeatherdetError for a model without weights.
 */
export function proximal(mu: number): TrainingVariant {
  return {
    ...PLAIN,
    name: "proximal",
    settings: { [LOSS]: { mu } },
    losses: (trained) => withDistance(trained, mu),
  };
}
