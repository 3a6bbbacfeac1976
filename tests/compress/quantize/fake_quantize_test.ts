/** The graph of quantization-aware training: what is rounded in it, against what `quantize` and `packWeights` round, and by how much. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { rangeOf, throughInt8 } from "../../../src/compress/quantize/quantization_parameters.ts";
import {
  type ActivationScales,
  calibrate,
  type Calibration,
  findActivationScales,
  packWeights,
  prepareQat,
  quantizeFromCalibration,
  quantizeScaled,
} from "../../../src/compress/quantize/mod.ts";
import {
  FeatherdetError,
  type Graph,
  GraphIndex,
  inferTypes,
  type Node,
  verify,
  withNodes,
} from "../../../src/graph/mod.ts";
import { foldBatchNormalization } from "../../../src/passes/mod.ts";
import { yolo11 } from "../../../src/models/yolo11.ts";
import { yolo11Lite } from "../../../src/models/yolo11_lite.ts";
import { type ReferenceTensor, referenceTensor, runReference } from "../../../src/reference/run.ts";
import { lively } from "../../support/lively.ts";
import { randomTensor } from "../../support/random.ts";
import { ReferenceRunner } from "../../support/reference_runner.ts";
import { graphOf, node, PLAIN, weight } from "../../support/tiny_graph.ts";

const tiny = lively(yolo11({ width: 0.0625, depth: 0.3, size: 64, classes: 3 }));

const picture = (seed: number, size = 64) => randomTensor([1, 3, size, size], seed, 0, 1);
const imagesOf = (seed: number, size = 64) => ({ images: referenceTensor([1, 3, size, size], picture(seed, size)) });

const calibratedOn = (graph: Graph, float?: "yolo11" | "none"): Promise<Calibration> => {
  const [{ name, shape }] = graph.inputs;
  const sample = { name: "noise", inputs: { [name]: { shape, data: randomTensor(shape, 11, 0, 1) } } };
  return calibrate(graph, [sample], { runner: new ReferenceRunner(), float });
};

const named = (graph: Graph) => new Map(graph.nodes.map((node) => [node.name, node]));
const of = (graph: Graph, op: Node["op"]) => graph.nodes.filter((node) => node.op === op);

/** Greatest difference. */
function apart(a: ReferenceTensor, b: ReferenceTensor): number {
  assertEquals(a.shape, b.shape);
  return a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - b.data[i])), 0);
}

for (const [what, bits] of [["4bit", 4], ["ternary", 2], ["binary", 1]] as const) {
  for (const float of ["yolo11", "none"] as const) {
    Deno.test(`${what}, float ${float}: the convolutions of packWeights are rounded, and the forward pass is its own`, () => {
      const { graph, layers, values } = prepareQat(tiny, { bits, float });
      verify(graph);
      const { graph: packed, report } = packWeights(tiny, { bits, float, threshold: "twn" });
      assertEquals(layers, report.layers.filter(({ weights }) => weights === what).map(({ name }) => name));
      assertEquals(values, []);
      const nodes = named(graph), index = GraphIndex.of(graph);
      for (const layer of layers) {
        const rounding = index.producerOf(nodes.get(layer)!.inputs[1])!;
        assertEquals([rounding.op, rounding.attributes], ["FakeQuantizeWeights", { bits }]);
        assertEquals(rounding.inputs, [named(tiny).get(layer)!.inputs[1]], "the constant keeps its name");
      }
      assertEquals(of(graph, "FakeQuantizeWeights").length, layers.length);
      assertEquals([...graph.constants.keys()], [...tiny.constants.keys()]);
      assertEquals([graph.inputs, graph.outputs], [tiny.inputs, tiny.outputs]);
      const [found] = runReference(graph, imagesOf(5)).values();
      const [expected] = runReference(packed, imagesOf(5)).values();
      assertEquals(apart(found, expected), 0);
      // Folding multiplies a channel's weights by one number: what is exported folded computes the same, but for f32.
      const folded = packWeights(foldBatchNormalization(tiny), { bits, float, threshold: "twn" }).graph;
      const [exported] = runReference(folded, imagesOf(5)).values();
      assert(apart(exported, found) < 1e-3, `${apart(exported, found)} pixels`);
    });
  }
}

/** Made-up scales of all values there are, for what does not depend on them. */
function anyScales(graph: Graph): ActivationScales {
  const values = [...graph.inputs.map(({ name }) => name), ...graph.nodes.flatMap(({ outputs }) => outputs)];
  return new Map(values.map((value) => [value, { scale: 0.125, zeroPoint: -3 }]));
}

/** What a node reads: values by their names in the float model, and whether it reads the integers of it. */
function readings(graph: Graph, grid: (value: string) => boolean): Map<string, string[]> {
  const index = GraphIndex.of(graph);
  const read = (value: string): string => {
    const maker = index.producerOf(value);
    switch (maker?.op) {
      case "DequantizeLinear":
        return graph.constants.has(maker.inputs[0])
          ? "integers"
          : `${index.producerOf(maker.inputs[0])!.inputs[0]} in int8`;
      case "FakeQuantizeWeights":
        return "integers";
      case "FakeQuantize":
        return `${maker.inputs[0]} in int8`;
      default:
        return graph.constants.has(value) ? "floats" : grid(value) ? `${value} in int8` : value;
    }
  };
  // Biases are floats in training, and those that are folded have no counterpart.
  return new Map(
    graph.nodes.map(({ name, op, inputs }) => [name, (op === "Conv" ? inputs.slice(0, 2) : inputs).map(read)]),
  );
}

const HELPERS: ReadonlySet<Node["op"]> = new Set([
  "QuantizeLinear",
  "DequantizeLinear",
  "FakeQuantize",
  "FakeQuantizeWeights",
]);

for (
  const [what, model] of [
    ["YOLO11", tiny],
    ["YOLO11-Lite on MobileNetV3, gates", yolo11Lite({ backbone: "mobilenetv3-small", width: 0.1, size: 64 })],
  ] as const
) {
  for (const float of ["yolo11", "none"] as const) {
    Deno.test(`int8, ${what}, float ${float}: every node reads in int8 what it reads in int8 in the QDQ graph`, () => {
      const scales = anyScales(model);
      const { graph, layers, values } = prepareQat(model, { bits: 8, float, scales });
      verify(graph);
      const qdq = quantizeScaled(model, scales, { float });
      const stored = new Set(of(qdq, "QuantizeLinear").map(({ inputs }) => inputs[0]));
      assertEquals(of(graph, "FakeQuantize").map(({ inputs }) => inputs[0]).toSorted(), values.toSorted());
      assert(values.every((value) => stored.has(value)));
      const rest = new Set([...stored].filter((value) => !values.includes(value)));
      assert(rest.size > 0 && rest.size < stored.size, `${rest.size} of ${stored.size} follow from others`);
      const [expected, found] = [readings(qdq, () => false), readings(graph, (value) => rest.has(value))];
      const common = qdq.nodes.filter(({ op, name }) => !HELPERS.has(op) && found.has(name));
      assertEquals(common.length, qdq.nodes.filter(({ op }) => !HELPERS.has(op)).length);
      for (const { name } of common) assertEquals(found.get(name), expected.get(name), name);
      const rounded = common.filter(({ name }) => found.get(name)![1] === "integers").map(({ name }) => name);
      assertEquals(rounded, [...layers]);
    });
  }
}

Deno.test("int8: from the same integers, layers make what those of the QDQ graph make but for the rounding of biases", async () => {
  const calibrated = await calibratedOn(tiny, "yolo11");
  const scales = findActivationScales(calibrated);
  const { graph, values, layers } = prepareQat(tiny, { bits: 8, scales });
  const { graph: qdq, report } = quantizeFromCalibration(calibrated, { biasCorrection: false });
  assertEquals(layers, report.layers.filter(({ weights }) => weights !== null).map(({ name }) => name));
  for (
    const { inputs: [value], attributes: { scale, zeroPoint } } of of(graph, "FakeQuantize") as Node<"FakeQuantize">[]
  ) {
    const stored = report.stored.find(({ values }) => values.includes(value))!;
    assertEquals([scale, zeroPoint], [stored.scale, stored.zeroPoint], value);
  }
  const scaled = quantizeScaled(tiny, scales);
  const images = imagesOf(12);
  const keepAll = runReference(qdq, images, { keepAll: true });
  const output = qdq.outputs[0];
  assertEquals(runReference(scaled, images).get(output)!.data, keepAll.get(output)!.data);

  // A flipped integer would flip more behind it: so each layer is given the integers of the QDQ graph.
  const types = inferTypes(graph);
  const fakes = of(graph, "FakeQuantize");
  const backOf = new Map(of(qdq, "DequantizeLinear").map(({ inputs, outputs }) => [inputs[0], outputs[0]]));
  const integersOf = new Map(of(qdq, "QuantizeLinear").map(({ inputs, outputs }) => [inputs[0], outputs[0]]));
  const given = fakes.map(({ inputs: [value], outputs: [rounded] }) =>
    [rounded, keepAll.get(backOf.get(integersOf.get(value)!)!)!] as const
  );
  const cut = withNodes(
    {
      ...graph,
      inputs: [...graph.inputs, ...fakes.map(({ outputs: [name] }) => ({ name, ...types.get(name)! }))],
      outputs: [...values, ...report.stored.flatMap(({ values }) => values).filter((value) => !values.includes(value))],
    },
    graph.nodes.filter(({ op }) => op !== "FakeQuantize"),
  );
  const found = runReference(cut, { ...images, ...Object.fromEntries(given) });
  const index = GraphIndex.of(qdq), nodes = named(qdq);
  const layerOf = new Map(report.layers.map((layer) => [layer.output, layer]));
  let attention = 0, differing = 0;
  for (const value of values) {
    const layer = layerOf.get(value);
    const [a, b] = [found.get(value)!, keepAll.get(value)!];
    const most = b.data.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
    // Folded weights and biases are f32, as are scales; sums are float64.
    const inF32 = 1e-5 * most;
    const [, channels, height, width] = b.shape;
    // A bias is rounded to half a step of input scale x weight scale at most; the slope of SiLU is 1.1 at most.
    const steps = layer?.precision === "int8"
      ? qdq.constants.get(index.producerOf(nodes.get(layer.name)!.inputs[2])!.inputs[1])!.data
      : new Float32Array(channels);
    // Attention computes in float from what such a layer makes, and no one number bounds its slope.
    const inFloat = value.endsWith("attn.add") ? scales.get(value)!.scale / 100 : 0;
    if (inFloat > 0) attention++;
    a.data.forEach((each, i) => {
      const off = Math.abs(each - b.data[i]);
      const bound = 1.1 * steps[Math.floor(i / (height * width)) % channels] / 2 + inF32 + inFloat;
      assert(off <= bound, `${value} of ${layer?.name}: ${each} and ${b.data[i]} differ by more than ${bound}`);
      if (off > inF32) differing++;
    });
  }
  assertEquals(attention, 1);
  assert(differing > 0, "the rounding of biases is seen");
  for (const value of found.keys()) {
    if (values.includes(value)) continue;
    const affine = scales.get(value)!;
    assert(found.get(value)!.data.every((each) => Math.fround(throughInt8(each, affine)) === Math.fround(each)), value);
  }
});

/** Two convolutions of one weight and a third, on an input that only convolutions read. */
function shared(): Graph {
  const conv = (input: string, by: string, output: string) =>
    node("Conv", [input, by], [output], { ...PLAIN, groups: 1 });
  const add = node("Add", ["b", "c"], ["sum"], {});
  return graphOf({ x: [1, 4, 3, 5] }, ["sum"], [
    conv("x", "w", "a"),
    conv("a", "w", "b"),
    conv("a", "v", "c"),
    add,
  ], { w: weight([4, 4, 1, 1], 3), v: weight([4, 4, 1, 1], 4) });
}

Deno.test("a weight that several convolutions share is rounded once; what they read of the input is rounded where it comes in", async () => {
  const graph = shared();
  const low = prepareQat(graph, { bits: 1, float: "none" });
  assertEquals([of(low.graph, "FakeQuantizeWeights").length, low.layers], [2, ["make_a", "make_b", "make_c"]]);
  // In int8 each convolution has its own form: one that is in float reads the float weight.
  const scales = findActivationScales(await calibratedOn(graph, "none"), { float: "none" });
  const float = ({ name }: Node) => name === "make_b";
  const mixed = prepareQat(graph, { bits: 8, float, scales });
  const nodes = named(mixed.graph);
  assertEquals(mixed.layers, ["make_a", "make_c"]);
  assertEquals(nodes.get("make_b")!.inputs, ["a/rounded", "w"]);
  assertEquals(nodes.get("make_a")!.inputs, ["x/rounded", "w/rounded"]);
  assertEquals(mixed.values, ["x", "a"]);
  const { scale, zeroPoint } = scales.get("x")!;
  const { low: least, high: most } = rangeOf({ scale, zeroPoint });
  const x = referenceTensor([1, 4, 3, 5], randomTensor([1, 4, 3, 5], 2, least, most));
  const integers = { shape: x.shape, data: x.data.map((each) => throughInt8(each, { scale, zeroPoint })) };
  const found = runReference({ ...mixed.graph, outputs: ["a"] }, { x }).get("a")!;
  assert(apart(found, runReference({ ...low8(graph), outputs: ["a"] }, { x: integers }).get("a")!) < 1e-6);
});

/** The graph with weights as int8 gives them back, worked out here. */
function low8(graph: Graph): Graph {
  const constants = new Map([...graph.constants].map(([name, { shape, data }]) => {
    const size = data.length / shape[0];
    const scaleOf = (i: number) =>
      Math.max(...Array.from(data.slice(Math.floor(i / size) * size, (Math.floor(i / size) + 1) * size), Math.abs)) /
      127;
    const rounded = Float32Array.from(data, (each, i) => Math.round(each / scaleOf(i)) * scaleOf(i));
    return [name, { dtype: "f32", shape, data: rounded }] as const;
  }));
  return { ...graph, constants };
}

Deno.test("what cannot be trained so is refused in one sentence", () => {
  const refused = (run: () => unknown, text: string) => assertThrows(run, FeatherdetError, text);
  const { graph } = prepareQat(tiny, { bits: 2 });
  const packed = packWeights(tiny, { bits: 2 }).graph;
  for (const model of [graph, packed]) {
    refused(() => prepareQat(model, { bits: 1 }), "the model is quantized already");
  }
  refused(() => prepareQat(tiny, { bits: 8 }), "training in int8 needs scales of activations");
  const scales = new Map([...anyScales(tiny)].filter(([value]) => value !== "model.4.cv2.act"));
  for (const run of [() => prepareQat(tiny, { bits: 8, scales }), () => quantizeScaled(tiny, scales)]) {
    refused(run, 'there is no scale for the value "model.4.cv2.act"');
  }
  refused(() => prepareQat(tiny, { bits: 8, scales, float: () => true }), "nothing is rounded");
  refused(() => prepareQat(tiny, { bits: 2, float: () => true }), "all stay in float");
  const product = graphOf({ x: [2, 3] }, ["y"], [node("MatMul", ["x", "w"], ["y"], {})], { w: weight([3, 4]) });
  refused(
    () => prepareQat(product, { bits: 8, float: "none", scales: anyScales(product) }),
    'MatMul "make_y": only weights of convolutions can be trained in int8',
  );
});
