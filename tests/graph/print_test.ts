/**
 * The printed table.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { printGraph } from "../../src/graph/mod.ts";
import { graphOf, node, PLAIN, weight } from "../support/tiny_graph.ts";

Deno.test("a graph prints as an aligned table without the usual attributes", () => {
  const graph = graphOf(
    { images: [1, 3, 13, 127] },
    ["left", "y"],
    [
      node("Conv", ["images", "w", "b"], ["c"], { ...PLAIN, strides: [2, 2], pads: [1, 1, 1, 1], groups: 1 }),
      node("Split", ["c"], ["left", "right"], { axis: 1, sizes: [100, 20] }),
      node("LeakyRelu", ["right"], ["y"], { alpha: Math.fround(0.1) }),
    ],
    { w: weight([120, 3, 3, 3]), b: weight([120]) },
  );
  assertEquals(
    printGraph(graph),
    `graph "tiny": 3 nodes, 3,360 parameters
input  images f32[1,3,13,127]
output left f32[1,100,7,64]
output y f32[1,20,7,64]
#  operator   name       inputs -> outputs                               parameters  attributes
0  Conv       make_c     [1,3,13,127] [120,3,3,3] [120] -> [1,120,7,64]       3,360  strides=[2,2] pads=[1,1,1,1]
1  Split      make_left  [1,120,7,64] -> [1,100,7,64] [1,20,7,64]                    axis=1 sizes=[100,20]
2  LeakyRelu  make_y     [1,20,7,64] -> [1,20,7,64]                                  alpha=0.1`,
  );
});

Deno.test("a graph without nodes prints", () => {
  assertEquals(
    printGraph(graphOf({ x: [2] }, ["x"], [])),
    `graph "tiny": 0 nodes, 0 parameters
input  x f32[2]
output x f32[2]
#  operator  name  inputs -> outputs  parameters  attributes`,
  );
});
