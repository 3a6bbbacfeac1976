/**
 * Costs against figures counted by hand and against published ones.
 *
 * @module
 */

import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { typeBits } from "../../src/graph/analyze_bits.ts";
import { analyze, type Constant, FeatherdetError, type Node, type Shape } from "../../src/graph/mod.ts";
import { importOnnx } from "../../src/onnx/import.ts";
import { sharedData } from "../support/shared_data.ts";
import { graphOf, node, PLAIN, weight } from "../support/tiny_graph.ts";

const GEMM = { alpha: 1, beta: 1, transposeA: false, transposeB: true } as const;

/** Cost of one node fed by inputs and constants of the given shapes. */
function costOf(
  made: Node,
  shapes: Readonly<Record<string, Shape>>,
  constants: Readonly<Record<string, Constant>> = {},
) {
  const { parameters, bytes, macs, flops } = analyze(graphOf(shapes, [made.outputs[0]], [made], constants));
  return { parameters, bytes, macs, flops };
}

Deno.test("a convolution costs its taps for every output, its bias nothing", () => {
  const made = node("Conv", ["x", "w", "b"], ["y"], { ...PLAIN, strides: [2, 2], pads: [1, 1, 1, 1], groups: 1 });
  // 16 x 20 x 20 outputs, 3 x 3 x 3 taps each.
  assertEquals(costOf(made, { x: [1, 3, 40, 40] }, { w: weight([16, 3, 3, 3]), b: weight([16]) }), {
    parameters: 16 * 27 + 16,
    bytes: 4 * (16 * 27 + 16),
    macs: 16 * 400 * 27,
    flops: 2 * 16 * 400 * 27,
  });
});

Deno.test("a depthwise convolution costs one channel's taps", () => {
  const made = node("Conv", ["x", "w"], ["y"], { ...PLAIN, groups: 7 });
  const { parameters, macs } = costOf(made, { x: [3, 7, 13, 12] }, { w: weight([7, 1, 3, 3]) });
  assertEquals([parameters, macs], [63, 3 * 7 * 11 * 10 * 9]);
});

Deno.test("a transposed convolution costs its taps for every input", () => {
  const made = node("ConvTranspose", ["x", "w"], ["y"], {
    ...PLAIN,
    strides: [2, 2],
    groups: 2,
    outputPadding: [0, 0],
  });
  const { macs, flops } = costOf(made, { x: [1, 6, 4, 5] }, { w: weight([6, 2, 2, 2]) });
  assertEquals([macs, flops], [6 * 4 * 5 * 2 * 4, 2 * 6 * 4 * 5 * 2 * 4]);
});

Deno.test("matrix products: weights have flops, two activations have multiply-accumulates alone", () => {
  const linear = node("Gemm", ["x", "w", "b"], ["y"], GEMM);
  assertEquals(costOf(linear, { x: [3, 7] }, { w: weight([5, 7]), b: weight([5]) }), {
    parameters: 40,
    bytes: 160,
    macs: 3 * 5 * 7,
    flops: 2 * 3 * 5 * 7,
  });
  const product = node("MatMul", ["a", "b"], ["y"], {});
  assertEquals(costOf(product, { a: [2, 9, 4], b: [2, 4, 9] }), {
    parameters: 0,
    bytes: 0,
    macs: 2 * 81 * 4,
    flops: 0,
  });
  const half = costOf(product, { a: [2, 9, 4] }, { b: weight([4, 5]) });
  assertEquals(half, { parameters: 20, bytes: 80, macs: 2 * 9 * 5 * 4, flops: 2 * 2 * 9 * 5 * 4 });
});

Deno.test("running statistics are stored but not trained, tables are neither", () => {
  const c = weight([5], 3);
  const norm = node("BatchNormalization", ["x", "s", "b", "m", "v"], ["y"], { epsilon: 1e-3 });
  const norms = costOf(norm, { x: [1, 5, 3, 3] }, { s: c, b: c, m: c, v: c });
  assertEquals(norms, { parameters: 10, bytes: 80, macs: 0, flops: 0 });
  const anchors = costOf(node("Add", ["x", "k"], ["y"], {}), { x: [1, 2, 84] }, { k: weight([1, 2, 84]) });
  assertEquals(anchors, { parameters: 0, bytes: 0, macs: 0, flops: 0 });
});

Deno.test("a weight that two layers share is counted at the first", () => {
  const w: Constant = { dtype: "f32", shape: [3, 3, 1, 1], data: new Float32Array(9) };
  const first = node("Conv", ["x", "w"], ["a"], { ...PLAIN, groups: 1 });
  const second = node("Conv", ["a", "w"], ["y"], { ...PLAIN, groups: 1 });
  const cost = analyze(graphOf({ x: [1, 3, 2, 2] }, ["y"], [first, second], { w }));
  assertEquals(cost.layers.map((layer) => [layer.name, layer.op, layer.parameters, layer.bytes, layer.macs]), [
    ["make_a", "Conv", 9, 36, 36],
    ["make_y", "Conv", 0, 0, 36],
  ]);
  assertEquals([cost.parameters, cost.macs], [9, 72]);
});

/** A constant of the given elements. */
function constant(shape: Shape, elements: readonly number[]): Constant {
  return { dtype: "f32", shape, data: Float32Array.from(elements) };
}

/** A constant whose elements may not be looked at. */
function unreadable(shape: Shape): Constant {
  return {
    dtype: "f32",
    shape,
    get data(): Float32Array {
      throw new Error("the elements were read");
    },
  };
}

Deno.test("zeros of a convolution's weight are counted, those of its bias are not, and nothing else changes", () => {
  const made = node("Conv", ["x", "w", "b"], ["y"], { ...PLAIN, groups: 1 });
  // Two filters of 2 x 2 taps over 3 x 3 places: 5 of 8 taps are not zero, and a negative zero is one.
  const w = constant([2, 1, 2, 2], [0, 1, -0, 2, 1e-38, 0, 3, -4]);
  const graph = graphOf({ x: [1, 1, 4, 4] }, ["y"], [made], { w, b: constant([2], [0, 0]) });
  const { weightElements, zeros, sparsity, nonzeroFlops, layers: [layer], ...dense } = analyze(graph, { zeros: true });
  assertEquals([weightElements, zeros, sparsity, nonzeroFlops], [8, 3, 3 / 8, 2 * 9 * 5]);
  assertEquals([layer.weightElements, layer.zeros, layer.sparsity, layer.nonzeroFlops], [8, 3, 3 / 8, 2 * 9 * 5]);
  const { layers: _, ...plain } = analyze(graph);
  assertEquals(dense, plain);
  assertEquals([dense.flops, dense.bitOperations], [2 * 9 * 8, 1024 * 9 * 8]);
});

Deno.test("filters set to zero save in nonzero FLOPs what filters taken out save in FLOPs", () => {
  const first = node("Conv", ["x", "w"], ["a"], { ...PLAIN, strides: [2, 2], pads: [1, 1, 1, 1], groups: 1 });
  const second = node("Conv", ["a", "v"], ["y"], { ...PLAIN, groups: 1 });
  const cost = (w: Constant, v: Constant) =>
    analyze(graphOf({ x: [3, 5, 13, 13] }, ["y"], [first, second], { w, v }), { zeros: true });
  const full = { w: weight([8, 5, 3, 3], 3), v: weight([4, 8, 1, 1], 4) };
  const kept = [1, 4, 6];
  // The filters of the first layer, and the taps of the second that read what they made.
  const masked = cost(
    constant([8, 5, 3, 3], Array.from(full.w.data, (value, i) => kept.includes(Math.floor(i / 45)) ? value : 0)),
    constant([4, 8, 1, 1], Array.from(full.v.data, (value, i) => kept.includes(i % 8) ? value : 0)),
  );
  const removed = cost(weight([3, 5, 3, 3], 3), weight([4, 3, 1, 1], 4));
  const dense = cost(full.w, full.v);
  assertEquals([dense.zeros, removed.zeros], [0, 0]);
  assertEquals([masked.flops, masked.bitOperations], [dense.flops, dense.bitOperations]);
  assertAlmostEquals(masked.nonzeroFlops, removed.flops, 1e-6);
  assertEquals(masked.weightElements - masked.zeros, removed.weightElements);
  assertEquals(masked.sparsity, masked.zeros / masked.weightElements);
  assertEquals(masked.layers.map(({ sparsity }) => sparsity), [5 / 8, 5 / 8]);
});

Deno.test("zeros count in depthwise and transposed convolutions and in matrix products, on either side", () => {
  const half = (shape: Shape) =>
    constant(shape, Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i % 2));
  const cases: [Node, Record<string, Shape>, Record<string, Constant>][] = [
    [node("Conv", ["x", "w"], ["y"], { ...PLAIN, groups: 6 }), { x: [1, 6, 5, 4] }, { w: half([6, 1, 2, 2]) }],
    [
      node("ConvTranspose", ["x", "w"], ["y"], { ...PLAIN, groups: 2, outputPadding: [0, 0] }),
      { x: [2, 4, 3, 3] },
      { w: half([4, 1, 2, 2]) },
    ],
    [node("Gemm", ["x", "w", "b"], ["y"], GEMM), { x: [3, 4] }, { w: half([5, 4]), b: constant([5], [0, 0, 0, 0, 0]) }],
    [node("MatMul", ["w", "x"], ["y"], {}), { x: [2, 4, 5] }, { w: half([3, 4]) }],
  ];
  for (const [made, shapes, constants] of cases) {
    const cost = analyze(graphOf(shapes, ["y"], [made], constants), { zeros: true });
    const { length } = constants.w.data;
    assertEquals([cost.weightElements, cost.zeros, cost.sparsity], [length, length / 2, 0.5], made.op);
    assertEquals([cost.flops, cost.nonzeroFlops], [2 * cost.macs, cost.macs], made.op);
  }
});

Deno.test("a shared weight's zeros are counted once, and spare operations wherever it is used", () => {
  const w = constant([2, 2, 1, 1], [0, 1, 2, 3]);
  const first = node("Conv", ["x", "w"], ["a"], { ...PLAIN, groups: 1 });
  const second = node("Conv", ["a", "w"], ["y"], { ...PLAIN, groups: 1 });
  const cost = analyze(graphOf({ x: [1, 2, 3, 3] }, ["y"], [first, second], { w }), { zeros: true });
  assertEquals(cost.layers.map(({ weightElements, zeros, sparsity }) => [weightElements, zeros, sparsity]), [
    [4, 1, 0.25],
    [0, 0, 0.25],
  ]);
  assertEquals([cost.weightElements, cost.zeros, cost.nonzeroFlops], [4, 1, 2 * 2 * 9 * 3]);
});

Deno.test("layers without weights are neither sparse nor dense: no division by nothing", () => {
  const product = node("MatMul", ["a", "b"], ["y"], {});
  const cost = analyze(graphOf({ a: [2, 3], b: [3, 2] }, ["y"], [product]), { zeros: true });
  assertEquals([cost.weightElements, cost.zeros, cost.sparsity, cost.nonzeroFlops, cost.weightLayers], [0, 0, 0, 0, 0]);
});

Deno.test("weights are read only where their zeros are asked for, biases and statistics never", () => {
  const conv = node("Conv", ["x", "w", "b"], ["a"], { ...PLAIN, groups: 1 });
  const norm = node("BatchNormalization", ["a", "s", "b", "m", "v"], ["n"], { epsilon: 1e-3 });
  const relu = node("Relu", ["n"], ["y"], {});
  const [b, s, m, v] = Array.from({ length: 4 }, () => unreadable([4]));
  const graph = (w: Constant) => graphOf({ x: [1, 3, 5, 5] }, ["y"], [conv, norm, relu], { w, b, s, m, v });
  const lazy = graph(unreadable([4, 3, 1, 1]));
  // 12 of the convolution, the bias shared with the normalization, and its scale.
  assertEquals([analyze(lazy).parameters, analyze(lazy).weightLayers], [12 + 4 + 4, 2]);
  assertThrows(() => analyze(lazy, { zeros: true }), Error, "the elements were read");
  assertEquals(analyze(graph(weight([4, 3, 1, 1])), { zeros: true }).weightElements, 12);
});

Deno.test("bit operations: the bits that the caller states for each layer, else those of the element types", () => {
  const conv = node("Conv", ["x", "w"], ["a"], { ...PLAIN, groups: 1 });
  const relu = node("Relu", ["a"], ["r"], {});
  const left = node("MatMul", ["u", "r"], ["l"], {});
  const product = node("MatMul", ["l", "r"], ["y"], {});
  const constants = { w: weight([6, 3, 1, 1]), u: weight([4, 4]) };
  const graph = graphOf({ x: [1, 3, 4, 4] }, ["y"], [conv, relu, left, product], constants);
  const macs = [6 * 16 * 3, 0, 6 * 16 * 4, 6 * 16 * 4];
  const bitsOf = (options?: Parameters<typeof analyze>[1]) =>
    analyze(graph, options).layers.map(({ bitOperations }) => bitOperations);
  assertEquals(bitsOf(), macs.map((count) => count * 32 * 32));
  const asked: string[] = [];
  const mixed = bitsOf({
    bits: ({ op, name }) => {
      asked.push(name);
      return op === "Conv"
        ? { weights: 1, activations: 16 }
        : name === "make_l"
        ? { weights: 4, activations: 8 }
        : undefined;
    },
  });
  assertEquals(mixed, [macs[0] * 16, 0, macs[2] * 32, macs[3] * 1024]);
  assertEquals(asked, ["make_a", "make_l", "make_y"]);
  // Both factors of the last product are activations.
  const int8 = analyze(graph, { bits: () => ({ weights: 2, activations: 8 }) });
  assertEquals(int8.bitOperations, 16 * macs[0] + 16 * macs[2] + 64 * macs[3]);
  assertEquals([typeBits(["u8", "i8"]), typeBits(["f32", "i8", "f32"])], [64, 256]);
});

Deno.test("bit widths that are none are refused in a sentence that names the layer", () => {
  const graph = graphOf({ x: [1, 1, 2, 2] }, ["y"], [node("Conv", ["x", "w"], ["y"], { ...PLAIN, groups: 1 })], {
    w: weight([1, 1, 1, 1]),
  });
  for (const weights of [0, -8, NaN, Infinity]) {
    assertThrows(
      () => analyze(graph, { bits: () => ({ weights, activations: 8 }) }),
      FeatherdetError,
      `Conv "make_y": ${weights} bits for weights and 8 for activations`,
    );
  }
});

const MODEL = sharedData("models/yolo11n.onnx");

Deno.test({
  name: `yolo11n has its published parameters and GFLOPs${MODEL ? "" : " (ignored: ../shared/data is absent)"}`,
  ignore: MODEL === undefined,
  fn() {
    const cost = analyze(importOnnx(Deno.readFileSync(MODEL!)), { zeros: true });
    const { parameters, bytes, macs, flops, layers, bitOperations, weightLayers, weightElements, zeros } = cost;
    assertEquals([parameters, bytes], [2_616_248, 4 * 2_616_248]);
    assertEquals((flops / 1e9).toFixed(1), "6.5");
    const dfl = layers.filter((layer) => layer.op === "Conv" && layer.name.includes("dfl"));
    assertEquals(dfl.map((layer) => layer.parameters), [16]);
    // The attention of two heads over 400 positions, keys of 32 and values of 64, which the FLOPs leave out.
    assertEquals(2 * macs - flops, 2 * 2 * 400 * 400 * (32 + 64));
    assertEquals([bitOperations, weightLayers], [1024 * macs, 88]);
    // As numpy counts them in the file's initializers.
    assertEquals([weightElements, zeros], [2_607_984, 32_101]);
  },
});
