/** Graphs for which several kernels compete. */

import type { Graph } from "../../src/graph/mod.ts";
import { graphOf, node, PLAIN, weight } from "./tiny_graph.ts";

/** Steps for which two kernels compete that are compiled quickly: channels by themselves, and a map that is doubled. */
export function quickContests(): Graph {
  const attributes = { ...PLAIN, pads: [1, 1, 1, 1] as const, groups: 6 };
  const doubled = { ...PLAIN, strides: [2, 2] as const, groups: 1, outputPadding: [0, 0] as const };
  return graphOf({ x: [1, 6, 7, 5] }, ["y"], [
    node("Conv", ["x", "depthwise"], ["c"], attributes),
    node("ConvTranspose", ["c", "doubling"], ["y"], doubled),
  ], { depthwise: weight([6, 1, 3, 3]), doubling: weight([6, 5, 2, 2]) });
}
