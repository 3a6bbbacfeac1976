/**
 * Integer products: planned as products of floats they give what the reference gives with whole numbers.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Constant, Graph, Node, Shape } from "../../src/graph/mod.ts";
import { lowerIntegerProducts } from "../../src/plan/fuse/integer_products.ts";
import { gpuTest } from "../support/gpu.ts";
import { comparePlan } from "../support/plan_case.ts";
import { seededRandom } from "../support/random.ts";
import { graphOf, node, PLAIN, weight } from "../support/tiny_graph.ts";

const CONV = { ...PLAIN, pads: [1, 1, 1, 1], groups: 1 } as const;

/** Seeded bytes of the whole range. */
function bytes(dtype: "i8" | "u8", shape: Shape, seed = 3): Constant {
  const random = seededRandom(seed);
  const least = dtype === "i8" ? -128 : 0;
  const size = shape.reduce((product, extent) => product * extent, 1);
  const numbers = Array.from({ length: size }, () => least + Math.floor(random() * 256));
  return { dtype, shape, data: dtype === "i8" ? Int8Array.from(numbers) : Uint8Array.from(numbers) };
}

/** Quantizes a value dynamically: `xq`, `xs`, `xz`. */
const quantize = (x: string) => node("DynamicQuantizeLinear", [x], [`${x}q`, `${x}s`, `${x}z`], {});

/** Operators after the pass. */
const lowered = (graph: Graph) => lowerIntegerProducts(graph).nodes.map(({ op }) => op);

gpuTest("integer convolutions give whole sums exactly, with zero points of any kind", async () => {
  for (const [dtype, zeroPoint] of [["i8", []], ["u8", [1]], ["u8", [5]]] as const) {
    const constants = { w: bytes(dtype, [5, 3, 3, 3]), zw: bytes(dtype, zeroPoint, 9) };
    const graph = graphOf({ x: [2, 3, 13, 7] }, ["sums", "y"], [
      quantize("x"),
      node("ConvInteger", ["xq", "w", "xz", "zw"], ["sums"], CONV),
      node("Cast", ["sums"], ["y"], { to: "f32" }),
    ], constants);
    // Sums are of the order of 10^5: nothing but equality passes.
    const { operators } = await comparePlan(graph, { tolerance: 0 });
    assert(operators.includes("Conv"), operators.join());
  }
});

gpuTest("integer matrix products of two activations, and of a matrix with a zero point a column", async () => {
  const graph = graphOf({ a: [2, 5, 13], b: [13, 3] }, ["y"], [
    quantize("a"),
    quantize("b"),
    node("MatMulInteger", ["aq", "bq", "az", "bz"], ["y"], {}),
  ]);
  await comparePlan(graph, { tolerance: 0 });
  const columns = graphOf({ a: [5, 13] }, ["y"], [
    quantize("a"),
    node("MatMulInteger", ["aq", "w", "az", "zw"], ["y"], {}),
  ], { w: bytes("i8", [13, 4]), zw: bytes("i8", [4], 4) });
  await comparePlan(columns, { tolerance: 0 });
});

/** What quantizers write for a convolution with bias and SiLU; `scale` is what the weight's scale is multiplied by. */
function layer(scale: string, more: readonly Node[] = [], outputs: readonly string[] = ["y"]): Graph {
  const constants = {
    w: bytes("i8", [8, 3, 3, 3]),
    zw: bytes("i8", []),
    sw: { dtype: "f32", shape: [], data: Float32Array.of(0.01) } satisfies Constant,
    b: weight([1, 8, 1, 1], 5),
  };
  return graphOf({ x: [2, 3, 13, 7], row: [7] }, outputs, [
    quantize("x"),
    node("ConvInteger", ["xq", "w", "xz", "zw"], ["sums"], CONV),
    node("Mul", [scale, "sw"], ["scale"], {}),
    node("Cast", ["sums"], ["floats"], { to: "f32" }),
    node("Mul", ["floats", "scale"], ["scaled"], {}),
    node("Add", ["scaled", "b"], ["biased"], {}),
    node("Sigmoid", ["biased"], ["gate"], {}),
    node("Mul", ["biased", "gate"], ["y"], {}),
    ...more,
  ], constants);
}

gpuTest("a dynamically quantized convolution takes scales, bias and activation along", async () => {
  const { operators } = await comparePlan(layer("xs"));
  assertEquals(operators.filter((name) => /Conv|Mul|Add|Silu|Cast/.test(name)), ["Conv+Silu"]);
});

gpuTest("a dynamically quantized matrix product takes a scale a column along", async () => {
  const constants = { w: bytes("i8", [13, 4]), zw: bytes("i8", []), sw: weight([4], 2) };
  const graph = graphOf({ x: [5, 13] }, ["y"], [
    quantize("x"),
    node("MatMulInteger", ["xq", "w", "xz", "zw"], ["sums"], {}),
    node("Cast", ["sums"], ["floats"], { to: "f32" }),
    node("Mul", ["sw", "xs"], ["scale"], {}),
    node("Mul", ["scale", "floats"], ["y"], {}),
  ], constants);
  assertEquals(lowered(graph), ["DynamicQuantizeLinear", "DequantizeLinear", "DequantizeLinear", "MatMul"]);
  await comparePlan(graph);
});

Deno.test("what several convolutions read is made floats once", () => {
  const graph = layer("xs", [node("ConvInteger", ["xq", "w", "xz", "zw"], ["s2"], CONV)], ["y", "s2"]);
  const again = layer("xs", [
    node("ConvInteger", ["xq", "v", "xz", "zw"], ["s2"], CONV),
    node("Cast", ["s2"], ["f2"], { to: "f32" }),
    node("Mul", ["f2", "scale"], ["y2"], {}),
  ], ["y", "y2"]);
  const both = { ...again, constants: new Map([...again.constants, ["v", bytes("i8", [2, 3, 3, 3])]]) };
  const count = (of: Graph) => lowered(of).filter((op) => op === "DequantizeLinear").length;
  // Each weight once; the input once with its scale, and once more with a scale of 1 where sums are wanted.
  assertEquals([count(layer("xs")), count(both), count(graph)], [2, 3, 4]);
});

Deno.test("scales stay where they are not those of the input, or where sums are read by others", () => {
  const fused = ["DynamicQuantizeLinear", "DequantizeLinear", "DequantizeLinear", "Conv", "Sigmoid", "Mul"];
  assertEquals(lowered(layer("xs")).toSorted(), fused.toSorted());
  const nearMisses = [
    layer("row"),
    layer("xs", [], ["y", "sums"]),
    layer("xs", [], ["y", "floats"]),
    layer("xs", [node("Relu", ["floats"], ["r"], {})], ["y", "r"]),
  ];
  for (const graph of nearMisses) {
    const operators = lowered(graph);
    // The sums are made whole again, and then floats.
    assertEquals(operators.filter((op) => op === "Cast").length, 2, graph.outputs.join());
    assert(operators.includes("Add"));
  }
});

const number = (value: number): Constant => ({ dtype: "f32", shape: [], data: Float32Array.of(value) });

/** Zeros with 5 at one place and -7 at another. */
function peaks(size: number, greatest: number, least: number): Constant {
  const data = new Float32Array(size);
  data[greatest] = 5;
  data[least] = -7;
  return { dtype: "f32", shape: [size], data };
}

gpuTest("the range of a large tensor, of one side of 0 and of zeros", async () => {
  const outputs = ["y", "s", "z"];
  const names: Node[] = [
    node("Cast", ["xq"], ["y"], { to: "f32" }),
    node("Reshape", ["xs"], ["s"], { shape: [1] }),
    node("Cast", ["xz"], ["z"], { to: "f32" }),
  ];
  const ranges: [shape: Shape, factor: number, shift: Constant][] = [
    [[1, 3, 70, 71], 1, number(0)],
    [[127], 1, number(3)],
    [[3, 5], 1, number(-3)],
    [[1], 0, number(0)],
    // Both ends of the range with the last, and with the first of 64 threads.
    [[140], 1, peaks(140, 63, 127)],
    [[140], 1, peaks(140, 128, 0)],
  ];
  for (const [shape, factor, shift] of ranges) {
    const graph = graphOf({ a: shape }, outputs, [
      node("Mul", ["a", "factor"], ["m"], {}),
      node("Add", ["m", "shift"], ["x"], {}),
      quantize("x"),
      ...names,
    ], { factor: number(factor), shift });
    await comparePlan(graph, { tolerance: 1e-7 });
  }
});
