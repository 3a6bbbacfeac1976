/**
 * Graphs that break the rules, and what verify says about them.
 *
 * @module
 */

import { assertEquals, assertThrows } from "@std/assert";
import { FeatherdetError, type Graph, verify } from "../../src/graph/mod.ts";
import { graphOf, node, PLAIN, weight } from "../support/tiny_graph.ts";

const CONV = node("Conv", ["x", "w"], ["c"], { ...PLAIN, groups: 1 });
const RELU = node("Relu", ["c"], ["y"], {});
const GOOD = graphOf({ x: [1, 3, 13, 127] }, ["y"], [CONV, RELU], { w: weight([4, 3, 3, 3]) });

function withWeight(data: Float32Array | Int32Array, shape = [4, 3, 3, 3]): Graph {
  return { ...GOOD, constants: new Map([["w", { dtype: "f32", shape, data }]]) };
}

function spoiled(value: number): Graph {
  const { data } = weight([4, 3, 3, 3]);
  data[17] = value;
  return withWeight(data as Float32Array);
}

const BROKEN: readonly [what: string, graph: Graph, message: string][] = [
  ["NaN in a weight", spoiled(NaN), 'constant "w" holds NaN at index 17'],
  ["an infinite weight", spoiled(-Infinity), 'constant "w" holds -Infinity at index 17'],
  ["a short constant", withWeight(new Float32Array(107)), "holds 107 elements but its shape [4,3,3,3] has 108"],
  ["a constant in the wrong array", withWeight(new Int32Array(108)), "is f32 but stored as Int32Array"],
  [
    "nodes out of order",
    { ...GOOD, nodes: [RELU, CONV] },
    'input "c" is made by "make_c", which does not come earlier',
  ],
  ["an unknown input", { ...GOOD, nodes: [RELU] }, 'Relu "make_y": input "c" does not exist'],
  ["a name twice", { ...GOOD, nodes: [CONV, { ...RELU, name: "make_c" }] }, "shares its name"],
  ["no name", { ...GOOD, nodes: [CONV, { ...RELU, name: "" }] }, "needs a name"],
  ["a value twice", { ...GOOD, nodes: [CONV, { ...RELU, outputs: ["c"] }] }, 'output "c" exists already'],
  ["a value made over an input", { ...GOOD, nodes: [CONV, { ...RELU, outputs: ["x"] }] }, 'output "x" exists already'],
  [
    "a surplus input",
    { ...GOOD, nodes: [CONV, { ...RELU, inputs: ["c", "c"] }] },
    "has 2 inputs, the operator takes 1",
  ],
  ["no output of a node", { ...GOOD, nodes: [CONV, { ...RELU, outputs: [] }] }, "has 0 outputs, the operator takes 1"],
  ["no outputs", { ...GOOD, outputs: [] }, "has no outputs"],
  ["an unknown output", { ...GOOD, outputs: ["z"] }, 'output "z" of graph "tiny" does not exist'],
  ["an output twice", { ...GOOD, outputs: ["y", "y"] }, "appears twice"],
  ["an input twice", { ...GOOD, inputs: [...GOOD.inputs, ...GOOD.inputs] }, 'input "x" appears twice'],
  ["an open extent", graphOf({ x: [0, 3, 4, 4] }, ["x"], []), "shape [0,3,4,4]"],
  [
    "a constant named as an input",
    { ...GOOD, constants: new Map([...GOOD.constants, ["x", weight([1])]]) },
    'constant "x" shares its name with an input',
  ],
  ["shapes that do not fit", { ...GOOD, inputs: [{ name: "x", dtype: "f32", shape: [1, 2, 9, 9] }] }, "2 channels"],
];

Deno.test("a good graph passes", () => assertEquals(verify(GOOD), undefined));

for (const [what, graph, message] of BROKEN) {
  Deno.test(`verify refuses ${what}`, () => {
    assertThrows(() => verify(graph), FeatherdetError, message);
  });
}
