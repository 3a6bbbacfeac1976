/**
 * Outputs that are known when a graph is planned, or are its inputs: a Reshape copies them to where outputs are read.
 *
 * @module
 */

import { type Graph, GraphEditor } from "../../graph/mod.ts";

/** The graph with a Reshape behind every constant that is an output. Passes that fold constants come before. */
export function copyConstantOutputs(graph: Graph): Graph {
  const known = graph.outputs.filter((name) => graph.constants.has(name));
  if (known.length === 0) return graph;
  const editor = new GraphEditor(graph);
  for (const name of known) {
    const { shape } = graph.constants.get(name)!;
    const source = editor.uniqueName(`${name}/constant`);
    // The readers read the constant on; the output's name goes to the copy.
    editor.rename(name, source);
    editor.nodeWithOutputs("Reshape", editor.uniqueName(`${name}/copy`), [source], { shape }, [name]);
  }
  return editor.finish({ outputs: graph.outputs });
}
