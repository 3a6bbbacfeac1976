/**
 * The passes that other passes begin with: the same computation in the form that they want.
 *
 * @module
 */

import type { Graph } from "../graph/mod.ts";
import { foldBatchNormalization, recogniseActivations } from "../passes/mod.ts";
import type { Pass } from "./pass.ts";
import type { StatisticsWanted } from "./statistics.ts";

/** What the pass did. */
export interface PrepareReport {
  /** Nodes that were removed. */
  readonly removed: number;
}

/** True where nothing became of a graph but a copy. */
function isSame(graph: Graph, other: Graph): boolean {
  const { nodes, constants } = other;
  return graph.nodes.length === nodes.length && graph.nodes.every((node, i) => node === nodes[i]) &&
    graph.constants.size === constants.size;
}

function preparing(name: string, change: (graph: Graph) => Graph): Pass<object, PrepareReport> {
  return {
    name,
    effect: "prepares",
    needs: (): StatisticsWanted => ({}),
    apply(graph) {
      const made = change(graph);
      // A copy would count as another state of the model, of which nothing is known.
      return isSame(graph, made)
        ? { graph, report: { removed: 0 } }
        : { graph: made, report: { removed: graph.nodes.length - made.nodes.length } };
    },
  };
}

/** Folds BatchNormalization into the convolutions before it. */
export const foldPass: Pass<object, PrepareReport> = preparing("foldBatchNormalization", foldBatchNormalization);

/** Makes one node of each activation that several nodes spell. */
export const recognisePass: Pass<object, PrepareReport> = preparing("recogniseActivations", recogniseActivations);
