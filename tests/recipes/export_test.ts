/** Exports: the nodes that every target gets, held against the published rules, and what a target cannot have. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { runPasses } from "../../src/compress/pass.ts";
import { packWeights, quantizeScaled } from "../../src/compress/quantize/mod.ts";
import { classNamesOf } from "../../src/detect/class_names.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { GraphIndex } from "../../src/graph/graph_index.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { importOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { schema } from "../../src/onnx/proto.ts";
import { findDetectionHead, foldBatchNormalization } from "../../src/passes/mod.ts";
import { npyFile } from "../../src/recipes/export/beside.ts";
import { breachLines, checkRules } from "../../src/recipes/export/check_rules.ts";
import { type ExportOptions, isQdq, listExportPasses, targetOf } from "../../src/recipes/export/export_steps.ts";
import { floatTail, mnnTailNames } from "../../src/recipes/export/float_tail.ts";
import { type RuledRuntime, RULES } from "../../src/recipes/export/rules.ts";
import { TARGET_NAMES, type TargetName, TARGETS } from "../../src/recipes/export/targets.ts";

/** YOLO11 of three classes, narrow and small, as files have it. */
const FLOAT = foldBatchNormalization(yolo11({ size: 64, classes: 3, width: 0.0625 }));

/** The same in int8, with made-up scales. */
function int8(zeroPoint: number, weightRange: "full" | "reduced" = "full"): Graph {
  const values = [...FLOAT.inputs.map(({ name }) => name), ...FLOAT.nodes.flatMap(({ outputs }) => outputs)];
  return quantizeScaled(FLOAT, new Map(values.map((value) => [value, { scale: 0.0625, zeroPoint }])), { weightRange });
}

async function exported(graph: Graph, options: ExportOptions): Promise<{ graph: Graph; bytes: Uint8Array }> {
  const { graph: made } = await runPasses(graph, listExportPasses(graph, options, false));
  return { graph: made, bytes: saveOnnx(made) };
}

/** How often each of ONNX's operators of quantization is in a file, and the types that they have. */
function quantizationOf(bytes: Uint8Array) {
  const { graph } = schema.ModelProto.decode(bytes),
    tensors = new Map(graph!.initializer!.map((one) => [one.name!, one]));
  const nodes = graph!.node!.filter(({ opType }) => /QuantizeLinear$|^DequantizeLinear$/.test(opType!));
  const zeros = nodes.flatMap(({ input }) => input![2] ? [tensors.get(input![2])!] : []);
  return {
    nodes: nodes.length,
    types: [...new Set(zeros.map(({ dataType }) => dataType))].sort(),
    isSymmetric: zeros.every(({ rawData }) => rawData!.every((byte) => byte === 0)),
  };
}

Deno.test("every target writes YOLO11n in float, and it is read again with its outputs and its metadata", async () => {
  for (const target of TARGET_NAMES) {
    const { graph, bytes } = await exported(FLOAT, { target }), read = importOnnx(bytes);
    assertEquals(read.outputs, graph.outputs, target);
    assertEquals(graph.outputs.length, TARGETS[target].outputs === "separate" ? 2 : 1, target);
    const { stride, task, imgsz, batch } = read.metadata;
    assertEquals(
      { stride, task, imgsz, batch },
      { stride: "32", task: "detect", imgsz: "[64, 64]", batch: "1" },
      target,
    );
    assertEquals(classNamesOf(read)?.length, 3, target);
    assertEquals(quantizationOf(bytes).nodes, 0, target);
  }
});

Deno.test("a model without metadata gets what its graph shows", async () => {
  const { graph } = await exported({ ...FLOAT, metadata: { names: "{0: 'a', 1: 'b', 2: 'c'}" } }, { target: "ort" });
  const { stride, task, imgsz, batch, names } = graph.metadata;
  assertEquals([stride, task, imgsz, batch, names], ["32", "detect", "[64, 64]", "1", "{0: 'a', 1: 'b', 2: 'c'}"]);
});

Deno.test("int8: types, zero points and biases are those of the row of each target", async () => {
  const U8 = 2, I8 = 3, I32 = 6;
  const expected: Partial<Record<TargetName, readonly number[]>> = {
    ort: [I8, I32],
    openvino: [U8, I8],
    tensorrt: [I8],
    qnn: [U8, I8, I32],
  };
  for (const target of TARGET_NAMES) {
    const row = TARGETS[target].int8;
    const graph = isQdq(row) ? int8(row.activations === "symmetric" ? 0 : -3) : int8(-3);
    const { nodes, types, isSymmetric } = quantizationOf((await exported(graph, { target })).bytes);
    assertEquals(types, [...expected[target] ?? []], target);
    assertEquals(nodes > 0, isQdq(row), target);
    if (target === "tensorrt") assert(isSymmetric);
  }
});

Deno.test("TensorRT's rules refuse the plain int8 file, for its zero points and for its biases", () => {
  const lines = breachLines(checkRules(saveOnnx(int8(-3)), RULES.tensorrt));
  assert(lines.some((line) => /DequantizeLinear: type int32 \(\d+ nodes/.test(line)), lines.join("\n"));
  assert(lines.some((line) => /QuantizeLinear: a zero point that is not 0/.test(line)), lines.join("\n"));
  // QNN wants unsigned bytes.
  assert(breachLines(checkRules(saveOnnx(int8(-3)), RULES.qnn)).some((line) => line.includes("type int8")));
});

Deno.test("rules see a scale along another axis, an operator that is not in the list, an operator set, and open extents", async () => {
  const { bytes } = await exported(int8(0), { target: "tensorrt" });
  const changed = (change: (model: InstanceType<typeof schema.ModelProto>) => void): string[] => {
    const model = schema.ModelProto.decode(bytes) as InstanceType<typeof schema.ModelProto>;
    change(model);
    return breachLines(checkRules(schema.ModelProto.encode(model).finish(), RULES.tensorrt));
  };
  assertEquals(changed(() => {}), []);
  assertEquals(changed((model) => (model.graph!.node![3].opType = "Mish")).length, 1);
  assert(changed((model) => (model.opsetImport[0].version = 21))[0].includes("operator set 21"));
  const open = changed((model) => {
    model.graph!.input![0].type!.tensorType!.shape!.dim![0] = { dimParam: "batch" };
  });
  assert(open[0].includes("not fixed"), open[0]);
  const turned = changed((model) => {
    const tensors = new Map(model.graph!.initializer!.map((one) => [one.name!, one]));
    const weight = model.graph!.node!.find(({ opType, input }) =>
      opType === "DequantizeLinear" && tensors.get(input![0])?.dims?.length === 4
    )!;
    weight.attribute!.find(({ name }) => name === "axis")!.i = 1;
  });
  assert(turned[0].includes("scales along axis 1"), turned[0]);
});

Deno.test("by their rules the runtimes read what their targets write; NNAPI leaves Split to the CPU", async () => {
  for (const runtime of Object.keys(RULES) as RuledRuntime[]) {
    if (runtime === "nnapi") continue;
    const row = TARGETS[runtime].int8;
    const graphs = [FLOAT, ...(isQdq(row) ? [int8(row.activations === "symmetric" ? 0 : -3)] : [])];
    for (const graph of graphs) {
      const { bytes } = await exported(graph, { target: runtime });
      assertEquals(breachLines(checkRules(bytes, RULES[runtime])), [], runtime);
    }
  }
  const breaches = checkRules((await exported(FLOAT, { target: "ort" })).bytes, RULES.nnapi);
  assertEquals([...new Set(breaches.map(({ operator, elsewhere }) => `${operator} ${elsewhere}`))], ["Split true"]);
});

Deno.test("what a target cannot have is said in a sentence", async () => {
  const refusal = (graph: Graph, options: ExportOptions, text: string) =>
    assertRejects(() => exported(graph, options), FeatherdetError, text);
  await refusal(int8(-3), { target: "tensorrt" }, "has a zero point, TensorRT wants symmetric activations");
  await refusal(FLOAT, { target: "rknn", nms: {} }, "no TopK");
  await refusal(int8(0), { target: "openvino", reducedRange: true }, "go up to 63");
  await exported(int8(0, "reduced"), { target: "openvino", reducedRange: true });
  assertThrows(() => targetOf("tnn"), FeatherdetError, 'unknown target "tnn"');
});

Deno.test("where the runtime quantizes by itself, a quantized model becomes floats, and that is said", async () => {
  for (const graph of [int8(-3), packWeights(FLOAT, { bits: 2 }).graph]) {
    const { reports, graph: made } = await runPasses(graph, listExportPasses(graph, { target: "mnn" }, false));
    assert(made.nodes.every(({ op }) => !/Quantize|Unpack/.test(op)));
    assert(JSON.stringify(reports).includes("reads no QuantizeLinear"));
  }
});

Deno.test("suppression is written for a target that takes it", async () => {
  const { graph } = await exported(demoDetector({ size: 64 }), { target: "ort", nms: { confidence: 0.5 } });
  assertEquals([graph.metadata.end2end, graph.outputs], ["True", ["detections"]]);
});

/** Values on the ways from a value to the inputs, by names alone: what the tail is not told by. */
function sources(graph: Graph, value: string): Set<string> {
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const found = new Set([value]);
  for (const name of found) for (const input of makers.get(name)?.inputs ?? []) found.add(input);
  return found;
}

Deno.test("the tail that stays in float is that of the head, with the convolution that weighs bins, however the outputs leave", async () => {
  const head = findDetectionHead(GraphIndex.of(FLOAT))!;
  const expected = head.tail.map(({ outputs }) => outputs[0]).sort();
  assertEquals(floatTail(FLOAT).map(({ outputs }) => outputs[0]).sort(), expected);
  assert(floatTail(FLOAT).some(({ op }) => op === "Conv"));
  const { graph: apart } = await exported(FLOAT, { target: "tflite" }), tail = floatTail(apart);
  // But for the last Concat it is the same, and it holds nothing that a layer of several channels reads.
  assertEquals(tail.length, expected.length - 1);
  for (const { op, inputs, outputs } of apart.nodes) {
    if (op !== "Conv" || apart.constants.get(inputs[1])!.shape[0] === 1) continue;
    const before = sources(apart, outputs[0]);
    assert(tail.every((node) => !before.has(node.outputs[0])), outputs[0]);
  }
});

Deno.test("a head of one class loses its last layers to the tail, a layer at the end leaves none", () => {
  const one = foldBatchNormalization(yolo11({ size: 64, classes: 1, width: 0.0625 }));
  // Those of three levels, and that of the bins.
  assertEquals(floatTail(one).filter(({ op }) => op === "Conv").length, 4);
  const layer = FLOAT.nodes.find(({ op }) => op === "Conv")!;
  assertEquals(floatTail({ ...FLOAT, nodes: [layer], outputs: [layer.outputs[0]] }), []);
});

Deno.test("MNN's names: an operator has that of its output, what changes its layout those of both sides", () => {
  const names = mnnTailNames(FLOAT), [output] = FLOAT.outputs;
  const softmax = FLOAT.nodes.find(({ op, inputs }) =>
    op === "Softmax" && floatTail(FLOAT).some((node) => node.inputs[0] === inputs[0])
  )!;
  for (
    const name of [output, `${output}__before_tr`, softmax.outputs[0], `${softmax.inputs[0]}___tr${softmax.outputs[0]}`]
  ) {
    assert(names.includes(name), name);
  }
  const conv = FLOAT.nodes.find(({ op }) => op === "Conv")!;
  assert(!names.includes(conv.outputs[0]));
});

Deno.test("the array of calibration pictures is a file of NumPy's", () => {
  const file = npyFile([2, 3], Float32Array.of(0, 1, 2, 3, 4, 5));
  // np.save of the same, numpy 2.4.
  const header = "\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }".padEnd(127) + "\n";
  assertEquals(Array.from(file.subarray(0, 128)), Array.from(header, (letter) => letter.charCodeAt(0)));
  assertEquals(new Float32Array(file.slice(128).buffer), Float32Array.of(0, 1, 2, 3, 4, 5));
});
