/**
 * The helpers that passes are written with.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { FeatherdetError, sortTopologically, uniqueName, verify, withNodes } from "../../src/graph/mod.ts";
import { graphOf, node, PLAIN, weight } from "../support/tiny_graph.ts";

const conv = node("Conv", ["x", "w", "b"], ["c"], { ...PLAIN, groups: 1 });
const gate = node("Sigmoid", ["c"], ["s"], {});
const product = node("Mul", ["c", "s"], ["y"], {});
const square = node("Mul", ["y", "y"], ["z"], {});
const GRAPH = graphOf({ x: [1, 3, 13, 5] }, ["z"], [conv, gate, product, square], {
  w: weight([4, 3, 1, 1]),
  b: weight([4]),
});

const labels = (nodes: readonly { name: string }[]) => nodes.map(({ name }) => name);

Deno.test("sorting keeps a good order, repairs a bad one and names a cycle", () => {
  assertEquals(sortTopologically(GRAPH.nodes), [...GRAPH.nodes]);
  assertEquals(sortTopologically([square, product, gate, conv]), [...GRAPH.nodes]);
  const back = node("Relu", ["z"], ["c"], {});
  assertThrows(() => sortTopologically([back, gate, product, square]), FeatherdetError, "depends on its own output");
  assertThrows(() => sortTopologically([conv, back]), FeatherdetError, 'makes "c", which "make_c" makes too');
});

Deno.test("sorting a chain deeper than the call stack", () => {
  const chain = Array.from({ length: 20_000 }, (_, i) => node("Relu", [`v${i}`], [`v${i + 1}`], {}));
  assertEquals(labels(sortTopologically([...chain].reverse())), labels(chain));
});

Deno.test("withNodes drops what is not read any more and leaves the given graph alone", () => {
  const silu = node("Silu", ["c"], ["y"], {});
  const bare = node("Conv", ["x", "w"], ["c"], { ...PLAIN, groups: 1 });
  const after = withNodes(GRAPH, [square, silu, gate, bare]);
  assertEquals(labels(after.nodes), ["make_c", "make_y", "make_z"]);
  assertEquals([...after.constants.keys()], ["w"]);
  assert(after.constants.get("w") === GRAPH.constants.get("w"));
  assertEquals(GRAPH.nodes.length, 4);
  assertEquals([...GRAPH.constants.keys()], ["w", "b"]);
  verify(after);
});

Deno.test("unique names count up", () => {
  const taken = new Set(["a", "a_2"]);
  assertEquals([uniqueName(taken, "a"), uniqueName(taken, "a"), uniqueName(taken, "b")], ["a_3", "a_4", "b"]);
});
