/**
 * Costs against figures counted by hand and against published ones.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { analyze, type Constant, type Node, type Shape } from "../src/graph/mod.ts";
import { importOnnx } from "../src/onnx/import.ts";
import { sharedData } from "./support/shared_data.ts";
import { graphOf, node, PLAIN, weight } from "./support/tiny_graph.ts";

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

const MODEL = sharedData("models/yolo11n.onnx");

Deno.test({
  name: `yolo11n has its published parameters and GFLOPs${MODEL ? "" : " (ignored: ../shared/data is absent)"}`,
  ignore: MODEL === undefined,
  fn() {
    const { parameters, bytes, macs, flops, layers } = analyze(importOnnx(Deno.readFileSync(MODEL!)));
    assertEquals([parameters, bytes], [2_616_248, 4 * 2_616_248]);
    assertEquals((flops / 1e9).toFixed(1), "6.5");
    const dfl = layers.filter((layer) => layer.op === "Conv" && layer.name.includes("dfl"));
    assertEquals(dfl.map((layer) => layer.parameters), [16]);
    // The attention of two heads over 400 positions, keys of 32 and values of 64, which the FLOPs leave out.
    assertEquals(2 * macs - flops, 2 * 2 * 400 * 400 * (32 + 64));
  },
});
