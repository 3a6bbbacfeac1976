/** Histories: through save and load, through passes, and from the notes of before; and the hash that names a parent. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { hashOfGraph } from "../../src/compress/graph_hash.ts";
import { historyEntry, historyOf, historyText, withHistory, withLastEntry } from "../../src/compress/history.ts";
import { packWeights } from "../../src/compress/quantize/mod.ts";
import { type Constant, FeatherdetError, type Graph, type Node, sizeOf } from "../../src/graph/mod.ts";
import { GRAPH_FORM, VERSION } from "../../src/graph/version.ts";
import { NAMED_MODELS } from "../../src/models/named.ts";
import { loadWeights } from "../../src/models/weights.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { importOnnx, loadOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { changeShapes, foldBatchNormalization, recogniseActivations } from "../../src/passes/mod.ts";
import { renamed } from "../support/exported.ts";
import settings from "../../deno.json" with { type: "json" };

const MODELS = new URL("../../data/models/", import.meta.url);
const tiny = () => yolo11({ width: 0.0625, depth: 0.3, size: 64, classes: ["a", "it's"], seed: 3 });

Deno.test("the version that histories name is that of deno.json", () => assertEquals(VERSION, settings.version));

Deno.test("a history goes through save and load, and through passes that know nothing of it", () => {
  const parent = tiny();
  const origin = { seed: 5, dataset: { name: "bccd", split: "train", pictures: 205 } };
  const options = { ratio: 0.5, keep: ["a*", 'quote " and é'], nothing: undefined, rule: () => true, far: Infinity };
  const once = withHistory(parent, historyEntry("prune", options, parent, origin));
  const twice = withHistory(once, historyEntry("train", { epochs: 3 }, once));
  const expected = [
    {
      name: "prune",
      options: { ratio: 0.5, keep: ["a*", 'quote " and é'], far: null },
      ...origin,
      parent: { name: "yolo11n", hash: hashOfGraph(parent) },
      versions: { featherdet: VERSION, graph: GRAPH_FORM },
    },
    {
      name: "train",
      options: { epochs: 3 },
      parent: { name: "yolo11n", hash: hashOfGraph(once) },
      versions: { featherdet: VERSION, graph: GRAPH_FORM },
    },
  ];
  assertEquals(historyOf(twice) as unknown, expected);
  assertEquals(historyOf(parent), []);
  for (
    const change of [
      (graph: Graph) => importOnnx(saveOnnx(graph)),
      (graph: Graph) => changeShapes(graph, { images: [2, 3, 96, 64] }),
      foldBatchNormalization,
      recogniseActivations,
      (graph: Graph) => loadWeights(tiny(), graph),
    ]
  ) {
    assertEquals(historyOf(change(twice)), historyOf(twice));
  }
  const last = withLastEntry(twice, { name: "other", options: {} });
  assertEquals(historyOf(last).map(({ name }) => name), ["prune", "other"]);
});

Deno.test("notes of before are read as histories of one entry: those of the committed models, and of every verb", async () => {
  const ternary = await loadOnnx(new URL("bccd-ternary.onnx", MODELS));
  const options = { weights: "ternary", float: "yolo11", threshold: "twn" };
  assertEquals(historyOf(ternary), [{ name: "train", options, parent: { name: "yolo11n" } }]);
  assertEquals(historyOf(await loadOnnx(new URL("bccd.onnx", MODELS))), []);
  const of = (note: object) => historyOf({ ...tiny(), metadata: { quantization: JSON.stringify(note) } });
  assertEquals(of({ by: "featherdet quantize", from: "m", observer: "mse" }), [
    { name: "quantize", options: { observer: "mse" }, parent: { name: "m" } },
  ]);
  assertEquals(of({ by: "featherdet quantize --mixed", from: "m", storage: "f16" })[0].name, "mixed");
  assertEquals(of({ storage: "f16" }), [{ name: "quantize", options: { storage: "f16" } }]);

  // What is done next makes an entry of the note, which is written no more.
  const entry = historyEntry("prune", {}, ternary);
  const { metadata } = importOnnx(saveOnnx(withHistory(ternary, entry)));
  assertEquals([metadata.quantization, JSON.parse(metadata.history)], [undefined, [...historyOf(ternary), entry]]);
});

Deno.test("metadata that are no history are refused with their beginning", () => {
  for (
    const [key, text] of [["history", "{}"], ["history", '[{"name":1}]'], ["history", "["], ["quantization", "[]"]]
  ) {
    assertThrows(
      () => historyOf({ ...tiny(), metadata: { [key]: text } }),
      FeatherdetError,
      `yolo11n: metadata "${key}" cannot be read: ${text}`,
    );
  }
});

Deno.test("the hash of a graph goes through save and load, for every kind of model that there is", async () => {
  const files = [...Deno.readDirSync(MODELS)].map(({ name }) => name).filter((name) => name.endsWith(".onnx"));
  assert(files.length >= 4);
  const read = await Promise.all(files.map((name) => loadOnnx(new URL(name, MODELS))));
  const names = [
    "demo",
    "yolo11n",
    "yolo11lite-shufflenetv2-0.5x",
    "yolo11lite-mobilenetv3-small",
    "mobilenetv3-small",
  ];
  const attentive = (["se", "cbam", "simam"] as const).map((kind) =>
    yolo11({ width: 0.125, size: 64, attention: { kind, places: ["p3"] } })
  );
  const packed = packWeights(tiny(), { bits: 1, float: "none" }).graph;
  const all = [...read, ...names.map((name) => NAMED_MODELS[name]({ size: 64 })), ...attentive, packed];
  for (const graph of all) assertEquals(hashOfGraph(importOnnx(saveOnnx(graph))), hashOfGraph(graph), graph.name);
  assertEquals(new Set(all.map(hashOfGraph)).size, all.length);
  assert(/^[0-9a-f]{64}$/.test(hashOfGraph(packed)));
});

Deno.test("names and metadata make no difference to a hash; one element, attribute or connection does", () => {
  const graph = tiny(), hash = hashOfGraph(graph);
  assertEquals(hashOfGraph({ ...renamed(graph, (name) => `x/${name}`), name: "other", metadata: {} }), hash);
  const withConstant = (name: string, change: (constant: Constant) => Constant): Graph => ({
    ...graph,
    constants: new Map([...graph.constants, [name, change(graph.constants.get(name)!)]]),
  });
  const withNode = (op: string, change: (node: Node) => Node): Graph => {
    const first = graph.nodes.findIndex((node) => node.op === op);
    return { ...graph, nodes: graph.nodes.map((node, i) => i === first ? change(node) : node) };
  };
  const others = [
    withConstant(
      "model.3.bn.bias",
      (one) => ({ ...one, data: Float32Array.from(one.data, (v, i) => i === 1 ? 1e-30 : v) } as Constant),
    ),
    withConstant("model.3.bn.bias", (one) => ({ ...one, shape: [1, sizeOf(one.shape)] })),
    withNode("BatchNormalization", (node) => ({ ...node, attributes: { epsilon: 2e-3 } } as Node)),
    withNode("Silu", (node) => ({ ...node, op: "Relu" } as Node)),
    withNode("Concat", (node) => ({ ...node, inputs: node.inputs.toReversed() })),
  ];
  assertEquals(new Set([hash, ...others.map(hashOfGraph)]).size, 1 + others.length);
});

Deno.test("an entry in a few words", () => {
  const options = { weights: "channel", equalise: true, clip: false, nothing: null, int8: ["a".repeat(60)] };
  const dataset = { name: "bccd", split: "train", pictures: 64 };
  const versions = { featherdet: "0.1.0", graph: 1 };
  assertEquals(
    historyText({
      name: "quantize",
      options,
      dataset,
      seed: 3,
      parent: { name: "m", hash: "0123456789abcdef" },
      versions,
    }),
    `quantize weights=channel equalise int8=["${
      "a".repeat(35)
    }... on bccd (train), 64 pictures seed 3 of m 0123456789ab by featherdet 0.1.0`,
  );
  assertEquals(historyText({ name: "train", options: {} }), "train");
});
