/** Forms of files that exporters write: nodes in any order, nodes that nothing needs, values made twice, wrongly typed attributes. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import type { onnx } from "npm:onnx-proto@8.0.1";
import { FeatherdetError } from "../../src/graph/mod.ts";
import { Budget } from "../../src/onnx/budget.ts";
import { importOnnx } from "../../src/onnx/mod.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { floats, integers, ints, onnxFile, onnxNode, value } from "../support/onnx_models.ts";

function refusal(bytes: Uint8Array): string {
  return assertThrows(() => importOnnx(bytes, { file: "a.onnx" }), FeatherdetError).message;
}

const chain = (from: string, to: string, op = "Relu", name = to) => onnxNode(op, { name, input: [from], output: [to] });

Deno.test("nodes in any order give the graph of the sorted file", () => {
  const sorted = [
    chain("x", "a"),
    chain("a", "b", "Neg"),
    onnxNode("Add", { name: "sum", input: ["a", "b"], output: ["s"] }),
    chain("s", "y"),
  ];
  const expected = importOnnx(onnxFile({ nodes: sorted }));
  for (const order of [[3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]]) {
    const graph = importOnnx(onnxFile({ nodes: order.map((at) => sorted[at]) }));
    assertEquals(new Set(graph.nodes.map(({ name }) => name)), new Set(["a", "b", "sum", "y"]));
    const x = referenceTensor([1, 3, 8, 8], Float32Array.from({ length: 192 }, (_, i) => Math.sin(i)));
    assertEquals(runReference(graph, { x }).get("y"), runReference(expected, { x }).get("y"));
  }
  assertEquals(expected.nodes.map(({ name }) => name), ["a", "b", "sum", "y"]);
});

Deno.test("nodes that no output needs are passed over, whatever they are", () => {
  const dead: onnx.INodeProto[] = [
    chain("x", "lost", "NonMaxSuppression"),
    chain("nowhere", "gone"),
    chain("gone", "more"),
  ];
  assertEquals(
    importOnnx(onnxFile({ nodes: [...dead, chain("x", "y")] })),
    importOnnx(onnxFile({ nodes: [chain("x", "y")] })),
  );
});

Deno.test("a cycle, a value that is made twice and one that is given and made are refused", () => {
  assertEquals(
    refusal(
      onnxFile({ nodes: [onnxNode("Add", { name: "first", input: ["x", "y"], output: ["b"] }), chain("b", "y")] }),
    ),
    'a.onnx: Relu "y": depends on its own output by way of "first"',
  );
  assertEquals(
    refusal(onnxFile({ nodes: [chain("y", "y")] })),
    'a.onnx: Relu "y": depends on its own output by way of "y"',
  );
  assertEquals(
    refusal(onnxFile({ nodes: [chain("x", "y", "Relu", "one"), chain("x", "y", "Neg", "two")] })),
    'a.onnx: Neg "two": output "y" is made a second time: "one" makes it first',
  );
  for (const nodes of [[chain("x", "w"), chain("w", "y")], [chain("w", "x"), chain("x", "y")]]) {
    const message = refusal(onnxFile({ nodes, initializers: [floats("w", [1], [1])] }));
    assert(message.endsWith("is made a second time: it is an input or initializer"), message);
  }
  assertEquals(
    refusal(onnxFile({
      nodes: [onnxNode("Add", { input: ["x", "w"] })],
      initializers: [floats("w", [1], [1]), floats("w", [1], [2])],
    })),
    'a.onnx: initializer "w" appears twice',
  );
});

Deno.test("an attribute of another type than the operator's is refused", () => {
  const softmax = (attribute: onnx.IAttributeProto) =>
    onnxFile({ nodes: [onnxNode("Softmax", { attribute: [attribute] })] });
  assertEquals(
    refusal(softmax({ name: "axis", type: 1, f: 1 })),
    'a.onnx: Softmax "test": attribute "axis" is a float but must be a whole number',
  );
  assertEquals(
    refusal(softmax({ name: "axis", type: 7, ints: [1] })),
    'a.onnx: Softmax "test": attribute "axis" is a list of whole numbers but must be a whole number',
  );
  // Files of the first format have no types.
  assertEquals(importOnnx(softmax({ name: "axis", i: 1 })).nodes[0].attributes, { axis: 1 });
});

Deno.test("outputs may be inputs, initializers and what is computed from them", () => {
  const graph = importOnnx(onnxFile({
    nodes: [chain("x", "r"), onnxNode("Add", { name: "sum", input: ["w", "w"], output: ["twice"] })],
    outputs: ["x", "w", "twice", "r"],
    initializers: [floats("w", [2], [1, 3])],
    inputs: [value("x", [2]), value("w", [2])],
  }));
  assertEquals(graph.inputs.map(({ name }) => name), ["x"]);
  const found = runReference(graph, { x: referenceTensor([2], Float32Array.of(-1, 5)) });
  assertEquals([...found].map(([name, { data }]) => [name, ...data]), [
    ["x", -1, 5],
    ["w", 1, 3],
    ["twice", 2, 6],
    ["r", 0, 5],
  ]);
});

Deno.test("thousands of nodes without a name are imported in one pass over their names", () => {
  const count = 8000;
  const nodes = Array.from({ length: count }, (_, i) => ({
    ...onnxNode("Relu", { name: "", input: [i === 0 ? "x" : `v${i}`], output: [i === count - 1 ? "y" : `v${i + 1}`] }),
  }));
  const graph = importOnnx(onnxFile({ nodes, inputs: [value("x", [4])] }));
  assertEquals(graph.nodes.length, count);
  assertEquals([graph.nodes[0].name, graph.nodes[1].name, graph.nodes[count - 1].name], [
    "Relu",
    "Relu_2",
    "Relu_8000",
  ]);
});

const sized = (...shape: readonly number[]) => ({ initializers: [integers("s", ...shape)] });
const MEAN = onnxNode("ReduceMax", { name: "top", input: ["big"], output: ["one"], attribute: [ints("keepdims", 0)] });
const USE = onnxNode("Add", { name: "use", input: ["x", "one"] });

Deno.test("constants that a small file would blow up are refused before they are made", () => {
  const budget = /^a\.onnx: \w+ "\w+": needs \d+ elements of constants that the file computes, more than what is left/;
  const filled = onnxNode("ConstantOfShape", { name: "fill", input: ["s"], output: ["big"] });
  const doubled = Array.from({ length: 40 }, (_, i) =>
    onnxNode("Concat", {
      name: `double${i}`,
      input: Array(2).fill(i === 0 ? "w" : `d${i}`),
      output: [i === 39 ? "big" : `d${i + 1}`],
      attribute: [ints("axis", 0)],
    }));
  const many = Array.from(
    { length: 20 },
    (_, i) => onnxNode("ConstantOfShape", { name: `fill${i}`, input: ["s"], output: [`part${i}`] }),
  );
  const joined = onnxNode("Concat", {
    name: "join",
    input: many.map(({ output }) => output![0]),
    output: ["big"],
    attribute: [ints("axis", 0)],
  });
  const w = { initializers: [floats("w", [1], [1])] };
  const expanded = onnxNode("Expand", { name: "expand", input: ["w", "s"], output: ["e"] });
  const both = { initializers: [...w.initializers, ...sized(1, 2 ** 24).initializers] };
  const files = [
    onnxFile({ nodes: [filled, MEAN, USE], ...sized(2 ** 13, 2 ** 13) }),
    onnxFile({ nodes: [...doubled, MEAN, USE], ...w }),
    onnxFile({ nodes: [...many, joined, MEAN, USE], ...sized(2 ** 20) }),
    onnxFile({ nodes: [expanded, chain("e", "big", "Exp"), MEAN, USE], ...both }),
  ];
  for (const file of files) assert(budget.test(refusal(file)), refusal(file));
});

Deno.test("sizes below 0 are refused by what would make them, and give nothing back to the budget", () => {
  const sizes = [-(2 ** 40), 2 ** 24];
  const said = refusal(onnxFile({
    nodes: [
      onnxNode("Expand", { name: "expand", input: ["x", "s"], output: ["e"] }),
      onnxNode("Add", { name: "use", input: ["x", "e"] }),
    ],
    initializers: [integers("s", ...sizes)],
    inputs: [value("x", [1, 3])],
  }));
  assertEquals(said, `a.onnx: Expand "expand": cannot expand [1,3] to [${sizes}]`);
  for (const elements of [-(2 ** 64), NaN]) {
    const budget = new Budget(64);
    assertThrows(() => budget.spend(elements), FeatherdetError, `needs ${elements} elements`);
    assertThrows(() => budget.spend(1), FeatherdetError, "needs 1 elements");
  }
});

Deno.test("parts that a known value does not have are refused before they are made", () => {
  const split = (...sizes: readonly number[]) =>
    onnxFile({
      nodes: [
        onnxNode("Split", { name: "split", input: ["w", "s"], output: ["a", "b"] }),
        onnxNode("Add", { name: "use", input: ["x", "a"] }),
      ],
      initializers: [floats("w", [3], [1, 2, 3]), integers("s", ...sizes)],
    });
  for (const sizes of [[2 ** 32, 0], [4, -1], [1, 1]]) {
    assert(refusal(split(...sizes)).startsWith(`a.onnx: Split "split": sizes [${sizes}]`), refusal(split(...sizes)));
  }
});
