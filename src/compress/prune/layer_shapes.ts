/**
 * Convolutions of a graph as they are dispatched: what a table of times knows them by.
 *
 * @module
 */

import { type Graph, GraphIndex, isUnary, type Node } from "../../graph/mod.ts";
import { foldBatchNormalization, recogniseActivations } from "../../passes/mod.ts";
import type { LayerShape } from "../meter.ts";

type Behind = LayerShape["behind"][number];

function unaryBehind(node: Node | undefined): Behind | undefined {
  return node && isUnary(node.op) ? { op: node.op, attributes: { ...node.attributes } } : undefined;
}

/** Activation and residual behind a convolution that the planner may put into its dispatch, in order. */
function behind(conv: Node, index: GraphIndex): Behind[] {
  const made: Behind[] = [];
  let [result] = conv.outputs;
  const follow = (next: Node, one: Behind) => {
    made.push(one);
    [result] = next.outputs;
  };
  const takeActivation = () => {
    const next = index.soleReader(result), activation = unaryBehind(next);
    if (activation) follow(next!, activation);
  };
  takeActivation();
  const next = index.soleReader(result);
  const other = next?.inputs.find((value) => value !== result);
  if (next?.op !== "Add" || other === undefined || index.graph.constants.has(other)) return made;
  if (String(index.shapeOf(other)) !== String(index.shapeOf(result))) return made;
  const before = made.length;
  follow(next, { op: "Add", attributes: {} });
  if (before === 0) takeActivation();
  return made;
}

/** The shapes of the convolutions with constant weights, by the names of their nodes. What multiplies or splits their input is left out. */
export function layerShapes(source: Graph): Map<string, LayerShape> {
  const graph = recogniseActivations(foldBatchNormalization(source)), index = GraphIndex.of(graph);
  const shapes = new Map<string, LayerShape>();
  for (const node of graph.nodes) {
    const weight = node.op === "Conv" ? graph.constants.get(node.inputs[1]) : undefined;
    if (node.op !== "Conv" || !weight) continue;
    const [batch, inputs, height, width] = index.shapeOf(node.inputs[0]);
    const [outputs, , ...kernel] = weight.shape;
    const { strides, dilations, pads, groups } = node.attributes;
    shapes.set(node.name, {
      kernel: [kernel[0], kernel[1]],
      ...{ strides, dilations, pads },
      groups: groups > 1 && groups === inputs && groups === outputs ? "each" : groups,
      map: [batch, height, width],
      behind: behind(node, index),
      ...{ inputs, outputs },
    });
  }
  return shapes;
}
