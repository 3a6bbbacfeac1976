/**
 * Quantized graphs: which types and shapes fit, where weights are found, what they cost.
 *
 * @module
 */

import { assertEquals, assertThrows } from "@std/assert";
import {
  analyze,
  type Constant,
  FeatherdetError,
  type Graph,
  inferNode,
  type Node,
  quantizeValue,
  roundHalfEven,
  type TensorType,
  weightsOf,
  weightSource,
} from "../../src/graph/mod.ts";
import { graphOf, node, PLAIN, weight } from "../support/tiny_graph.ts";

const type = (dtype: TensorType["dtype"], ...shape: number[]): TensorType => ({ dtype, shape });
const CONV = { ...PLAIN, groups: 1 } as const;

Deno.test("halves go to the even number, and what does not fit is saturated", () => {
  assertEquals([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4999].map(roundHalfEven).map((n) => n + 0), [-2, -2, 0, 0, 2, 2, 2]);
  assertEquals(quantizeValue(1e30, 0.5, 3, "u8"), 255);
  assertEquals(quantizeValue(-1e30, 0.5, 3, "i8"), -128);
  // The quotient of these two lies above 2.5, but f32 cannot tell them apart: the even number is right.
  const [x, scale] = [Math.fround(0.275), Math.fround(0.11)];
  assertEquals([x / scale > 2.5, quantizeValue(x, scale, 0, "i8")], [true, 2]);
});

const FITTING: readonly [Node, TensorType[], TensorType[]][] = [
  [node("QuantizeLinear", ["x", "s", "z"], ["y"], { axis: 0 }), [type("f32", 2, 3), type("f32"), type("u8")], [
    type("u8", 2, 3),
  ]],
  [node("QuantizeLinear", ["x", "s", "z"], ["y"], { axis: 1 }), [type("f32", 2, 3), type("f32", 3), type("i8", 3)], [
    type("i8", 2, 3),
  ]],
  // onnxruntime writes [1] beside [].
  [node("DequantizeLinear", ["x", "s", "z"], ["y"], { axis: 0 }), [type("i32", 8), type("f32", 1), type("i32")], [
    type("f32", 8),
  ]],
  [node("DynamicQuantizeLinear", ["x"], ["y", "s", "z"], {}), [type("f32", 5, 1)], [
    type("u8", 5, 1),
    type("f32"),
    type("u8"),
  ]],
  [
    node("ConvInteger", ["x", "w", "a", "b"], ["y"], CONV),
    [type("u8", 1, 3, 5, 6), type("i8", 4, 3, 2, 2), type("u8", 1), type("i8", 4)],
    [type("i32", 1, 4, 4, 5)],
  ],
  [
    node("MatMulInteger", ["x", "w", "a", "b"], ["y"], {}),
    [type("u8", 2, 4, 3), type("u8", 3, 5), type("u8"), type("u8", 5)],
    [type("i32", 2, 4, 5)],
  ],
  [node("Cast", ["x"], ["y"], { to: "i8" }), [type("f32", 2)], [type("i8", 2)]],
  [node("MaxPool", ["x"], ["y"], { ...PLAIN, kernel: [2, 2], ceilMode: false }), [type("u8", 1, 2, 3, 3)], [
    type("u8", 1, 2, 2, 2),
  ]],
];

Deno.test("element types follow from zero points and operators", () => {
  for (const [made, inputs, outputs] of FITTING) assertEquals(inferNode(made, inputs), outputs, made.op);
});

const quantize = node("QuantizeLinear", ["x", "s", "z"], ["y"], { axis: 1 });
const dequantize = node("DequantizeLinear", ["x", "s", "z"], ["y"], { axis: 1 });
const convInteger = node("ConvInteger", ["x", "w", "a", "b"], ["y"], CONV);
const REFUSED: readonly [Node, TensorType[], string][] = [
  [quantize, [type("i32", 2, 3), type("f32"), type("u8")], "input 0 is i32, the operator needs f32"],
  [quantize, [type("f32", 2, 3), type("f32"), type("i32")], "zero point is i32, the operator needs i8 or u8"],
  [quantize, [type("f32", 2, 3), type("i32"), type("u8")], "scale is i32, the operator needs f32"],
  [
    quantize,
    [type("f32", 2, 3), type("f32", 3), type("u8")],
    "scale [3] and zero point [] differ in shape",
  ],
  [
    quantize,
    [type("f32", 2, 3), type("f32", 2), type("u8", 2)],
    "scale [2] does not go along axis 1 of [2,3]",
  ],
  [quantize, [type("f32", 2), type("f32", 2), type("u8", 2)], "axis 1 is not an axis of [2]"],
  [dequantize, [type("f32", 2, 3), type("f32"), type("u8")], "input 0 is f32, the operator needs i8 or u8 or i32"],
  [dequantize, [type("i8", 2, 3), type("f32"), type("u8")], "zero point is u8, the operator needs i8"],
  [
    convInteger,
    [type("i32", 1, 3, 5, 6), type("i8", 4, 3, 2, 2), type("i32"), type("i8")],
    "input 0 is i32, the operator needs i8 or u8",
  ],
  [
    convInteger,
    [type("u8", 1, 3, 5, 6), type("i8", 4, 3, 2, 2), type("u8", 3), type("i8")],
    "zero point [3] of input 0 must be one number",
  ],
  [
    convInteger,
    [type("u8", 1, 3, 5, 6), type("i8", 4, 3, 2, 2), type("u8"), type("i8", 3)],
    "zero point [3] of input 1 must be one number or [4]",
  ],
];

Deno.test("what does not fit is refused, naming types and shapes", () => {
  for (const [made, inputs, detail] of REFUSED) {
    const error = assertThrows(() => inferNode(made, inputs), FeatherdetError);
    assertEquals((error as FeatherdetError).detail, detail);
  }
});

const integers = (dtype: "i8" | "u8" | "i32", shape: number[], numbers: readonly number[]): Constant => {
  const arrays = { i8: Int8Array, u8: Uint8Array, i32: Int32Array };
  return { dtype, shape, data: arrays[dtype].from(numbers) };
};

/** A convolution between bytes: 2 filters over 3 channels, 1 x 1, on a map of 4 x 5. */
function quantizedConv(zeroPoints: readonly number[] = [0, 0], second = false): Graph {
  const constants = {
    sx: weight([]),
    zx: integers("u8", [], [128]),
    w: integers("i8", [2, 3, 1, 1], [0, 5, -7, 0, 9, 1]),
    sw: weight([2]),
    zw: integers("i8", [2], zeroPoints),
    b: integers("i32", [2], [100, -100]),
    sb: weight([2]),
    zb: integers("i32", [2], [0, 0]),
  };
  const nodes = [
    node("QuantizeLinear", ["x", "sx", "zx"], ["q"], { axis: 0 }),
    node("DequantizeLinear", ["q", "sx", "zx"], ["xf"], { axis: 0 }),
    node("DequantizeLinear", ["w", "sw", "zw"], ["wf"], { axis: 0 }),
    node("DequantizeLinear", ["b", "sb", "zb"], ["bf"], { axis: 0 }),
    node("Conv", ["xf", "wf", "bf"], ["y"], CONV),
    ...second ? [node("Conv", ["x", "wf"], ["y2"], CONV)] : [],
  ];
  return graphOf({ x: [1, 3, 4, 5] }, second ? ["y", "y2"] : ["y"], nodes, constants);
}

Deno.test("weights are found behind their DequantizeLinear, with scales and zero points", () => {
  const graph = quantizedConv();
  const found = weightSource(graph, "wf");
  assertEquals([found?.name, found?.constant.dtype, found?.dequantize?.node.name], ["w", "i8", "make_wf"]);
  assertEquals(found?.dequantize?.scale, graph.constants.get("sw"));
  assertEquals(found?.dequantize?.zeroPoint, graph.constants.get("zw"));
  assertEquals(weightSource(graph, "b"), { name: "b", constant: graph.constants.get("b")! });
  assertEquals(weightSource(graph, "xf"), undefined);
  const conv = graph.nodes.find(({ op }) => op === "Conv")!;
  assertEquals(weightsOf(graph, conv), { trained: ["w", "b"], statistics: ["sw", "zw", "sb"] });
});

Deno.test("a quantized convolution counts its weights once, in bytes, and 8 by 8 bits a product", () => {
  const { parameters, bytes, macs, flops, bitOperations, layers } = analyze(quantizedConv());
  // Weights and their zero points a byte each, biases and all scales four.
  assertEquals([parameters, bytes], [6 + 2, 6 + 2 + 4 * (2 + 2 + 2)]);
  assertEquals([macs, flops, bitOperations], [2 * 20 * 3, 4 * 20 * 3, 64 * 2 * 20 * 3]);
  assertEquals(layers.filter((layer) => layer.parameters > 0).map(({ op }) => op), ["Conv"]);
});

Deno.test("floats times bytes take 32 by 8 bits, and shared weights are counted at the first layer", () => {
  const { layers } = analyze(quantizedConv([0, 0], true));
  const convs = layers.filter(({ op }) => op === "Conv");
  assertEquals(convs.map(({ parameters, bitOperations, macs }) => [parameters, bitOperations / macs]), [
    [8, 64],
    [0, 256],
  ]);
  const stated = analyze(quantizedConv(), { bits: () => ({ weights: 2, activations: 16 }) });
  assertEquals(stated.bitOperations / stated.macs, 32);
});

Deno.test("a weight that is its zero point is a zero", () => {
  assertEquals(analyze(quantizedConv(), { zeros: true }).zeros, 2);
  // 5 of the first filter, 9 and nothing else of the second.
  assertEquals(analyze(quantizedConv([5, 9]), { zeros: true }).zeros, 2);
  assertEquals(analyze(quantizedConv([-7, 3]), { zeros: true }).zeros, 1);
});

Deno.test("integer products have weights, products and bits like those of floats", () => {
  const constants = {
    w: integers("i8", [3, 2], [1, 0, 2, 7, 0, 7]),
    zw: integers("i8", [2], [0, 7]),
  };
  const graph = graphOf({ x: [4, 3] }, ["y"], [
    node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"], {}),
    node("MatMulInteger", ["q", "w", "z", "zw"], ["y"], {}),
  ], constants);
  const { parameters, bytes, macs, flops, bitOperations, zeros, nonzeroFlops } = analyze(graph, { zeros: true });
  assertEquals([parameters, bytes, macs, flops, bitOperations], [6, 8, 24, 48, 24 * 64]);
  assertEquals([zeros, nonzeroFlops], [3, 24]);
});
