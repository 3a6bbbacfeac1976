/** Files with fewer bytes for what is no weight: what is left out, and that the graph computes the same. */

import { assert, assertEquals } from "@std/assert";
import { packWeights, quantizeScaled } from "../../src/compress/quantize/mod.ts";
import type { Graph, WeightBits } from "../../src/graph/mod.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { importOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { schema } from "../../src/onnx/proto.ts";
import { foldBatchNormalization } from "../../src/passes/mod.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { randomTensor } from "../support/random.ts";
import { graphOf, node, PLAIN, weight } from "../support/tiny_graph.ts";

const compact = (graph: Graph) => saveOnnx(graph, { compact: true });
const protoOf = (bytes: Uint8Array) => schema.ModelProto.decode(bytes).graph!;

/** The graph in int8, with made-up scales. */
function int8(graph: Graph): Graph {
  const values = [...graph.inputs.map(({ name }) => name), ...graph.nodes.flatMap(({ outputs }) => outputs)];
  return quantizeScaled(graph, new Map(values.map((value) => [value, { scale: 0.0625, zeroPoint: -3 }])));
}

function outputsOf(graph: Graph): Map<string, Float64Array> {
  const [{ name, shape }] = graph.inputs;
  const found = runReference(graph, { [name]: referenceTensor(shape, randomTensor(shape, 3, 0, 1)) });
  return new Map([...found].map(([name, { data }]) => [name, data]));
}

Deno.test("a compact file computes the same, bit for bit", () => {
  const demo = demoDetector({ size: 64 });
  const forms: [string, Graph][] = [
    ["float", demo],
    ["int8", int8(demo)],
    ...([4, 2, 1] as const).map((
      bits,
    ): [string, Graph] => [`${bits} bits`, packWeights(demo, { bits, float: "none" }).graph]),
  ];
  for (const [what, graph] of forms) {
    const whole = saveOnnx(graph), short = compact(graph), read = importOnnx(short);
    assert(short.length < whole.length, `${what}: ${short.length} of ${whole.length}`);
    assertEquals([read.inputs, read.outputs, read.metadata], [graph.inputs, graph.outputs, graph.metadata], what);
    assertEquals(outputsOf(read), outputsOf(importOnnx(whole)), what);
    assertEquals(compact(read).length, short.length, `${what}: nothing more is left to save`);
  }
});

Deno.test("packed weights are found again in a compact file, bit for bit", () => {
  for (const bits of [1, 2, 4] as WeightBits[]) {
    const { graph } = packWeights(demoDetector({ size: 64 }), { bits });
    const kept = (each: Graph) =>
      each.nodes.flatMap(({ op, attributes, inputs }) =>
        op === "UnpackWeights" ? [{ attributes, constants: inputs.map((name) => each.constants.get(name)) }] : []
      );
    assertEquals(kept(importOnnx(compact(graph))), kept(graph));
  }
});

Deno.test("YOLO11n in int8 takes 0.27 of its file in float at most", () => {
  const graph = foldBatchNormalization(yolo11());
  const share = compact(int8(graph)).length / saveOnnx(graph).length;
  // Its weights alone are 0.25 of their floats, and layers that stay in float are 0.009 more.
  assert(share > 0.25 && share <= 0.27, `${share}`);
});

Deno.test("names are short but those of layers, inputs and outputs; equal constants are there once", () => {
  const graph = graphOf({ picture: [1, 3, 5, 7] }, ["a"], [
    node("Conv", ["picture", "w", "first bias"], ["long name"], { ...PLAIN, groups: 1 }),
    node("Conv", ["long name", "v", "second bias"], ["another"], { ...PLAIN, groups: 1 }),
    node("Relu", ["another"], ["a"], {}),
  ], {
    ...{ w: weight([3, 3, 1, 1], 1), v: weight([3, 3, 1, 1], 2) },
    ...{ "first bias": weight([3], 5), "second bias": weight([3], 5) },
  });
  const { node: nodes, initializer } = protoOf(compact(graph));
  assertEquals(nodes!.map(({ name }) => name), ["make_long name", "make_another", ""]);
  assertEquals(initializer!.length, 3);
  assertEquals(nodes![0].input![2], nodes![1].input![2]);
  // The output has the name that would be given first.
  assertEquals([nodes![0].input![0], nodes![2].output], ["picture", ["a"]]);
  assert(
    nodes!.flatMap(({ input, output }) => [...input!, ...output!]).every((name) =>
      name.length === 1 || name === "picture"
    ),
  );
  assertEquals(nodes![0].attribute!.map(({ name }) => name), []);
});

Deno.test("what is no default stays, and zero points that are not 0", () => {
  const conv = { strides: [2, 1], pads: [1, 0, 0, 1], dilations: [1, 2], groups: 3 } as const;
  const graph = graphOf({ x: [1, 3, 8, 9] }, ["y"], [
    node("QuantizeLinear", ["x", "s", "z"], ["q"], { axis: 0 }),
    node("DequantizeLinear", ["q", "s", "z"], ["d"], { axis: 0 }),
    node("DequantizeLinear", ["i", "c", "none"], ["w"], { axis: 1 }),
    node("Conv", ["d", "w"], ["y"], conv),
  ], {
    s: { dtype: "f32", shape: [], data: Float32Array.of(0.5) },
    z: { dtype: "i8", shape: [], data: Int8Array.of(0) },
    i: { dtype: "i8", shape: [3, 1, 2, 2], data: Int8Array.from({ length: 12 }, (_, i) => i) },
    c: { dtype: "f32", shape: [1], data: Float32Array.of(0.25) },
    none: { dtype: "i8", shape: [1], data: Int8Array.of(7) },
  });
  const { node: nodes } = protoOf(compact(graph));
  // A QuantizeLinear without a zero point would make other integers.
  assertEquals(nodes!.map(({ input }) => input!.length), [3, 2, 3, 2]);
  assertEquals(nodes!.map(({ attribute }) => attribute!.map(({ name }) => name)), [[], [], ["axis"], [
    "dilations",
    "group",
    "pads",
    "strides",
  ]]);
  assertEquals(outputsOf(importOnnx(compact(graph))), outputsOf(graph));
});

Deno.test("tables of whole multiples of a power of two are bytes, other tables are not", () => {
  const table = (make: (i: number) => number) => {
    const data = Float32Array.from({ length: 400 }, (_, i) => make(i));
    const graph = graphOf({ x: [1, 400] }, ["y"], [node("Mul", ["x", "t"], ["y"], {})], {
      t: { dtype: "f32", shape: [1, 400], data },
    });
    const bytes = compact(graph), read = importOnnx(bytes);
    const { inputs: [, name] } = read.nodes[0];
    assertEquals(read.nodes.length, 1);
    assertEquals(read.constants.get(name)!.data, data);
    return bytes.length;
  };
  // Anchors of a map 20 cells wide, strides, whole numbers.
  for (const make of [(i: number) => i % 20 + 0.5, () => 32, (i: number) => i % 256]) assert(table(make) < 700);
  for (
    const make of [
      (i: number) => i % 257,
      (i: number) => -(i % 3),
      (i: number) => i / 3,
      (i: number) => i === 7 ? -0 : 1,
      () => 0,
    ]
  ) {
    assert(table(make) > 1600);
  }
});
