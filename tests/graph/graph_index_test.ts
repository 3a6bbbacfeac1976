/** GraphIndex against searches through the lists of seeded random graphs. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { FeatherdetError, type Graph, GraphIndex, inferTypes, type Node, verify } from "../../src/graph/mod.ts";
import { randomGraph } from "../support/random_graph.ts";
import { graphOf, node, weight } from "../support/tiny_graph.ts";

const SEEDS = Array.from({ length: 40 }, (_, seed) => seed);

function valuesOf(graph: Graph): string[] {
  return [
    ...graph.inputs.map(({ name }) => name),
    ...graph.constants.keys(),
    ...graph.nodes.flatMap(({ outputs }) => outputs),
  ];
}

/** How often a value is read, outputs of the graph included. */
function readings(graph: Graph, value: string): number {
  const inNodes = graph.nodes.flatMap(({ inputs }) => inputs).filter((name) => name === value).length;
  return inNodes + graph.outputs.filter((name) => name === value).length;
}

Deno.test("producers, readers and sole readers are those that a search through the lists finds", () => {
  let twice = 0, sole = 0, leaving = 0;
  for (const seed of SEEDS) {
    const graph = randomGraph(seed);
    verify(graph);
    const index = GraphIndex.of(graph);
    for (const value of valuesOf(graph)) {
      const producer = graph.nodes.find(({ outputs }) => outputs.includes(value));
      const readers = graph.nodes.filter(({ inputs }) => inputs.includes(value));
      assert(index.producerOf(value) === producer, `seed ${seed}, ${value}`);
      assertEquals(index.readersOf(value).map(({ name }) => name), readers.map(({ name }) => name));
      // A sole reader is what is left where a value is read once in all.
      const expected = readings(graph, value) === 1 && readers.length === 1 ? readers[0] : undefined;
      assert(index.soleReader(value) === expected, `seed ${seed}, ${value}`);
      if (expected) sole++;
      if (readers.length === 1 && graph.outputs.includes(value)) leaving++;
      if (readers.length === 1 && readers[0].inputs.filter((name) => name === value).length === 2) twice++;
      assertEquals(index.isOutput(value), graph.outputs.includes(value));
      assertEquals(index.isInput(value), graph.inputs.some(({ name }) => name === value));
      assert(index.constantOf(value) === graph.constants.get(value));
      assertEquals(index.isConstant(value), graph.constants.has(value));
      assert(index.has(value));
    }
    for (const one of graph.nodes) {
      const before = one.inputs.map((name) => graph.nodes.find(({ outputs }) => outputs.includes(name)));
      assertEquals(index.producersBefore(one), before.filter((producer) => producer !== undefined));
      const behind = one.outputs.flatMap((name) => graph.nodes.filter(({ inputs }) => inputs.includes(name)));
      assertEquals(index.readersBehind(one), behind);
    }
    assertEquals(new Map(index.types), inferTypes(graph));
  }
  // The graphs hold every case that the index tells apart.
  assert(twice > 0 && sole > 0 && leaving > 0, `${twice} ${sole} ${leaving}`);
});

Deno.test("a value that one node reads twice, that leaves the graph or that nobody reads has no sole reader", () => {
  const square = node("Mul", ["x", "x"], ["y"], {}), relu = node("Relu", ["y"], ["z"], {});
  const unread = node("Relu", ["z"], ["w"], {});
  const index = new GraphIndex(graphOf({ x: [1, 3] }, ["y", "z"], [square, relu, unread]));
  assertEquals(index.readersOf("x"), [square]);
  assertEquals(["x", "y", "z", "w"].map((value) => index.soleReader(value)), Array(4).fill(undefined));
  const inner = new GraphIndex(graphOf({ x: [1, 3] }, ["z"], [square, relu]));
  assert(inner.soleReader("y") === relu);
});

Deno.test("unknown names have nothing, and asking for their type is an error", () => {
  const index = GraphIndex.of(graphOf({ x: [1, 3] }, ["y"], [node("Relu", ["x"], ["y"], {})], { k: weight([1]) }));
  assertEquals([index.producerOf("q"), index.soleReader("q"), index.constantOf("q")], Array(3).fill(undefined));
  assertEquals([index.readersOf("q"), index.constantOf(undefined)], [[], undefined]);
  assertEquals([index.has("q"), index.has("x"), index.has("k"), index.has("y")], [false, true, true, true]);
  assertThrows(() => index.shapeOf("q"), FeatherdetError, 'value "q" does not exist in graph "tiny"');
});

Deno.test("a graph has one index, a changed copy another", () => {
  const graph = randomGraph(1);
  assert(GraphIndex.of(graph) === GraphIndex.of(graph));
  const cut: Graph = { ...graph, nodes: graph.nodes.slice(0, -1) };
  const last: Node = graph.nodes.at(-1)!;
  assert(GraphIndex.of(cut).producerOf(last.outputs[0]) === undefined);
});

Deno.test("types are inferred when they are asked for, not before", () => {
  const broken = graphOf({ x: [1, 3], y: [1, 2] }, ["z"], [node("Add", ["x", "y"], ["z"], {})]);
  const index = GraphIndex.of(broken);
  assertEquals(index.producerOf("z")?.op, "Add");
  assertThrows(() => index.typeOf("z"), FeatherdetError);
});
