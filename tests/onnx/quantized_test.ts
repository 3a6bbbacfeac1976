/**
 * Quantized ONNX models: those that onnxruntime's own tools write are read, computed and written again; every number on the way is
 * compared with onnxruntime's (`tests/fixtures/make_quantized.py`, which also checks what is written again).
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import type { onnx } from "npm:onnx-proto@8.0.1";
import { analyze, type Constant, FeatherdetError, type Graph, inferTypes, weightSource } from "../../src/graph/mod.ts";
import { importOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { Session } from "../../src/engine/session.ts";
import { gpuTest } from "../support/gpu.ts";
import { floats, ints, onnxFile, onnxNode } from "../support/onnx_models.ts";
import { inSteps, type ModelValue, quantizedModels } from "../support/quantized_models.ts";

const MODELS = quantizedModels();

for (const model of MODELS) {
  Deno.test(`${model.name}: the reference computes onnxruntime's integers one by one`, () => {
    const graph = importOnnx(model.file, { file: model.name });
    const types = inferTypes(graph);
    const { shape, data } = model.input;
    const values = runReference(graph, { x: referenceTensor(shape, data) }, { keepAll: true });
    for (const expected of model.integers) {
      const found = values.get(expected.name)!;
      assertEquals([types.get(expected.name)!.dtype, found.dtype], [expected.type, expected.type]);
      assertEquals([...found.shape], [...expected.shape]);
      const wrong = expected.data.findIndex((value, i) => value !== found.data[i]);
      assertEquals(wrong, -1, `${expected.name}[${wrong}] is ${found.data[wrong]}, not ${expected.data[wrong]}`);
    }
    const output = values.get(model.output.name)!;
    model.output.data.forEach((value, i) => assert(Math.abs(value - output.data[i]) < 1e-6, `output[${i}]`));
  });

  Deno.test(`${model.name}: written and read again it is the same, element types included`, () => {
    const graph = importOnnx(model.file);
    const read = importOnnx(saveOnnx(graph));
    assertEquals(read, graph);
    const kinds = (of: Graph) => [...of.constants.values()].map(({ dtype, data }) => [dtype, data.constructor.name]);
    assertEquals(kinds(read), kinds(graph));
  });
}

/** The constants of a model's weights, biases left out. */
function weightsIn(graph: Graph): Constant[] {
  const layers = graph.nodes.filter(({ op }) => ["Conv", "ConvInteger", "MatMulInteger"].includes(op));
  return layers.map((node) => weightSource(graph, node.inputs[1])!.constant);
}

Deno.test("weights stay bytes, and cost what bytes cost", () => {
  const dtypes = Object.fromEntries(MODELS.map(({ name, file }) => {
    return [name, [...new Set(weightsIn(importOnnx(file)).map(({ dtype }) => dtype))]];
  }));
  assertEquals(dtypes, {
    static_u8: ["i8"],
    static_u8_channels: ["i8"],
    static_i8_channels: ["i8"],
    static_u8_weights: ["u8"],
    dynamic_u8: ["u8"],
    dynamic_i8: ["i8"],
  });
  for (const { name, file } of MODELS) {
    const graph = importOnnx(file);
    const { parameters, bytes, macs, bitOperations } = analyze(graph);
    const elements = weightsIn(graph).reduce((sum, { data }) => sum + data.length, 0);
    // The recipe's convolutions: weights, and biases of 8, 8, 8, 16, 12 and 7; what is added behind a product is none.
    const isStatic = name.startsWith("static");
    const weights = isStatic ? 8 * 27 + 2 * 8 * 72 + 16 * 9 + 12 * 16 + 7 * 40 : 8 * 27 + 8 * 9 + 12 * 8 + 12 * 5;
    assertEquals([elements, parameters], [weights, weights + (isStatic ? 59 : 0)], name);
    assertEquals(bitOperations, 64 * macs, name);
    assert(bytes >= weights && bytes < 1.4 * weights, `${name}: ${bytes} bytes for ${weights} weights`);
  }
});

Deno.test("another picture size and batch leaves the integers as they are", () => {
  for (const { name, file } of MODELS) {
    const graph = importOnnx(file);
    const shape = name.startsWith("static") ? [3, 3, 44, 52] : [2, 3, 31, 18];
    const changed = importOnnx(file, { shapes: { x: shape } });
    assertEquals(weightsIn(changed), weightsIn(graph));
    const types = inferTypes(changed);
    assertEquals(types.get(changed.outputs[0])!.shape, name.startsWith("static") ? [3, 7, 22, 26] : [2, 5]);
  }
});

gpuTest("a session stays within int8 noise of onnxruntime on every quantized model", async (device) => {
  for (const model of MODELS) {
    const graph = importOnnx(model.file, { file: model.name });
    // Buffers for one model of each kind: each form has pipelines of its own to compile.
    const inBuffers = model.name === "static_i8_channels" || model.name === "dynamic_i8";
    for (const storage of inBuffers ? ["texture", "buffer"] as const : ["texture"] as const) {
      const session = await Session.create(graph, { device, storage });
      const found = (await session.run({ x: model.input }))[model.output.name];
      session.destroy();
      assertEquals([...found.shape], [...model.output.shape]);
      const { most, mean } = inSteps(graph, model, found.data);
      const text = `${model.name} in ${storage}s: at most ${most} steps off, ${mean} in the mean`;
      // Static: sums are not rounded between a convolution and its activation here. Dynamic: f32 rounds otherwise.
      assert(model.name.startsWith("static") ? most <= 4 && mean < 0.7 : most < 0.01, text);
    }
  }
});

/** An initializer of bytes or whole numbers. */
function whole(name: string, dims: readonly number[], dataType: number, data: readonly number[]): onnx.ITensorProto {
  return { name, dims: [...dims], dataType, int32Data: [...data] };
}

const UINT8 = 2, INT8 = 3, INT32 = 6, INT16 = 5;
const QUANTIZE = onnxNode("QuantizeLinear", { input: ["x", "s"], output: ["q"] });
const BACK = onnxNode("DequantizeLinear", { name: "back", input: ["q", "s"] });

function read(nodes: onnx.INodeProto[], initializers: onnx.ITensorProto[], opset?: number): Graph {
  return importOnnx(onnxFile({ nodes, initializers, opset }), { file: "a.onnx" });
}

Deno.test("zero points that are left out are 0 of the type that ONNX says", () => {
  const graph = read([QUANTIZE, BACK], [floats("s", [], [0.5])]);
  assertEquals(graph.nodes.map(({ inputs }) => inputs[2]), ["test/zero_point", "back/zero_point"]);
  const zero: Constant = { dtype: "u8", shape: [], data: Uint8Array.of(0) };
  assertEquals(graph.nodes.map(({ inputs }) => graph.constants.get(inputs[2])), [zero, zero]);
  const signed = { ...QUANTIZE, attribute: [ints("output_dtype", INT8)] };
  const stated = read([signed, BACK], [floats("s", [], [0.5])], 21);
  assertEquals(stated.constants.get("test/zero_point")!.dtype, "i8");
  const channels = read([QUANTIZE, BACK], [floats("s", [3], [0.5, 1, 2])]);
  assertEquals(channels.constants.get("back/zero_point"), { dtype: "u8", shape: [3], data: new Uint8Array(3) });
  assertEquals(channels.nodes.map(({ attributes }) => attributes), [{ axis: 1 }, { axis: 1 }]);
});

Deno.test("a name that the file uses is not given to a zero point", () => {
  const taken = onnxNode("Relu", { name: "relu", input: ["y"], output: ["test/zero_point"] });
  const file = { nodes: [QUANTIZE, BACK, taken], initializers: [floats("s", [], [0.5])], outputs: ["test/zero_point"] };
  assertEquals(importOnnx(onnxFile(file)).nodes[0].inputs[2], "test/zero_point_2");
});

Deno.test("weights that a model quantizes when it runs are read as bytes", () => {
  const graph = read([
    onnxNode("QuantizeLinear", { name: "w", input: ["w", "s", "z"], output: ["q"], attribute: [ints("axis", 0)] }),
    onnxNode("DequantizeLinear", { name: "d", input: ["q", "s", "z"], output: ["f"], attribute: [ints("axis", 0)] }),
    onnxNode("Conv", { input: ["x", "f"] }),
  ], [
    floats("w", [2, 3, 1, 1], [-0.3, 0.25, 0.75, 1, -200, 200]),
    floats("s", [2], [0.5, 1]),
    whole("z", [2], INT8, [0, 1]),
  ]);
  assertEquals(graph.nodes.map(({ op }) => op), ["DequantizeLinear", "Conv"]);
  assertEquals(graph.constants.get("q"), {
    dtype: "i8",
    shape: [2, 3, 1, 1],
    data: Int8Array.of(-1, 0, 2, 2, -128, 127),
  });
});

Deno.test("integer products without zero points get theirs", () => {
  const graph = read([
    onnxNode("QuantizeLinear", { name: "q", input: ["x", "s"], output: ["q"] }),
    onnxNode("ConvInteger", { input: ["q", "w", "", "zw"], output: ["sums"] }),
    onnxNode("Cast", { name: "cast", input: ["sums"], attribute: [ints("to", 1)] }),
  ], [floats("s", [], [0.5]), whole("w", [2, 3, 1, 1], INT8, [1, 2, 3, 4, 5, 6]), whole("zw", [], INT8, [4])]);
  const conv = graph.nodes.find(({ op }) => op === "ConvInteger")!;
  assertEquals(conv.inputs, ["q", "w", "test/zero_point", "zw"]);
  assertEquals(graph.constants.get("test/zero_point")!.dtype, "u8");
});

const BAD: Record<string, [onnx.INodeProto[], onnx.ITensorProto[], string, opset?: number]> = {
  "scales of blocks": [
    [{ ...QUANTIZE, attribute: [ints("block_size", 2)] }, BACK],
    [floats("s", [1, 3, 4, 8], Array<number>(96).fill(1))],
    'QuantizeLinear "test": scales of blocks (block_size) are not supported',
    21,
  ],
  "16-bit integers": [
    [{ ...QUANTIZE, attribute: [ints("output_dtype", INT16)] }, BACK],
    [floats("s", [], [0.5])],
    'QuantizeLinear "test": output_dtype int16 is not supported (int8 and uint8 are)',
    21,
  ],
  "a type that the zero point contradicts": [
    [
      { ...QUANTIZE, input: ["x", "s", "z"], attribute: [ints("output_dtype", INT8)] },
      BACK,
    ],
    [floats("s", [], [0.5]), whole("z", [], UINT8, [3])],
    'QuantizeLinear "test": output_dtype int8 contradicts the zero point, which is u8',
    21,
  ],
  "integers of 32 bits as the result of quantizing": [
    [{ ...QUANTIZE, input: ["x", "s", "z"] }, BACK],
    [floats("s", [], [0.5]), whole("z", [], INT32, [3])],
    'QuantizeLinear "test": zero point is i32, the operator needs i8 or u8',
  ],
  "scales along an axis of another extent": [
    [{ ...QUANTIZE, attribute: [ints("axis", 2)] }, BACK],
    [floats("s", [3], [1, 1, 1])],
    'QuantizeLinear "test": scale [3] does not go along axis 2 of [1,3,8,8]',
  ],
};

for (const [name, [nodes, initializers, message, opset]] of Object.entries(BAD)) {
  Deno.test(`bad quantized model: ${name}`, () => {
    const error = assertThrows(() => read(nodes, initializers, opset), FeatherdetError);
    assertEquals((error as FeatherdetError).message, `a.onnx: ${message}`);
  });
}

/** What the tests above rely on: the fixtures hold every kind of integer. */
Deno.test("the quantized fixtures hold both kinds of bytes and sums", () => {
  const kinds = new Set(MODELS.flatMap(({ integers }) => integers.map(({ type }: ModelValue) => type)));
  assertEquals([...kinds].sort(), ["i32", "i8", "u8"]);
});
