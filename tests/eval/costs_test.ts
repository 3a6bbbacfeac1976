/** What a model costs, against counts made here, a loaded detector and the published figures. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { countCosts } from "../../src/eval/costs.ts";
import { recogniseHead } from "../../src/detect/heads/recognise.ts";
import { Detector } from "../../src/detect/detector.ts";
import { FeatherdetError, type Graph, inferTypes, printGraph, sizeOf } from "../../src/graph/mod.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { importOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { gpuTest } from "../support/gpu.ts";
import { floats, onnxFile, onnxNode } from "../support/onnx_models.ts";
import { sharedDataTest } from "../support/shared_data.ts";
import { graphOf, node, PLAIN, weight } from "../support/tiny_graph.ts";

/** Bytes of all values of a graph in f32, constants left out. */
function valueBytes(graph: Graph): number {
  return [...inferTypes(graph)].filter(([name]) => !graph.constants.has(name))
    .reduce((sum, [, { shape }]) => sum + 4 * sizeOf(shape), 0);
}

Deno.test("outputs that are known when a file is read cost a copy, and are no head", () => {
  for (const shape of [[], [1], [4], [1, 6], [1, 7, 84], [1, 6, 5, 7]]) {
    const numbers = Array.from({ length: sizeOf(shape) }, (_, at) => at % 2);
    for (
      const known of [
        floats("c", shape, numbers),
        { name: "c", dims: shape, dataType: 7, int64Data: numbers },
        { name: "c", dims: shape, dataType: 9, int32Data: numbers },
      ]
    ) {
      const file = onnxFile({ nodes: [onnxNode("Relu")], outputs: ["y", "c"], initializers: [known] });
      const graph = importOnnx(file), { parameters, flops, dispatches } = countCosts(graph);
      assertEquals([parameters, flops, dispatches], [0, 0, 2], `${known.dataType} [${shape}]`);
      assert(printGraph(graph).includes("output c"));
      assertThrows(() => recogniseHead(graph), FeatherdetError);
    }
  }
});

Deno.test("a small model's costs, counted by hand", () => {
  const w = { dtype: "f32", shape: [4, 3, 1, 1], data: new Float32Array(12).fill(1, 0, 9) } as const;
  const conv = node("Conv", ["x", "w", "b"], ["a"], { ...PLAIN, groups: 1 });
  const graph = graphOf({ x: [1, 3, 8, 8] }, ["y"], [conv, node("Relu", ["a"], ["y"], {})], { w, b: weight([4]) });
  const { fileBytes, deviceWeightBytes, activationPeak, dispatches, ...counted } = countCosts(graph);
  assertEquals(counted, {
    parameters: 16,
    weightBytes: 64,
    macs: 64 * 12,
    flops: 2 * 64 * 12,
    weightElements: 12,
    zeros: 3,
    sparsity: 0.25,
    nonzeroFlops: 2 * 64 * 9,
    bitOperations: 1024 * 64 * 12,
    layers: 1,
    nodes: 2,
  });
  assertEquals(activationPeak.naive, 4 * 64 * (3 + 4 + 4));
  assert(activationPeak.lowerBound >= 4 * 64 * (3 + 4) && activationPeak.planned >= activationPeak.lowerBound);
  // Filters of four channels each, and the bias.
  assert(deviceWeightBytes >= 4 * (16 + 4) && dispatches >= 1);
  assertEquals(fileBytes, saveOnnx(graph).byteLength);
});

Deno.test("a file is the weights and a little more, whatever the precision; half of the device's weights go in f16", () => {
  const graph = yolo11({ width: 0.125, size: 64, classes: 3 });
  const [f32, f16] = (["f32", "f16"] as const).map((precision) => countCosts(graph, { precision }));
  const stored = [...graph.constants.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  assert(stored < f32.fileBytes && f32.fileBytes < stored + 300 * graph.nodes.length, `${stored}, ${f32.fileBytes}`);
  assertEquals([f16.fileBytes, f16.weightBytes], [f32.fileBytes, f32.weightBytes]);
  assertEquals([f32.bitOperations, f16.bitOperations], [1024 * f32.macs, 256 * f16.macs]);
  assertEquals(f32.activationPeak.naive, 2 * f16.activationPeak.naive);
  // The detector decodes the head's maps, the model's own decoding is left out.
  assert(f32.activationPeak.naive < valueBytes(graph) && f32.activationPeak.naive > 0.8 * valueBytes(graph));
  const ratio = f16.deviceWeightBytes / f32.deviceWeightBytes;
  assert(ratio >= 0.5 && ratio < 0.55, `${ratio}`);
  const { bitOperations } = countCosts(graph, { precision: "f16", bits: () => ({ weights: 8, activations: 8 }) });
  assertEquals(bitOperations, 64 * f32.macs);
});

gpuTest("a loaded detector has the dispatches, weights and activations that were counted", async (device) => {
  const graph = demoDetector({ size: 96 });
  for (const precision of ["f32", "f16"] as const) {
    // What is counted is the plan that stays, not that of the first pictures.
    const detector = await Detector.load(graph, { device, precision, start: "full" });
    try {
      const { storage } = detector.plan.form;
      const costs = countCosts(graph, { precision, storage });
      assertEquals(costs.dispatches, detector.dispatches);
      assertEquals(costs.activationPeak, detector.plan.memory);
      const held = costs.deviceWeightBytes + costs.activationPeak.planned;
      assert(held <= detector.bytes && costs.deviceWeightBytes > 0, `${held} of ${detector.bytes}`);
    } finally {
      detector.destroy();
    }
  }
});

Deno.test("yolo11n costs what is published", () => {
  const { parameters, flops, sparsity, nonzeroFlops } = countCosts(yolo11());
  assertEquals([parameters, (flops / 1e9).toFixed(2)], [2_624_080, "6.48"]);
  // The DFL's fixed weights begin with a 0; random ones are hardly ever that.
  assert(sparsity > 0 && sparsity < 1e-5 && nonzeroFlops / flops > 0.999, `${sparsity}, ${nonzeroFlops / flops}`);
});

sharedDataTest("yolo11n's file is as large as the exporter's", ["models/yolo11n.onnx"], (file) => {
  const bytes = Deno.readFileSync(file);
  const { fileBytes, weightBytes, layers, dispatches } = countCosts(importOnnx(bytes));
  assert(Math.abs(fileBytes / bytes.length - 1) < 0.01, `${fileBytes}, the exporter's has ${bytes.length}`);
  assertEquals([weightBytes, layers], [4 * 2_616_248, 88]);
  assert(dispatches <= 110);
});

Deno.test("what cannot be planned is refused, naming the operator", () => {
  const product = node("MatMul", ["a", "b"], ["y"], {});
  assertThrows(() => countCosts(graphOf({ a: [2, 3], b: [4, 2] }, ["y"], [product])), FeatherdetError, "MatMul");
});
