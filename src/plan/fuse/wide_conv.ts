/**
 * Re-folds 1x1 convolutions over very wide maps, such as the DFL convolution over `[1, 16, 4, 8400]`: pixels are independent
 * there, so any height and width of the same product will do, and a texture row has a limit.
 *
 * @module
 */

import { type Graph, GraphEditor, GraphIndex } from "../../graph/mod.ts";

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
  const index = GraphIndex.of(graph), editor = new GraphEditor(graph);
  let folds = 0;
  for (const node of graph.nodes) {
    if (node.op !== "Conv" || node.attributes.groups !== 1) continue;
    const [batch, channels, height, width] = index.shapeOf(node.inputs[0]);
    const [outputs, , kh, kw] = index.shapeOf(node.inputs[1]);
    const { strides, pads } = node.attributes;
    if (width <= WIDEST || kh * kw !== 1 || strides.some((s) => s !== 1) || pads.some((p) => p !== 0)) continue;
    const folded = nearSquare(height * width);
    if (folded[1] > WIDEST) continue;
    const [x, y] = ["folded", "result"].map((what) => editor.uniqueName(`${node.name}/${what}`));
    const reshape = (what: string, from: string, to: string, shape: readonly number[]) =>
      editor.nodeWithOutputs("Reshape", editor.uniqueName(`${node.name}/${what}`), [from], { shape }, [to]);
    editor.replace(node, () => {
      reshape("fold", node.inputs[0], x, [batch, channels, ...folded]);
      editor.put({ ...node, inputs: [x, ...node.inputs.slice(1)], outputs: [y] });
      reshape("unfold", y, node.outputs[0], [batch, outputs, height, width]);
    });
    folds++;
  }
  return folds === 0 ? graph : editor.finish();
}
