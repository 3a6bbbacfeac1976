/** GraphEditor: edits of seeded random graphs against lists changed by hand and against what the reference computes. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  FeatherdetError,
  type Graph,
  GraphEditor,
  GraphIndex,
  inferTypes,
  type Node,
  verify,
  withNodes,
} from "../../src/graph/mod.ts";
import { type ReferenceTensor, referenceTensor, runReference } from "../../src/reference/run.ts";
import { randomTensor, seededRandom } from "../support/random.ts";
import { randomGraph } from "../support/random_graph.ts";
import { graphOf, node, PLAIN, weight } from "../support/tiny_graph.ts";

const SEEDS = Array.from({ length: 30 }, (_, seed) => seed);

function feed(graph: Graph): Record<string, ReferenceTensor> {
  return Object.fromEntries(
    graph.inputs.map(({ name, shape }, i) => [name, referenceTensor(shape, randomTensor(shape, 7 + i), "f32")]),
  );
}

/** What a graph gives, output by output. */
function results(graph: Graph, inputs = feed(graph)): Float64Array[] {
  verify(graph);
  const values = runReference(graph, inputs);
  return graph.outputs.map((name) => Float64Array.from(values.get(name)!.data));
}

const names = ({ nodes }: Graph) => nodes.map(({ name }) => name);

/** A copy in which later changes of the graph would show. */
const snapshot = (graph: Graph) => structuredClone({ ...graph, constants: [...graph.constants.keys()] });

Deno.test("a graph that is finished unchanged is the graph without what nobody needs", () => {
  for (const seed of SEEDS) {
    const graph = randomGraph(seed);
    assertEquals(new GraphEditor(graph).finish(), withNodes(graph, graph.nodes));
    assertEquals(new GraphEditor(graph).finish({ keepUnread: true }), graph);
  }
});

Deno.test("what is inserted is read by the chosen readers alone, and stands behind what makes the value", () => {
  let some = 0;
  for (const seed of SEEDS) {
    const graph = randomGraph(seed), random = seededRandom(seed), before = snapshot(graph);
    const editor = new GraphEditor(graph), expected = new Map<string, string[]>();
    for (const one of graph.nodes) expected.set(one.name, [...one.inputs]);
    const inserted = new Map<string, string>();
    for (const value of Object.keys(feed(graph)).concat(graph.nodes.flatMap(({ outputs }) => outputs))) {
      if (random() < 0.6) continue;
      const chosen = new Set(graph.nodes.filter(() => random() < 0.6).map(({ name }) => name));
      // Twice the negative is the value, bit for bit.
      const made = editor.insert(
        value,
        (x) => editor.one("Neg", `${x}/back`, [editor.one("Neg", `${x}/negative`, [x], {})], {}),
        (reader) => chosen.has(reader.name),
      );
      inserted.set(value, made);
      for (const name of chosen) {
        const inputs = expected.get(name)!;
        expected.set(name, inputs.map((input) => input === value ? made : input));
        if (inputs.includes(value)) some++;
      }
    }
    const after = editor.finish();
    assertEquals(results(after), results(graph), `seed ${seed}`);
    for (const one of after.nodes) {
      if (expected.has(one.name)) assertEquals([...one.inputs], expected.get(one.name), `seed ${seed}, ${one.name}`);
    }
    // In the list a value, then what was inserted behind it, then the next node.
    const order = after.nodes.map(({ name }) => name);
    for (const [value, made] of inserted) {
      const producer = GraphIndex.of(graph).producerOf(value);
      const at = order.indexOf(made);
      if (at < 0 || producer?.outputs.length !== 1) continue;
      assertEquals(order.slice(at - 2, at + 1), [producer.name, `${value}/negative`, made]);
    }
    assertEquals(snapshot(graph), before);
  }
  assert(some > 100, `${some} readers were changed`);
});

Deno.test("nodes replaced by others that compute the same leave the results as they are", () => {
  for (const seed of SEEDS) {
    const graph = randomGraph(seed), editor = new GraphEditor(graph), lists: Node[] = [];
    for (const one of graph.nodes) {
      if (one.op !== "Add") {
        lists.push(one);
        continue;
      }
      const [a, b] = one.inputs, negative = `${one.name}/negative`;
      editor.replace(one, () => {
        editor.node("Neg", negative, [b], {});
        editor.put({ ...one, op: "Sub", inputs: [a, negative] });
      });
      lists.push({ op: "Neg", name: negative, inputs: [b], outputs: [negative], attributes: {} });
      lists.push({ ...one, op: "Sub", inputs: [a, negative] });
    }
    const after = editor.finish();
    assertEquals(after, withNodes(graph, lists), `seed ${seed}`);
    assertEquals(results(after), results(graph), `seed ${seed}`);
  }
});

Deno.test("removed nodes hand on their input, and results keep their names", () => {
  let removed = 0, refused = 0;
  for (const seed of SEEDS) {
    const graph = randomGraph(seed), editor = new GraphEditor(graph);
    const gone = new Set<Node>();
    for (const one of graph.nodes) {
      if (one.op !== "Relu" && one.op !== "Sigmoid") continue;
      try {
        editor.remove(one);
        gone.add(one);
        removed++;
      } catch (error) {
        assert(error instanceof FeatherdetError && error.detail.startsWith("cannot be removed"));
        refused++;
      }
    }
    // By hand: a removed node becomes a Reshape to the shape that is there already.
    const types = inferTypes(graph);
    const passing = graph.nodes.map((one): Node => {
      if (!gone.has(one)) return one;
      const { name, inputs, outputs } = one;
      return { op: "Reshape", name, inputs, outputs, attributes: { shape: types.get(inputs[0])!.shape } };
    });
    const after = editor.finish();
    assertEquals(after.outputs, graph.outputs);
    assertEquals(results(after), results({ ...graph, nodes: passing }), `seed ${seed}`);
    const kept = new Set(names(after));
    assert(![...gone].some(({ name }) => kept.has(name)));
  }
  assert(removed > 100 && refused > 0, `${removed} ${refused}`);
});

Deno.test("renamed values have their name everywhere", () => {
  for (const seed of SEEDS) {
    const graph = randomGraph(seed), editor = new GraphEditor(graph);
    for (const value of inferTypes(graph).keys()) editor.rename(value, `new/${value}`);
    const after = editor.finish();
    const inputs = Object.fromEntries(Object.entries(feed(graph)).map(([name, data]) => [`new/${name}`, data]));
    assertEquals(results(after, inputs), results(graph));
    assertEquals(after.outputs, graph.outputs.map((name) => `new/${name}`));
    assert([...inferTypes(after).keys()].every((name) => name.startsWith("new/")));
  }
});

Deno.test("types are those that inference finds in the finished graph", () => {
  for (const seed of SEEDS) {
    const graph = randomGraph(seed), editor = new GraphEditor(graph);
    const [first] = graph.nodes;
    const [half] = editor.several("Split", "parts", ["x0"], { axis: 1, sizes: [1, 3] }, ["a", "b"]);
    const joint = editor.one("Concat", "joint", [half, first.outputs[0]], { axis: 1 });
    const bias = editor.constant("bias", [1, 1, 1, 1], Float32Array.of(seed));
    const last = editor.one("Add", "joint", [joint, bias], {});
    const types = inferTypes(editor.finish({ outputs: [...graph.outputs, last] }));
    for (const [name, type] of types) assertEquals(editor.typeOf(name), type);
    assertEquals(last, "joint_2");
    assertEquals(editor.shapeOf(half), [1, 1, 5, 3]);
  }
});

const CONV = node("Conv", ["x", "w"], ["c"], { ...PLAIN, groups: 1 });
const RELU = node("Relu", ["c"], ["y"], {});
const GRAPH = graphOf({ x: [1, 3, 13, 5] }, ["y"], [CONV, RELU], { w: weight([4, 3, 1, 1]) });

Deno.test("nodes before another, constants in the place of a node, and constants that become inputs", () => {
  const editor = new GraphEditor(GRAPH);
  const scale = editor.constant("scale", [1, 3, 1, 1], Float32Array.of(1, 2, 3));
  editor.setInputs(CONV, [editor.before(CONV, () => editor.node("Mul", "scaled", ["x", scale], {})), "w"]);
  editor.feed("w");
  const after = editor.finish();
  verify(after);
  assertEquals(names(after), ["scaled", "make_c", "make_y"]);
  assertEquals(after.inputs.map(({ name, shape }) => [name, shape]), [["x", [1, 3, 13, 5]], ["w", [4, 3, 1, 1]]]);
  assertEquals([...after.constants.keys()], ["scale"]);
  assert(editor.current(CONV)!.inputs[0] === "scaled");

  const folded = new GraphEditor(GRAPH);
  folded.replace(
    CONV,
    () => void folded.define("c", { dtype: "f32", shape: [1, 4, 13, 5], data: new Float32Array(260) }),
  );
  assertEquals(folded.current(CONV), undefined);
  assertEquals([...folded.finish().constants.keys()], ["c"]);
});

Deno.test("redirected readers read another value; what leaves the graph stays", () => {
  const graph = graphOf({ x: [1, 3], z: [1, 3] }, ["a", "b"], [
    node("Relu", ["x"], ["a"], {}),
    node("Add", ["a", "a"], ["b"], {}),
  ]);
  const editor = new GraphEditor(graph);
  editor.redirect("a", "z");
  const after = editor.finish();
  assertEquals(after.nodes[1].inputs, ["z", "z"]);
  assertEquals(after.outputs, ["a", "b"]);
});

Deno.test("a graph written from nothing, and edited on, does not change what was handed out", () => {
  const editor = new GraphEditor();
  const x = editor.input("x", [1, 2, 3, 3]);
  const y = editor.node("Relu", "y", [x], {});
  const first = editor.finish({ name: "first", outputs: [y] });
  editor.input("z", [1]);
  const second = editor.finish({ name: "second", outputs: [editor.node("Neg", "n", [y], {})] });
  assertEquals([names(first), first.inputs.length, first.name, first.metadata], [["y"], 1, "first", {}]);
  assertEquals([names(second), second.inputs.length], [["y", "n"], 2]);
});

function refused(what: string, edit: (editor: GraphEditor) => unknown, message: string): void {
  Deno.test(`refused: ${what}`, () => {
    const error = assertThrows(() => edit(new GraphEditor(GRAPH)), FeatherdetError);
    assertEquals((error as FeatherdetError).message, message);
  });
}

refused("a value made twice", (e) => e.node("Relu", "c", ["x"], {}), 'value "c" is made twice in graph "tiny"');
refused("an input of a name that is taken", (e) => e.input("w", [1]), 'value "w" is made twice in graph "tiny"');
refused(
  "a node's name given twice",
  (e) => e.nodeWithOutputs("Relu", "make_c", ["x"], {}, ["d"]),
  'Relu "make_c": shares its name with another node',
);
refused("an unknown input", (e) => e.node("Relu", "d", ["q"], {}), 'value "q" does not exist in graph "tiny"');
refused(
  "shapes that do not fit",
  (e) => e.node("Concat", "d", ["x", "w"], { axis: 1 }),
  'Concat "d": shapes [1,3,13,5] and [4,3,1,1] differ outside axis 1',
);
refused(
  "a value of another type in the place of one that is read",
  (e) => e.replace(CONV, [node("Relu", ["x"], ["c"], {})]),
  'value "c" is f32 [1,4,13,5] and cannot become f32 [1,3,13,5] in graph "tiny"',
);
refused(
  "readers sent to a value of another type",
  (e) => e.redirect("c", "x"),
  'value "c" is f32 [1,4,13,5] and cannot become f32 [1,3,13,5] in graph "tiny"',
);
refused(
  "inputs from which a node makes another type",
  (e) => e.setInputs(RELU, ["x"]),
  'value "y" is f32 [1,4,13,5] and cannot become f32 [1,3,13,5] in graph "tiny"',
);
refused(
  "a node removed that changes the shape",
  (e) => e.remove(CONV),
  'value "c" is f32 [1,4,13,5] and cannot become f32 [1,3,13,5] in graph "tiny"',
);
refused("a node removed that has two outputs", (e) => {
  const split: Node = { ...node("Split", ["x"], ["s0", "s1"], { axis: 1, sizes: [1, 2] }), name: "s" };
  e.put(split);
  e.remove(split);
}, 'Split "s": has several outputs and cannot be removed');
refused("a node that is gone", (e) => {
  e.replace(RELU, []);
  e.remove(RELU);
}, 'Relu "make_y": is not in the graph');
refused("readers left without their value", (e) => {
  e.replace(CONV, []);
  e.finish();
}, 'Relu "make_y": input "c" does not exist any more');
refused(
  "an output that nothing makes",
  (e) => e.finish({ outputs: ["q"] }),
  'output "q" does not exist in graph "tiny"',
);
refused("feeding what is no constant", (e) => e.feed("c"), '"c" is no constant in graph "tiny"');
