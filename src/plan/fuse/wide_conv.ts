/**
 * Re-folds 1x1 convolutions over very wide maps, such as the DFL convolution over `[1, 16, 4, 8400]`: pixels are independent
 * there, so any height and width of the same product will do, and a texture row has a limit.
 *
 * @module
 */

import { type Graph, inferTypes, namesOf, type Node, uniqueName, withNodes } from "../../graph/mod.ts";

/** Widest map that row memory takes. */
export const WIDEST = 4096;

/** The factors of a count that are nearest to a square. */
function nearSquare(count: number): [number, number] {
  let height = Math.floor(Math.sqrt(count));
  while (count % height !== 0) height--;
  return [height, count / height];
}

/** The graph with such convolutions between two Reshapes. */
export function refoldWideConvolutions(graph: Graph): Graph {
  const types = inferTypes(graph);
  const taken = namesOf(graph);
  const nodes = graph.nodes.flatMap((node): Node[] => {
    if (node.op !== "Conv" || node.attributes.groups !== 1) return [node];
    const [batch, channels, height, width] = types.get(node.inputs[0])!.shape;
    const [outputs, , kh, kw] = types.get(node.inputs[1])!.shape;
    const { strides, pads } = node.attributes;
    if (width <= WIDEST || kh * kw !== 1 || strides.some((s) => s !== 1) || pads.some((p) => p !== 0)) return [node];
    const folded = nearSquare(height * width);
    if (folded[1] > WIDEST) return [node];
    const [x, y] = [uniqueName(taken, `${node.name}/folded`), uniqueName(taken, `${node.name}/result`)];
    const reshape = (name: string, from: string, to: string, shape: number[]): Node => ({
      op: "Reshape",
      name: uniqueName(taken, name),
      inputs: [from],
      outputs: [to],
      attributes: { shape },
    });
    return [
      reshape(`${node.name}/fold`, node.inputs[0], x, [batch, channels, ...folded]),
      { ...node, inputs: [x, ...node.inputs.slice(1)], outputs: [y] },
      reshape(`${node.name}/unfold`, y, node.outputs[0], [batch, outputs, height, width]),
    ];
  });
  return nodes.length === graph.nodes.length ? graph : withNodes(graph, nodes);
}
