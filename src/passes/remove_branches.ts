/**
 * Residual branches that are really gone: a shallower graph, in which a sum is its shortcut.
 *
 * @module
 */

import { FeatherdetError, type Graph, GraphEditor } from "../graph/mod.ts";
import type { Branch } from "./residual_branches.ts";

/**
 * The graph without branches: what read a sum reads its shortcut, and nodes that served the branch alone are gone. The branches may be those
 * of another graph with the same names. Names of nodes, values and constants stay, and so do running statistics: measure them anew.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../models/yolo11.ts";
 * import { removeBranches } from "./remove_branches.ts";
 * import { branchesOf } from "./residual_branches.ts";
 * const model = yolo11({ size: 64 });
 * const [first] = branchesOf(model), short = removeBranches(model, [first]);
 * const convolutions = (nodes: typeof model.nodes) => nodes.filter(({ op }) => op === "Conv").length;
 * assert.equal(convolutions(short.nodes), convolutions(model.nodes) - 2);
 * ```
 *
 * Throws FeatherdetError where the graph has no such sum.
 */
export function removeBranches(graph: Graph, branches: readonly Branch[]): Graph {
  if (branches.length === 0) return graph;
  const editor = new GraphEditor(graph), byName = new Map(graph.nodes.map((node) => [node.name, node]));
  for (const { add, shortcut } of branches) {
    const node = byName.get(add.name);
    if (node?.op !== "Add") throw new FeatherdetError(`there is no sum "${add.name}"`, { file: graph.name });
    // Sums before this one may have gone, so that it reads another value by now.
    const { inputs } = editor.current(node)!;
    editor.redirect(add.outputs[0], inputs[add.inputs.indexOf(shortcut)]);
  }
  return editor.finish();
}
