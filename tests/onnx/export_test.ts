/** Written files: reading them again gives the same graph, operator by operator. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  ARITY,
  FeatherdetError,
  type Graph,
  type Node,
  TRAINING_OPERATORS,
  UNARY_OPERATORS,
  type UnaryOperator,
  unaryRow,
} from "../../src/graph/mod.ts";
import { importOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { recogniseActivations } from "../../src/passes/mod.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { isWrittenWithCasts } from "../support/written_with_casts.ts";
import { onnxFile, onnxNode } from "../support/onnx_models.ts";
import { operatorCases } from "../support/operator_cases.ts";
import { randomTensor } from "../support/random.ts";
import { graphOf, node } from "../support/tiny_graph.ts";
import { withoutRules } from "../support/without_rules.ts";

const RESTED = { mode: "nearest", coordinates: "asymmetric", nearest: "floor" } as const;

/** Attributes that files in the fixture do not have. */
const MORE: Node[] = [
  node("Clip", ["x"], ["y"], { min: -Infinity, max: Infinity }),
  node("Clip", ["x"], ["y"], { min: -Infinity, max: 0.25 }),
  node("Clip", ["x"], ["y"], { min: 0.25, max: Infinity }),
  node("Slice", ["x"], ["y"], { axes: [3, 1], starts: [6, 2], ends: [-1, 0], steps: [-2, -1] }),
  node("Slice", ["x"], ["y"], { axes: [2], starts: [0], ends: [5], steps: [1] }),
  node("Resize", ["x"], ["y"], { ...RESTED, size: [9, 8], scales: [9 / 5, 8 / 7] }),
  node("Resize", ["x"], ["y"], { ...RESTED, size: [12, 14], scales: [2.5, 2] }),
  node("Pad", ["x"], ["y"], { mode: "constant", pads: [0, 1, 2, 0, 3, 0, 0, 1], value: -Math.fround(1.1) }),
];

for (const [index, made] of MORE.entries()) {
  Deno.test(`written and read again, ${made.op} ${index} is the same`, () => {
    const graph = graphOf({ x: [1, 3, 5, 7] }, ["y"], [made]);
    assertEquals(importOnnx(saveOnnx(graph)), graph);
  });
}

const CASES = operatorCases();

/** Operators that ONNX's operator set 17 lacks. */
const SPELT = UNARY_OPERATORS.filter((op) => (unaryRow(op).onnx ?? Infinity) > 17);

/** Of those without a gate. */
const SPELLING: Partial<Record<UnaryOperator, readonly string[]>> = { Gelu: ["Div", "Erf", "Add", "Mul", "Mul"] };

Deno.test("written and read again, every operator that ONNX has is the same", () => {
  const seen = new Set<string>();
  for (const { name, model, inputs } of CASES) {
    const graph = importOnnx(model), read = importOnnx(saveOnnx(graph));
    graph.nodes.forEach(({ op }) => seen.add(op));
    if (!isWrittenWithCasts(graph)) {
      assertEquals(withoutRules(read), withoutRules(graph), name);
      continue;
    }
    // Booleans and the like are cast in the file, so that values in between have other names.
    const feeds = Object.fromEntries(inputs.map((input) => [input.name, referenceTensor(input.shape, input.data)]));
    assertEquals(runReference(read, feeds), runReference(graph, feeds), name);
  }
  const written = Object.keys(ARITY).filter((op) => !(TRAINING_OPERATORS as readonly string[]).includes(op));
  assertEquals(written.filter((op) => !seen.has(op)), SPELT);
});

Deno.test("unary operators are read by their own names", () => {
  for (const op of UNARY_OPERATORS) {
    const { onnx, attributes } = unaryRow(op);
    if (onnx === undefined) continue;
    const { nodes: [read] } = importOnnx(onnxFile({ nodes: [onnxNode(op)], opset: Math.max(17, onnx) }));
    const stored = Object.entries(attributes).map(([name, number]) => [name, Math.fround(number)]);
    assertEquals([read.op, read.attributes], [op, Object.fromEntries(stored)]);
  }
});

for (const op of SPELT) {
  Deno.test(`${op} is written in operators of set 17, which are recognised again`, () => {
    const graph = graphOf({ x: [2, 13] }, ["y"], [node(op, ["x"], ["y"], {})]);
    const read = importOnnx(saveOnnx(graph));
    assertEquals(read.nodes.map(({ op }) => op), SPELLING[op] ?? [...unaryRow(op).gate!.map((step) => step.op), "Mul"]);
    assertEquals(recogniseActivations(read).nodes, graph.nodes);
    const feeds = { x: referenceTensor([2, 13], randomTensor([2, 13], 7, -9, 9)) };
    const [expected, found] = [graph, read].map((each) => runReference(each, feeds).get("y")!.data);
    // The root of two is a number of float32.
    const allowed = op === "Gelu" ? 1e-8 : 1e-14;
    found.forEach((value, i) => assert(Math.abs(value - expected[i]) < allowed, `${value}, ${expected[i]}`));
  });
}

Deno.test("Silu is written as Sigmoid and Mul, beside names that are taken", () => {
  const graph: Graph = {
    ...graphOf({ x: [2, 3] }, ["y", "make_y/sigmoid"], [
      node("Silu", ["x"], ["y"], {}),
      { ...node("Neg", ["y"], ["make_y/sigmoid"], {}), name: "make_y/Sigmoid" },
    ]),
    metadata: { names: "{0: 'cell'}", note: "ü\n" },
  };
  const read = importOnnx(saveOnnx(graph));
  assertEquals(read.nodes.map(({ op }) => op), ["Sigmoid", "Mul", "Neg"]);
  assertEquals(read.metadata, graph.metadata);
  const feeds = { x: referenceTensor([2, 3], randomTensor([2, 3], 7)) };
  const [expected, found] = [graph, read].map((each) => runReference(each, feeds));
  for (const output of graph.outputs) {
    const off = found.get(output)!.data.map((value, index) => Math.abs(value - expected.get(output)!.data[index]));
    assertEquals(off.every((difference) => difference < 1e-15), true);
  }
});

Deno.test("a graph whose nodes make nothing that is wanted is read again as it was written", () => {
  const graph = importOnnx(onnxFile({ nodes: [onnxNode("Relu", { input: ["x"], output: ["y"] })], outputs: ["x"] }));
  const again = importOnnx(saveOnnx(graph));
  for (const { nodes, inputs, outputs } of [graph, again]) {
    assertEquals([nodes.length, outputs, inputs.map(({ name, shape }) => [name, shape])], [0, ["x"], [["x", [
      1,
      3,
      8,
      8,
    ]]]]);
  }
});

Deno.test("integer constants keep their types", () => {
  const constants = {
    a: { dtype: "i32", shape: [2], data: Int32Array.of(-70000, 5) },
    b: { dtype: "i32", shape: [2], data: Int32Array.of(1, 2) },
  } as const;
  const graph = graphOf({ x: [1] }, ["y", "z"], [
    node("Concat", ["a", "b"], ["y"], { axis: 0 }),
    node("Neg", ["x"], ["z"], {}),
  ], constants);
  // At import constants are joined, and an output has to have a maker.
  const read = importOnnx(saveOnnx(graph));
  assertEquals(read.constants.get("y/constant"), {
    dtype: "i32",
    shape: [4],
    data: Int32Array.of(-70000, 5, 1, 2),
  });
});

Deno.test("a graph that does not verify is not written", () => {
  const graph = graphOf({ x: [1, 3] }, ["y"], [node("Relu", ["z"], ["y"], {})]);
  const error = assertThrows(() => saveOnnx(graph), FeatherdetError) as FeatherdetError;
  assertEquals(error.message, 'Relu "make_y": input "z" does not exist');
});
