/** Ternary and binary weights: the best levels and scales, packing, sizes, what computes with them, and their way through ONNX. */

import { historyOf } from "../../../src/compress/history.ts";
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "node:path";
import {
  binaryChannel,
  fourBitChannel,
  optimalThreshold,
  packWeights,
  ternaryChannel,
  twnThreshold,
} from "../../../src/compress/quantize/mod.ts";
import {
  analyze,
  FeatherdetError,
  type Graph,
  type Node,
  packLevels,
  unpackLevels,
  verify,
  type WeightBits,
} from "../../../src/graph/mod.ts";
import { demoDetector } from "../../../src/models/demo_detector.ts";
import { yolo11 } from "../../../src/models/yolo11.ts";
import { importOnnx, loadOnnx, saveOnnx } from "../../../src/onnx/mod.ts";
import { changeShapes } from "../../../src/passes/mod.ts";
import { schema } from "../../../src/onnx/proto.ts";
import { referenceTensor, runReference } from "../../../src/reference/run.ts";
import { assertRefused, commandLine, commandLines } from "../../support/command_line.ts";
import { inFolder } from "../../support/data_folders.ts";
import { gpuTest } from "../../support/gpu.ts";
import { comparePlan } from "../../support/plan_case.ts";
import { randomTensor, seededRandom } from "../../support/random.ts";
import { graphOf, node, PLAIN, weight } from "../../support/tiny_graph.ts";

/** Least square error of weights whose levels are all those of `choices`, each with its own best scale. */
function leastError(values: readonly number[], choices: readonly number[]): number {
  const count = choices.length ** values.length;
  const signal = values.reduce((sum, value) => sum + value * value, 0);
  let least = signal;
  for (let code = 0; code < count; code++) {
    let along = 0, power = 0, rest = code;
    for (const value of values) {
      const level = choices[rest % choices.length];
      rest = Math.floor(rest / choices.length);
      along += level * value;
      power += level * level;
    }
    if (power > 0) least = Math.min(least, signal - along * along / power);
  }
  return least;
}

function errorOf(values: readonly number[], { levels, scale }: { levels: Int8Array; scale: number }): number {
  return values.reduce((sum, value, i) => sum + (value - levels[i] * scale) ** 2, 0);
}

/** Small channels: of every length, with equal weights, with zeros, one that is much larger than the others. */
const CHANNELS: readonly (readonly number[])[] = [
  ...Array.from({ length: 9 }, (_, i) => Array.from(randomTensor([i + 1], 60 + i))),
  [0.5, -0.5, 0.5, 0.25, -0.25, 0.25, 0.125],
  [1, -1, 1, 1],
  [0, 0, 0.75, 0, -0.5],
  [0, 0, 0],
  [0.01, -0.02, 8, 0.03, 0.015, -0.01],
];

Deno.test("ternary levels and scales have the least error of all that there are", () => {
  for (const values of CHANNELS) {
    const channel = ternaryChannel(values);
    const least = leastError(values, [-1, 0, 1]);
    assertAlmostEquals(errorOf(values, channel), least, 1e-6, String(values));
    assert(channel.scale >= 0 && channel.scale === Math.fround(channel.scale));
    const byRule = errorOf(values, ternaryChannel(values, twnThreshold(values)));
    assert(byRule >= least - 1e-6, "the paper's rule cannot be better");
  }
  const worse = CHANNELS.filter((values) =>
    errorOf(values, ternaryChannel(values, twnThreshold(values))) >
      1.001 * errorOf(values, ternaryChannel(values)) + 1e-9
  );
  assert(worse.length > 0, `the search brings something on ${worse.length} channels`);
});

Deno.test("binary levels are the signs, and have the least error too", () => {
  for (const values of CHANNELS) {
    const channel = binaryChannel(values);
    assertEquals([...channel.levels], values.map((value) => value < 0 ? -1 : 1));
    assertAlmostEquals(errorOf(values, channel), leastError(values, [-1, 1]), 1e-6, String(values));
  }
});

Deno.test("four bits: levels and scale by hand, and of normal weights the error that is known", () => {
  assertEquals(fourBitChannel([7, -3, 0.25, 2]), { levels: Int8Array.of(7, -3, 0, 2), scale: 1 });
  assertEquals(fourBitChannel([0, -0]), { levels: Int8Array.of(0, 0), scale: 0 });
  assertEquals(fourBitChannel([-0.875]), { levels: Int8Array.of(-7), scale: 0.125 });
  const random = seededRandom(3);
  const normal = Array.from({ length: 20_000 }, () => {
    return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  });
  const found = errorOf(normal, fourBitChannel(normal)) / normal.length;
  // Max 1960: 16 levels at equal distances leave 0.01154 of the power of normal weights, 14 levels 0.01466 (here there are 15).
  assert(found > 0.0113 && found < 0.0147, `${found}`);
  // No scale of a finer search is much better.
  for (let step = 100; step < 1000; step++) {
    const scale = step / 1000;
    const levels = Int8Array.from(normal, (value) => Math.min(7, Math.max(-7, Math.round(value / scale))));
    assert(errorOf(normal, { levels, scale }) / normal.length > found / 1.01, `${scale}`);
  }
});

Deno.test("a weight at the threshold is zero, and no part of the scale", () => {
  assertEquals(ternaryChannel([1, -2, 3, -5], 2), { levels: Int8Array.of(0, 0, 1, -1), scale: 4 });
  assertEquals(ternaryChannel([2, -2], 2), { levels: Int8Array.of(0, 0), scale: 0 });
});

Deno.test("the thresholds: by hand, and of normal weights where the paper says", () => {
  assertAlmostEquals(twnThreshold([1, -2, 3]), 1.4, 1e-12);
  // Kept: 8 alone, a gain of 64; with 3, 121 / 2; so the threshold lies between them.
  assertEquals(optimalThreshold([3, -8, 1]), 5.5);
  assertEquals(optimalThreshold([0, 0]), 0);
  const random = seededRandom(3);
  const normal = Array.from({ length: 40_000 }, () => {
    return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  });
  // The least error of a normal distribution cuts at 0.6120 of its deviation, 0.767 of the mean of sizes (Max 1960, three levels).
  assertAlmostEquals(optimalThreshold(normal), 0.612, 0.02);
});

Deno.test("levels come back from bytes, whatever their number", () => {
  assertEquals([...packLevels(2, [1, -1, 0, 1, 1])], [0b10_01_00_10, 0b10]);
  assertEquals([...packLevels(1, [1, -1, -1, 1, 1, -1, 1, -1, 1])], [0b0101_1001, 1]);
  const random = seededRandom(1);
  // Two's complement, the first weight in the low half, as ONNX packs INT4.
  assertEquals([...packLevels(4, [1, -1, -7, 7, 0, -8])], [0xf1, 0x79, 0x80]);
  for (const bits of [1, 2, 4] as const) {
    const known = bits === 1 ? [-1, 1] : bits === 2 ? [-1, 0, 1] : Array.from({ length: 16 }, (_, i) => i - 8);
    for (let count = 0; count < 40; count++) {
      const levels = Array.from({ length: count }, () => known[Math.floor(random() * known.length)]);
      const packed = packLevels(bits, levels);
      assertEquals(packed.length, Math.ceil(count * bits / 8));
      assertEquals([...unpackLevels(bits, packed, count)], levels);
    }
  }
  assertThrows(() => packLevels(1, [1, 0]), FeatherdetError, "0 at index 1 is no weight of 1 bits");
  assertThrows(() => packLevels(4, [8]), FeatherdetError, "8 at index 0 is no weight of 4 bits");
  assertThrows(() => packLevels(2, [NaN]), FeatherdetError, "NaN at index 0");
});

Deno.test("the convolutions of YOLO11n take an eighth in four bits, a fifteenth in ternary, half of that in binary", () => {
  const graph = yolo11({ size: 64 });
  const floats = analyze(graph).bytes;
  for (const [bits, most] of [[4, 1 / 7.8], [2, 1 / 15], [1, 1 / 28]] as const) {
    const { graph: made, report } = packWeights(graph, { bits });
    verify(made);
    for (const { shape, bytes, weights } of report.layers) {
      const count = shape.reduce((product, extent) => product * extent, 1);
      const after = weights === "float" ? 4 * count : Math.ceil(count * bits / 8) + 4 * shape[0];
      assertEquals(bytes, { before: 4 * count, after });
    }
    const packed = report.layers.filter(({ weights }) => weights !== "float");
    const total = (which: "before" | "after") => packed.reduce((sum, { bytes }) => sum + bytes[which], 0);
    assertEquals(report.packed, {
      before: total("before"),
      after: total("after"),
      ratio: total("after") / total("before"),
    });
    assert(report.packed.ratio <= most, `${report.packed.ratio}`);
    assertEquals([report.packedLayers, report.floatLayers, report.bits], [
      packed.length,
      report.layers.length - packed.length,
      bits,
    ]);
    assertEquals(report.model.before, floats);
    assertEquals(report.model.after, floats - total("before") + total("after"));
    // The file has little more than what is stored.
    const tables = [...made.constants.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
    assert(saveOnnx(made).length < tables + 500 * made.nodes.length);
  }
});

const PADDED = { ...PLAIN, pads: [1, 1, 1, 1], groups: 1 } as const;

/** Two convolutions, of which the second shares nothing, with odd numbers of weights. */
function twoConvolutions(): Graph {
  return graphOf({ x: [2, 3, 13, 7] }, ["y"], [
    node("Conv", ["x", "w1", "b1"], ["a"], PADDED),
    node("Relu", ["a"], ["r"], {}),
    node("Conv", ["r", "w2"], ["y"], { ...PLAIN, groups: 1 }),
  ], { w1: weight([5, 3, 3, 3], 1), b1: weight([5], 2), w2: weight([127, 5, 1, 1], 3) });
}

/** The graph with the weights that packing leaves, as floats. */
function withLevels(graph: Graph, bits: WeightBits): Graph {
  const constants = new Map(graph.constants);
  for (const { op, inputs } of graph.nodes) {
    if (op !== "Conv") continue;
    const { shape, data } = graph.constants.get(inputs[1])!;
    const size = data.length / shape[0];
    const rounded = Array.from({ length: shape[0] }, (_, output) => {
      const values = data.subarray(output * size, (output + 1) * size);
      const { levels, scale } = bits === 4
        ? fourBitChannel(values)
        : bits === 1
        ? binaryChannel(values)
        : ternaryChannel(values);
      return Array.from(levels, (level) => level * scale);
    });
    constants.set(inputs[1], { dtype: "f32", shape, data: Float32Array.from(rounded.flat()) });
  }
  return { ...graph, constants };
}

for (const bits of [4, 2, 1] as const) {
  Deno.test(`${bits} bits: the reference computes what the levels and scales say, bit for bit`, () => {
    const graph = twoConvolutions();
    const { graph: packed, report } = packWeights(graph, { bits, float: "none" });
    const x = { x: referenceTensor([2, 3, 13, 7], randomTensor([2, 3, 13, 7], 9)) };
    const [found, expected] = [packed, withLevels(graph, bits)].map((each) => runReference(each, x).get("y")!);
    assertEquals(found.shape, expected.shape);
    assert(found.data.every((value, i) => value === expected.data[i]));
    // 10 log10 of the power of the weights over that of what changed.
    const [before, after] = [graph, withLevels(graph, bits)].map(({ constants }) => constants.get("w2")!.data);
    let signal = 0, noise = 0;
    for (let i = 0; i < before.length; i++) {
      signal += before[i] ** 2;
      noise += (before[i] - after[i]) ** 2;
    }
    assertAlmostEquals(report.layers[1].sqnr!, 10 * Math.log10(signal / noise), 1e-9);
    assertEquals(report.layers[1].zeros, Array.from(after).filter((value) => value === 0).length / after.length);
  });

  gpuTest(`${bits} bits: a session computes it in the dispatches of the float model`, async () => {
    const { graph } = packWeights(twoConvolutions(), { bits, float: "none" });
    const steps = await comparePlan(graph);
    assertEquals(steps.operators, (await comparePlan(twoConvolutions())).operators);
    assertEquals(steps.operators.filter((name) => name.includes("Unpack")), []);
  });

  Deno.test(`${bits} bits: written and read again, the graph is the same`, () => {
    for (const float of ["none", "yolo11"] as const) {
      const { graph } = packWeights(demoDetector({ size: 64 }), { bits, float });
      const again = importOnnx(saveOnnx(graph));
      const kept = (each: Graph) => each.nodes.filter(({ op }) => op === "UnpackWeights");
      assertEquals(kept(again), kept(graph));
      for (const { inputs } of kept(graph)) {
        for (const name of inputs) assertEquals(again.constants.get(name), graph.constants.get(name));
      }
    }
    const { graph } = packWeights(twoConvolutions(), { bits, float: "none" });
    assertEquals(importOnnx(saveOnnx(graph)), graph);
  });
}

Deno.test("packed weights follow a change of the input size", () => {
  const { graph } = packWeights(demoDetector({ size: 96 }), { bits: 2 });
  const small = importOnnx(saveOnnx(changeShapes(graph, { images: [1, 3, 64, 64] })));
  const expected = packWeights(demoDetector({ size: 64 }), { bits: 2 }).graph;
  const unpacking = (each: Graph) => each.nodes.filter(({ op }) => op === "UnpackWeights");
  assertEquals(unpacking(small), unpacking(expected));
});

/** The file of packed weights after somebody has changed it. */
function tampered(
  change: (nodes: Map<string, { input?: string[] | null }>, proto: { [name: string]: unknown }) => void,
) {
  const { graph } = packWeights(twoConvolutions(), { bits: 2, float: "none" });
  const model = schema.ModelProto.decode(saveOnnx(graph));
  const nodes = new Map(model.graph!.node!.map((each) => [`${each.opType} ${each.output![0]}`, each]));
  change(nodes, model.graph as unknown as { [name: string]: unknown });
  return { graph, file: schema.ModelProto.encode(model).finish().slice() };
}

Deno.test("what only looks like packed weights is read as the floats that it makes", () => {
  // A table with other levels: 1 becomes 3.
  const { graph, file } = tampered((_, proto) => {
    const table = (proto.initializer as { name: string; rawData: Uint8Array }[]).find(({ name }) =>
      name.startsWith("levels")
    )!;
    const levels = new Float32Array(table.rawData.slice().buffer);
    table.rawData = new Uint8Array(levels.map((level) => level === 1 ? 3 : level).buffer);
  });
  const read = importOnnx(file);
  assertEquals(read.nodes.map(({ op }) => op), ["Conv", "Relu", "Conv"]);
  const unpack = graph.nodes.find((each): each is Node<"UnpackWeights"> => each.op === "UnpackWeights")!;
  const scales = graph.constants.get(unpack.inputs[1])!.data;
  const levels = unpackLevels(2, graph.constants.get(unpack.inputs[0])!.data, 135);
  const expected = Float32Array.from(levels, (level, i) => (level === 1 ? 3 : level) * scales[Math.floor(i / 27)]);
  assertEquals([...read.constants.get(read.nodes[0].inputs[1])!.data], [...expected]);

  // Somebody else reads the table's answer: it is still there, and the weights are still packed.
  const shared = tampered((nodes, proto) => {
    const gather = [...nodes.keys()].find((name) => name.startsWith("Gather"))!.slice("Gather ".length);
    const list = proto.node as object[];
    list.push({ opType: "Slice", input: [gather, ...slicing(nodes)], output: ["more"] });
    (proto.output as object[]).push({ name: "more" });
  });
  const both = importOnnx(shared.file);
  assertEquals(both.nodes.filter(({ op }) => op === "UnpackWeights").length, 2);
  assertEquals(both.outputs, ["y", "more"]);
});

/** The bounds of the one Slice of a file; they take all of a list of 135 rows, here of 34. */
function slicing(nodes: ReadonlyMap<string, { input?: string[] | null }>): string[] {
  const [, slice] = [...nodes].find(([name]) => name.startsWith("Slice"))!;
  return slice.input!.slice(1);
}

Deno.test("a packed model counts its weights once, in the bytes that they take, and their bits", () => {
  const { graph } = packWeights(twoConvolutions(), { bits: 2, float: "none" });
  const [before, after] = [analyze(twoConvolutions()), analyze(graph, { zeros: true })];
  assertEquals([after.parameters, after.weightLayers, after.flops], [before.parameters, 2, before.flops]);
  // 135 and 635 weights, a scale for each of 5 and 127 outputs, 5 biases.
  assertEquals(after.bytes, 34 + 4 * 5 + 159 + 4 * 127 + 4 * 5);
  const macs = [2 * 5 * 13 * 7 * 27, 2 * 127 * 13 * 7 * 5];
  assertEquals(after.bitOperations, (macs[0] + macs[1]) * 2 * 32);
  assertEquals(analyze(graph, { floatBits: 16 }).bitOperations, (macs[0] + macs[1]) * 2 * 16);
  const rounded = analyze(withLevels(twoConvolutions(), 2), { zeros: true });
  assertEquals([after.zeros, after.weightElements], [rounded.zeros, 770]);
  assert(after.zeros > 100 && after.zeros < 600, `${after.zeros}`);
});

Deno.test("the preset keeps first, last, depthwise and DFL in float; others are asked for by name, or not at all", () => {
  const graph = demoDetector({ size: 64 });
  const reasons = (float: Parameters<typeof packWeights>[1]["float"]) => {
    const { layers } = packWeights(graph, { bits: 2, float }).report;
    return new Map(layers.map(({ name, reason }) => [name, reason]));
  };
  const preset = reasons(undefined);
  const named = (reason: string) => [...preset].filter((entry) => entry[1] === reason).map(([name]) => name);
  assertEquals(named("first layer"), ["model.0/conv"]);
  assertEquals(named("expectation over a softmax (DFL)"), ["model.7/dfl/Conv"]);
  assertEquals(named("last layer before decoding").length, 6);
  const depthwise = graph.nodes.filter(({ op, attributes }) =>
    op === "Conv" && (attributes as { groups: number }).groups > 1
  );
  assertEquals(named("depthwise"), depthwise.map(({ name }) => name));
  assertEquals(new Set(reasons("none").values()), new Set([null]));
  const chosen = reasons(({ name }) => name !== "model.1/conv");
  assertEquals([...chosen].filter(([, reason]) => reason === null), [["model.1/conv", null]]);
});

Deno.test("a weight that several convolutions share is packed once, or not at all", () => {
  const shared = (second: string) =>
    graphOf({ x: [1, 3, 5, 5] }, ["y", "z"], [
      node("Conv", ["x", "w"], ["y"], PADDED),
      node("Conv", ["x", "w"], ["z"], PADDED),
      ...second === "" ? [] : [node("Relu", [second], ["v"], {})],
    ], { w: weight([4, 3, 3, 3]) });
  const { graph, report } = packWeights(shared(""), { bits: 1, float: "none" });
  verify(graph);
  assertEquals(graph.nodes.map(({ op }) => op), ["UnpackWeights", "Conv", "Conv"]);
  assertEquals([report.packedLayers, report.packed.before, report.packed.after], [2, 4 * 108, 14 + 16]);
  const isOne = ({ name }: Node) => name === "make_y";
  assertThrows(() => packWeights(shared(""), { bits: 1, float: isOne }), FeatherdetError, "all stay in float");
  const withRelu = { ...shared("w"), outputs: ["y", "z", "v"] };
  assertThrows(() => packWeights(withRelu, { bits: 1, float: "none" }), FeatherdetError, "all stay in float");
});

Deno.test("what cannot be packed is refused in a sentence", () => {
  const graph = twoConvolutions();
  assertThrows(
    () => packWeights(graph, { bits: 3 as 2 }),
    FeatherdetError,
    "weights of 3 bits were asked for; there are 1, 2 and 4",
  );
  assertThrows(
    () => packWeights(graph, { bits: 2, float: () => true }),
    FeatherdetError,
    'none of the 2 convolutions of graph "tiny" can have weights of two bits',
  );
  const bare = graphOf({ x: [1, 1, 2, 2] }, ["y"], [node("Relu", ["x"], ["y"], {})]);
  assertThrows(
    () => packWeights(bare, { bits: 1 }),
    FeatherdetError,
    'graph "tiny" has no convolution whose weights could have one bit',
  );
  const broken = new Map(graph.constants).set("w1", { ...weight([5, 3, 3, 3]), data: new Float32Array(135).fill(NaN) });
  assertThrows(
    () => packWeights({ ...graph, constants: broken }, { bits: 2, float: "none" }),
    FeatherdetError,
    'Conv "make_a": weight "w1" holds numbers that are not finite',
  );
  const unpack = (bytes: number, scales: number, attributes: { bits: 1 | 2 | 4; shape: number[] }) => () =>
    verify(graphOf({ x: [1, 1] }, ["w"], [node("UnpackWeights", ["p", "s"], ["w"], attributes)], {
      p: { dtype: "u8", shape: [bytes], data: new Uint8Array(bytes) },
      s: weight([scales]),
    }));
  unpack(2, 3, { bits: 2, shape: [3, 2] })();
  assertThrows(
    unpack(3, 3, { bits: 2, shape: [3, 2] }),
    FeatherdetError,
    "packed weights [3] must be [2] for 2 bits of [3,2]",
  );
  assertThrows(unpack(2, 2, { bits: 2, shape: [3, 2] }), FeatherdetError, "scale must be [3] but is [2]");
  assertThrows(unpack(2, 3, { bits: 3 as 2, shape: [3, 2] }), FeatherdetError, "weights of 3 bits are not known");
  assertThrows(unpack(1, 1, { bits: 1, shape: [] }), FeatherdetError, "weights need an axis of output channels");
});

gpuTest(
  "quantize --weights 4bit --rounding reconstructed learns on pictures and says what it brought",
  () =>
    inFolder(async (folder) => {
      const out = join(folder, "four.onnx");
      const names = demoDetector({ size: 64 }).nodes.filter(({ op }) => op === "Conv").map(({ name }) => name);
      const float = names.filter((name) => name !== "model.1/conv").join(",");
      const quantize = [
        ...["quantize", "--model", "demo", "--size", "64", "--weights", "4bit", "--json"],
        ...["--rounding", "reconstructed", "--rounding-steps", "1", "--float", float, "--out", out],
      ];
      const [bare, { code, stdout, stderr }] = await commandLines([
        quantize,
        [...quantize, "--calibrate", "synthetic", "--limit", "2"],
      ]);
      assertRefused(bare, /--rounding reconstructed needs pictures that it learns from: --calibrate/);
      assertEquals(code, 0, stderr);
      const { layers, report: { rounding }, quantization } = JSON.parse(stdout);
      assertEquals([rounding.samples, rounding.layers.length, layers, quantization.rounding], [
        2,
        1,
        1,
        "reconstructed",
      ]);
      const graph = await loadOnnx(out);
      assertEquals(graph.nodes.filter(({ op }) => op === "UnpackWeights").length, 1);
      assertEquals(historyOf(graph).map(({ name, options }) => [name, options.steps ?? options.weights]), [
        ["reconstruct", 1],
        ["packWeights", "4bit"],
      ]);
    }),
);

Deno.test("quantize --weights ternary writes the packed file and says what to expect of it", () =>
  inFolder(async (folder) => {
    const out = join(folder, "ternary.onnx");
    const args = ["quantize", "--model", "demo", "--size", "64", "--weights", "ternary", "--out", out, "--json"];
    const { code, stdout: text, stderr: notes } = await commandLine(args);
    assertEquals(code, 0, notes);
    const { bytes, layers, report, file, quantization } = JSON.parse(text);
    assertStringIncludes(notes, "without training");
    assertEquals([bytes, layers, quantization.weights], [report.model.after, report.packedLayers, "ternary"]);
    assertEquals(file.bytes, (await Deno.stat(out)).size);
    const graph = await loadOnnx(out);
    assertEquals(graph.nodes.filter(({ op }) => op === "UnpackWeights").length, layers);
    const [{ name, options }] = historyOf(graph);
    assertEquals([name, options], ["packWeights", { weights: "ternary", float: "yolo11", threshold: "optimal" }]);
  }));
