/** Graphs that are cut: the parts, run one after the other by the reference, give what the whole gives. */

import { assertEquals, assertThrows } from "@std/assert";
import { FeatherdetError } from "../../src/graph/error.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { verify } from "../../src/graph/verify.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { cutGraph, findDetectionHead } from "../../src/passes/mod.ts";
import { GraphIndex } from "../../src/graph/graph_index.ts";
import { type ReferenceTensor, referenceTensor, runReference } from "../../src/reference/run.ts";
import { randomTensor } from "../support/random.ts";
import { graphOf, node, PLAIN, weight } from "../support/tiny_graph.ts";

const SHAPE = [3, 1, 13, 17];

/** Two branches of a convolution that meet again, an input that both ends read, an output in the middle. */
const GRAPH = graphOf(
  { x: SHAPE, gate: [1] },
  ["half", "y"],
  [
    node("Conv", ["x", "w"], ["a"], { ...PLAIN, pads: [1, 1, 1, 1], groups: 1 }),
    node("Mul", ["a", "gate"], ["b"], {}),
    node("Silu", ["a"], ["c"], {}),
    node("Split", ["c"], ["left", "right"], { axis: 1, sizes: [1, 4] }),
    node("Relu", ["left"], ["half"], {}),
    node("Concat", ["right", "b"], ["d"], { axis: 1 }),
    node("Conv", ["d", "v"], ["e"], { ...PLAIN, strides: [2, 3], groups: 1 }),
    node("Mul", ["e", "gate"], ["y"], {}),
  ],
  { w: weight([5, 1, 3, 3]), v: weight([2, 9, 2, 2], 2) },
);

const inputs = () => ({
  x: referenceTensor(SHAPE, randomTensor(SHAPE, 3)),
  gate: referenceTensor([1], Float32Array.of(0.7)),
});

/** Runs the parts, each on what those before it and the caller have. */
function runParts(parts: readonly Graph[]): Map<string, ReferenceTensor> {
  const values = new Map<string, ReferenceTensor>(Object.entries(inputs()));
  for (const part of parts) {
    verify(part);
    const given = Object.fromEntries(part.inputs.map(({ name }) => [name, values.get(name)!]));
    for (const [name, tensor] of runReference(part, given)) values.set(name, tensor);
  }
  return values;
}

for (
  const cuts of [[], [["a"]], [["b"]], [["left"]], [["half"], ["d"]], [["a"], ["c", "b"], ["e"]], [["right", "b"]]]
) {
  Deno.test(`cut at ${JSON.stringify(cuts)}, the parts give what the whole gives`, () => {
    const parts = cutGraph(GRAPH, cuts);
    assertEquals(parts.length, cuts.length + 1);
    assertEquals(parts.flatMap(({ nodes }) => nodes).length, GRAPH.nodes.length);
    const values = runParts(parts);
    for (const [name, tensor] of runReference(GRAPH, inputs())) assertEquals(values.get(name), tensor);
  });
}

Deno.test("a part names what it reads and what others read of it, whether the cut names it or not", () => {
  const [first, second] = cutGraph(GRAPH, [["left"]]);
  assertEquals([first.inputs.map(({ name }) => name), first.outputs], [["x"], ["a", "left", "right"]]);
  assertEquals(second.inputs.map(({ name }) => name), ["a", "gate", "left", "right"]);
  assertEquals([...first.constants.keys(), ...second.constants.keys()], ["w", "v"]);
  assertEquals(second.outputs, GRAPH.outputs);
});

Deno.test("the head of a detector is recognised behind a cut, with its strides", () => {
  const graph = demoDetector({ size: 96 });
  const whole = findDetectionHead(GraphIndex.of(graph));
  const parts = cutGraph(graph, [[graph.nodes[6].outputs[0]]]);
  const found = findDetectionHead(GraphIndex.of(parts[1]));
  assertEquals(found?.levels, whole?.levels);
  const [, third] = cutGraph(parts[1], [[parts[1].nodes[2].outputs[0]]]);
  assertEquals(findDetectionHead(GraphIndex.of(third))?.levels, whole?.levels);
});

Deno.test("cuts that are none are refused by the value", () => {
  const refused = (cuts: string[][], text: string) => assertThrows(() => cutGraph(GRAPH, cuts), FeatherdetError, text);
  refused([["x"]], 'tiny: the graph cannot be cut at "x": no node makes it');
  refused([["w"]], '"w": no node makes it');
  refused([["nothing"]], '"nothing": no node makes it');
  refused([["c"], ["a"]], "cut 2 of 2 leaves nothing to compute for part 2");
  refused([["y", "half"]], "for part 2");
  const bytes = graphOf({ x: [1, 4] }, ["y"], [
    node("QuantizeLinear", ["x", "s", "z"], ["q"], { axis: 1 }),
    node("DequantizeLinear", ["q", "s", "z"], ["y"], { axis: 1 }),
  ], {
    s: { dtype: "f32", shape: [], data: Float32Array.of(0.1) },
    z: { dtype: "i8", shape: [], data: Int8Array.of(0) },
  });
  assertThrows(() => cutGraph(bytes, [["q"]]), FeatherdetError, 'cannot be cut at "q": it is i8');
});
