/** Layers as a device runs them: all work, no node twice, the same whether a model was built, exported or quantized. */

import { assert, assertEquals } from "@std/assert";
import { analyze, type Graph, inferTypes, sizeOf } from "../../src/graph/mod.ts";
import { type FusedLayer, fusedLayers, LAYER_KINDS, withoutTail } from "../../src/hardware/layers.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { NAMED_MODELS } from "../../src/models/named.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { importOnnx, loadOnnx, saveOnnx } from "../../src/onnx/mod.ts";

const total = (layers: readonly FusedLayer[], of: (layer: FusedLayer) => number) =>
  layers.reduce((sum, layer) => sum + of(layer), 0);

for (const name of ["demo", "yolo11n", "yolov5n", "yolov8n", "yolo11lite-mobilenetv3-small", "shufflenetv2-0.5x"]) {
  Deno.test(`the layers of ${name} hold all work once, and no node twice`, () => {
    const graph = NAMED_MODELS[name]({ size: 64 }), layers = fusedLayers(graph);
    const { macs } = analyze(graph);
    assertEquals(total(layers, (layer) => layer.macs), macs);
    for (const { macs, matrix } of layers) {
      if (matrix) assertEquals(matrix.pixels * matrix.window * matrix.filters * matrix.times, macs);
    }
    const nodes = layers.flatMap(({ nodes }) => nodes);
    assertEquals(new Set(nodes).size, nodes.length);
    // What is in no layer moves and computes nothing.
    const left = graph.nodes.filter(({ name }) => !nodes.includes(name)).map(({ op }) => op);
    assertEquals(left.filter((op) => op !== "Reshape"), []);
    for (const { kind } of layers) assert(LAYER_KINDS.includes(kind));
  });
}

Deno.test("a product takes along what follows it, and reads what a sum adds", () => {
  const b = new ModelBuilder();
  const x = b.input("x", [1, 8, 13, 7]);
  const y = b.convBlock("first", x, { out: 16, kernel: 3 });
  const sum = b.add("sum", b.convBlock("second", y, { out: 16 }), y);
  const pooled = b.maxPool("pool", sum, { kernel: 2 });
  const [first, second, pool, ...rest] = fusedLayers(b.graph("small", [pooled]));
  assertEquals(rest, []);
  assertEquals(first.nodes, ["first.conv", "first.bn", "first.act"]);
  assertEquals(second.nodes, ["second.conv", "second.bn", "second.act", "sum"]);
  assertEquals([first.kind, second.kind, pool.kind], ["window", "pointwise", "pool"]);
  const map = 16 * 13 * 7;
  assertEquals([first.inputs, first.outputs, second.inputs, second.outputs], [8 * 13 * 7, map, 2 * map, map]);
  // Folded, a normalisation is a bias.
  assertEquals([first.weights, second.weights], [16 * 8 * 9 + 16, 16 * 16 + 16]);
  assertEquals(first.matrix, { pixels: 13 * 7, window: 72, filters: 16, times: 1 });
});

Deno.test("a product takes along what stands behind a reshape", () => {
  const b = new ModelBuilder();
  const y = b.reshape("flat", b.conv("conv", b.input("x", [1, 3, 13, 7]), { out: 4 }), [1, 4, 91]);
  const [layer, ...rest] = fusedLayers(b.graph("reshaped", [b.activation("act", y, "sigmoid")]));
  assertEquals([layer.nodes, layer.outputShape, rest], [["conv", "act"], [1, 4, 91], []]);
});

/** Kinds, work and bytes of layers, in an order that does not depend on the graph's. */
function summary(graph: Graph): string[] {
  return fusedLayers(graph).map(({ kind, macs, inputs, weights, outputs }) => {
    return [kind, macs, inputs, weights, outputs].join();
  }).sort();
}

Deno.test("a model that was exported has the layers of the one that was built", () => {
  const graph = yolo11({ width: 0.125, size: 64, classes: 3 });
  assertEquals(summary(importOnnx(saveOnnx(graph))), summary(graph));
});

Deno.test("a quantized model has the layers of its float form", async () => {
  const model = (name: string) => loadOnnx(new URL(`../../data/models/${name}.onnx`, import.meta.url));
  const [float, rounded] = await Promise.all(["bccd-pruned", "bccd-pruned-int8"].map(model));
  assertEquals(summary(rounded), summary(float));
});

Deno.test("the tail is what comes behind the last layers, and holds no work of theirs", () => {
  const graph = yolo11({ size: 64 }), types = inferTypes(graph), layers = fusedLayers(graph);
  const kept = withoutTail(graph, layers), tail = layers.filter((layer) => !kept.includes(layer));
  // The sums of the 16 distances alone.
  const anchors = types.get("output0")!.shape[2];
  assertEquals(total(tail, ({ macs }) => macs), 16 * 4 * anchors);
  assert(tail.every(({ name }) => name.startsWith("model.23/") || name === "output0"));
  assertEquals(total(kept, ({ macs }) => macs) + 16 * 4 * anchors, analyze(graph).macs);
  const outputs = graph.nodes.filter(({ name }) => /^model\.23\.cv[23]\.\d\.2$/.test(name));
  assertEquals(outputs.length, 6);
  for (const { name, outputs: [value] } of outputs) {
    assertEquals(kept.find((layer) => layer.name === name)!.outputs, sizeOf(types.get(value)!.shape));
  }
});
