/** Quantization after training: where int8 begins and ends, what the result computes, the report, and bad calibration. */

import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { CalibrationSample, CalibrationSamples } from "../../../src/compress/quantize/calibrate.ts";
import {
  calibrate,
  measureSensitivity,
  packWeights,
  quantize,
  quantizeFromCalibration,
  type QuantizeOptions,
  type QuantizeReport,
  type SchemeOptions,
} from "../../../src/compress/quantize/mod.ts";
import { FidelityMeter } from "../../../src/compress/quantize/fidelity.ts";
import type { ObserverName } from "../../../src/compress/quantize/observers/mod.ts";
import { FeatherdetError, type Graph, inferTypes, verify } from "../../../src/graph/mod.ts";
import { foldBatchNormalization } from "../../../src/passes/mod.ts";
import { ModelBuilder } from "../../../src/models/builder.ts";
import { yolo11 } from "../../../src/models/yolo11.ts";
import { saveOnnx } from "../../../src/onnx/mod.ts";
import { lively } from "../../support/lively.ts";
import { randomTensor } from "../../support/random.ts";
import { ReferenceRunner } from "../../support/reference_runner.ts";

const SIDE = 12;

/**
 * A small network with everything that int8 passes through: a first layer, halves of a map, a residual sum, a Concat, pooling, a
 * resized map, a depthwise layer, a last layer.
 */
function network(): Graph {
  const b = new ModelBuilder({ seed: 3 });
  const stem = b.convBlock("stem", b.input("images", [1, 3, SIDE, SIDE]), { out: 8, kernel: 3 });
  const [left, right] = b.split("cut", b.convBlock("wide", stem, { out: 8 }), [4, 4]);
  const inner = b.convBlock("inner", right, { out: 8, kernel: 3 });
  const sum = b.add("sum", right, b.convBlock("outer", inner, { out: 4, kernel: 3 }));
  const joint = b.convBlock("joint", b.concat("cat", [left, right, sum]), { out: 8 });
  const pooled = b.maxPool("pool", joint, { kernel: 2 });
  const small = b.convBlock("small", pooled, { out: 8, kernel: 3, groups: 8 });
  const large = b.upsample("up", small);
  const mixed = b.convBlock("mixed", b.concat("cat2", [large, joint]), { out: 8 });
  const last = b.conv("last", mixed, { out: 5 });
  return lively(b.graph("network", [last]), 4);
}

const NETWORK = network();

function sampleOf(seed: number, { side = SIDE, low = 0, high = 1 } = {}): CalibrationSample {
  const shape = [1, 3, side, side];
  return { name: `picture ${seed}`, inputs: { images: { shape, data: randomTensor(shape, seed, low, high) } } };
}

const SAMPLES = Array.from({ length: 16 }, (_, i) => sampleOf(i + 1));

/** Options with a runner of their own. */
function over(options: Omit<QuantizeOptions, "runner"> = {}): QuantizeOptions & { runner: ReferenceRunner } {
  return { ...options, runner: new ReferenceRunner() };
}

/** 10 log10 of signal over noise, over some fresh pictures. */
async function outputRatio(graph: Graph, other: Graph): Promise<number> {
  const runner = new ReferenceRunner();
  let signal = 0, noise = 0;
  for (let seed = 100; seed < 103; seed++) {
    const { inputs } = sampleOf(seed);
    const [a, b] = [await runner.run(graph, inputs), await runner.run(other, inputs)];
    for (const name of graph.outputs) {
      a[name].data.forEach((value, i) => {
        signal += value ** 2;
        noise += (value - b[name].data[i]) ** 2;
      });
    }
  }
  return 10 * Math.log10(signal / noise);
}

const makerOf = (graph: Graph, value: string) => graph.nodes.find(({ outputs }) => outputs.includes(value));
const readersOf = (graph: Graph, value: string) => graph.nodes.filter(({ inputs }) => inputs.includes(value));

const { graph: QUANTIZED, report: REPORT } = await quantize(NETWORK, SAMPLES, over());

Deno.test("every stored value has one pair, every int8 layer reads int8, integer weights and an integer bias", () => {
  verify(QUANTIZED);
  const pairs = QUANTIZED.nodes.filter(({ op }) => op === "QuantizeLinear");
  assertEquals(pairs.map(({ inputs }) => inputs[0]), [
    "stem.act",
    "wide.act",
    "cut.0",
    "cut.1",
    "inner.act",
    "sum",
    "cat",
    "joint.act",
    "pool",
    "small.act",
    "up",
    "cat2",
  ]);
  for (const { outputs } of pairs) {
    const [back, ...others] = readersOf(QUANTIZED, outputs[0]);
    assertEquals([back.op, others.length], ["DequantizeLinear", 0]);
  }
  for (const layer of REPORT.layers.filter(({ precision }) => precision === "int8")) {
    const node = QUANTIZED.nodes.find(({ name }) => name === layer.name)!;
    const types = node.inputs.map((value) => {
      const maker = makerOf(QUANTIZED, value)!;
      assertEquals(maker.op, "DequantizeLinear");
      const integer = QUANTIZED.constants.get(maker.inputs[0]);
      return integer?.dtype ?? inferTypes(QUANTIZED).get(maker.inputs[0])!.dtype;
    });
    assertEquals(types, ["i8", "i8", "i32"], layer.name);
    // Sums of products are in steps of the one scale times the other: that is what the bias has to be in.
    const scales = node.inputs.map((value) => QUANTIZED.constants.get(makerOf(QUANTIZED, value)!.inputs[1])!.data);
    assertEquals([...scales[2]], [...scales[1]].map((scale) => Math.fround(scale * scales[0][0])), layer.name);
  }
});

Deno.test("first and last layer stay in float, and between int8 layers nothing is float but what a kernel computes", () => {
  assertEquals(
    REPORT.layers.filter(({ precision }) => precision === "float").map(({ name, reason }) => [name, reason]),
    [
      ["stem.conv", "first layer"],
      ["last", "last layer before decoding"],
    ],
  );
  assertEquals([REPORT.int8Layers, REPORT.floatLayers], [6, 2]);
  assertEquals(
    REPORT.layers.map(({ operator, storesInt8 }) => [operator, storesInt8]),
    [
      ["Conv+Silu", false],
      ["Conv+Silu", true],
      ["Conv+Silu", true],
      ["Conv+Silu+Add", true],
      ["Conv+Silu", true],
      ["Conv+Silu", true],
      ["Conv+Silu", false],
      ["Conv", false],
    ],
  );
  // The layer before the last leaves its result in float: nothing that computes in int8 reads it.
  const last = QUANTIZED.nodes.find(({ name }) => name === "last")!;
  assertEquals(makerOf(QUANTIZED, last.inputs[0])!.op, "Silu");
});

Deno.test("what is moved keeps its scale: halves, sums and pools around a Concat, unless they are kept apart", async () => {
  const setsOf = ({ stored }: QuantizeReport) => stored.map(({ values }) => values.join(" "));
  assertEquals(setsOf(REPORT), [
    "stem.act",
    "wide.act cut.0 cut.1 sum cat",
    "inner.act",
    "joint.act pool small.act up cat2",
  ]);
  const { report } = await quantize(NETWORK, SAMPLES, over({ joins: "apart" }));
  assertEquals(setsOf(report), [
    "stem.act",
    "wide.act cut.0 cut.1",
    "inner.act",
    "sum",
    "cat",
    "joint.act pool",
    "small.act up",
    "cat2",
  ]);
  // The whole of a Concat needs the range of all its parts.
  const cat = report.stored.find(({ values }) => values[0] === "cat")!;
  const parts = report.stored.filter(({ values }) => ["wide.act", "sum"].includes(values[0]));
  assertEquals(cat.seen, [
    Math.min(...parts.map(({ seen }) => seen[0])),
    Math.max(...parts.map(({ seen }) => seen[1])),
  ]);
});

Deno.test("float none: every layer in int8, the picture and what each layer makes too", async () => {
  const { graph, report } = await quantize(NETWORK, SAMPLES, over({ float: "none" }));
  assertEquals([report.int8Layers, report.floatLayers], [8, 0]);
  assertEquals(report.stored[0].values, ["images"]);
  assert(report.stored.some(({ values }) => values.includes("mixed.act")));
  assert(await outputRatio(NETWORK, graph) > 20);
});

Deno.test("float by a function: a float part between int8 layers is fed and read in float", async () => {
  const { graph, report } = await quantize(NETWORK, SAMPLES, over({ float: ({ name }) => name === "joint.conv" }));
  assertEquals(report.layers.find(({ name }) => name === "joint.conv")!.reason, "by request");
  const joint = graph.nodes.find(({ name }) => name === "joint.conv")!;
  assert(NETWORK.constants.has(joint.inputs[1]) || graph.constants.get(joint.inputs[1])!.dtype === "f32");
  // Its input is nowhere wanted in int8.
  assert(!report.stored.some(({ values }) => values.includes("cat")));
  assert(await outputRatio(NETWORK, graph) > 25);
});

Deno.test("a float layer reads what is stored, a value that int8 layers read too", async () => {
  const { graph } = await quantize(NETWORK, SAMPLES, over({ float: ({ name }) => name === "small.conv" }));
  // Made in int8 and stored once: the pool before the float layer and the Concat of the int8 layer both read that.
  assertEquals(readersOf(graph, "joint.act").map(({ op }) => op), ["QuantizeLinear"]);
  const [stored] = readersOf(graph, "joint.act")[0].outputs;
  const [back] = readersOf(graph, stored);
  assertEquals(readersOf(graph, back.outputs[0]).map(({ name }) => name).sort(), ["cat2", "pool"]);
  // Made in float, read in both: the float layer reads it as it is.
  const both = await quantize(
    NETWORK,
    SAMPLES,
    over({ float: ({ name }) => name === "wide.conv" || name === "inner.conv" }),
  );
  assertEquals(readersOf(both.graph, "cut.1").map(({ op }) => op).sort(), ["Conv", "QuantizeLinear"]);
});

Deno.test("the result computes nearly the same, by every observer and scheme", async () => {
  const calibrated = await calibrate(NETWORK, SAMPLES, over());
  const ratios: Record<string, number> = {};
  for (const observer of ["min-max", "moving-average", "percentile", "mse", "entropy"] as ObserverName[]) {
    for (const activations of ["asymmetric", "symmetric"] as const) {
      const { graph, report } = quantizeFromCalibration(calibrated, { observer, activations });
      assertEquals([report.observer.split(" ")[0], report.activations], [observer, activations]);
      for (const { zeroPoint } of report.stored) assert(activations === "asymmetric" || zeroPoint === 0);
      ratios[`${observer} ${activations}`] = await outputRatio(NETWORK, graph);
    }
  }
  for (const [what, ratio] of Object.entries(ratios)) assert(ratio > 24, `${what}: ${ratio} dB`);
  // SiLU's values are nearly all of one sign: half of a symmetric range goes unused.
  assert(ratios["min-max asymmetric"] > ratios["min-max symmetric"] + 2, JSON.stringify(ratios));
  const tensor = quantizeFromCalibration(calibrated, { weights: "tensor" });
  assertEquals(tensor.report.layers[1].weights!.scales[0], tensor.report.layers[1].weights!.scales[1]);
  assert(await outputRatio(NETWORK, tensor.graph) > 15);
});

Deno.test("bias correction takes off the mean error of the outputs", async () => {
  const calibrated = await calibrate(NETWORK, SAMPLES, over());
  const runner = new ReferenceRunner();
  const meanError = async (biasCorrection: boolean) => {
    // One scale for all weights of a layer: errors are large enough to see.
    const { graph, report } = quantizeFromCalibration(calibrated, { weights: "tensor", biasCorrection });
    assertEquals(report.corrected, biasCorrection ? 6 : null);
    const sums = new Float64Array(5);
    for (const { inputs } of SAMPLES) {
      const [a, b] = [await runner.run(NETWORK, inputs), await runner.run(graph, inputs)];
      a.last.data.forEach((value, i) => sums[Math.floor(i / SIDE ** 2)] += b.last.data[i] - value);
    }
    return sums.reduce((sum, error) => sum + Math.abs(error), 0);
  };
  const [before, after] = [await meanError(false), await meanError(true)];
  assert(after < 0.6 * before, `mean errors ${before} before, ${after} after`);
});

Deno.test("equalisation is reported, and SiLU leaves it nothing to do", async () => {
  assertEquals(REPORT.equalised, null);
  const { graph, report } = await quantize(NETWORK, SAMPLES, over({ equalise: true }));
  assertEquals(report.equalised, 0);
  assertEquals(saveOnnx(graph), saveOnnx(QUANTIZED));
});

Deno.test("the report: ranges, scales, ratios, bytes, worst layers", () => {
  assertEquals([REPORT.samples, REPORT.observer, REPORT.warnings], [16, "mse", []]);
  for (const { seen, range, scale, zeroPoint, sqnr, clipped } of REPORT.stored) {
    assert(seen[0] <= 0 && seen[1] >= 0 && range[0] <= 0 && range[1] >= 0);
    assertAlmostEquals(range[1] - range[0], 255 * scale, 1e-9);
    assertAlmostEquals(range[0], (-128 - zeroPoint) * scale, 1e-9);
    // 8 bits give about 50 dB to what fills its range evenly, less to most other values.
    assert(sqnr! > 25 && sqnr! < 60 && clipped >= 0 && clipped < 0.05, `${sqnr} ${clipped}`);
  }
  const rated = REPORT.layers.filter(({ sqnr }) => sqnr !== null).toSorted((a, b) => a.sqnr! - b.sqnr!);
  assertEquals(REPORT.worst, rated.slice(0, 5).map(({ name }) => name));
  // Counted from the constants themselves: all of them belong to layers here.
  const bytes = (graph: Graph) => [...graph.constants.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  assertEquals(REPORT.bytes.before, bytes(foldBatchNormalization(NETWORK)));
  assertEquals(REPORT.bytes.after, bytes(QUANTIZED));
});

Deno.test("two runs give the same file; calibrating once for several schemes gives what one run gives", async () => {
  const again = await quantize(NETWORK, SAMPLES, over());
  assertEquals(saveOnnx(again.graph), saveOnnx(QUANTIZED));
  const calibrated = await calibrate(NETWORK, SAMPLES, over());
  assertEquals(saveOnnx(quantizeFromCalibration(calibrated).graph), saveOnnx(QUANTIZED));
});

/** Refuses graphs with many outputs, as an adapter without memory for them does. */
class SmallRunner extends ReferenceRunner {
  override run(graph: Graph, inputs: Parameters<ReferenceRunner["run"]>[1]): ReturnType<ReferenceRunner["run"]> {
    if (graph.outputs.length > 3) return Promise.reject(new FeatherdetError("no memory"));
    return super.run(graph, inputs);
  }
}

Deno.test("where the runner cannot hold all values at once, it is asked for some at a time, and nothing is left behind", async () => {
  const runner = new SmallRunner();
  const { graph } = await quantize(NETWORK, SAMPLES, { runner });
  assertEquals(saveOnnx(graph), saveOnnx(QUANTIZED));
  assertEquals(runner.held.size, 0);
  class NoRunner extends ReferenceRunner {
    override run(): ReturnType<ReferenceRunner["run"]> {
      return Promise.reject(new FeatherdetError("the device was lost"));
    }
  }
  await assertRejects(() => quantize(NETWORK, SAMPLES, { runner: new NoRunner() }), FeatherdetError, "device was lost");
});

Deno.test("fidelity of detections, worked by hand: boxes, scores and overlap, counted by scores", () => {
  const tensor = (...rows: number[][]) => ({ y: { shape: [1, 5, 2], data: Float32Array.from(rows.flat()) } });
  const original = tensor([10, 20], [10, 20], [4, 2], [4, 2], [0.8, 0.2]);
  const changed = tensor([11, 20], [10, 20], [4, 4], [4, 4], [0.6, 0.2]);
  const meter = new FidelityMeter();
  meter.add(original, changed);
  // Overlaps: 3 x 4 of 20, and 2 x 2 of 16.
  const { detections, loss } = meter.result();
  assertAlmostEquals(detections!.overlap, 0.8 * 12 / 20 + 0.2 * 4 / 16, 1e-6);
  assertAlmostEquals(detections!.boxes, (0.8 * 1 + 0.2 * 4) / 4, 1e-6);
  assertAlmostEquals(detections!.scores, 0.8 * 0.2, 1e-6);
  assertAlmostEquals(loss, 1 - 0.8 * 12 / 20 * 0.8 - 0.2 * 4 / 16, 1e-6);
  const same = new FidelityMeter();
  same.add(original, original);
  assertEquals([same.result().loss, same.result().sqnr], [0, null]);
});

Deno.test("a Slice of channels moves int8, one of rows too is left in float", async () => {
  for (const [axes, isMoved] of [[[1], true], [[1, 2], false], [[2], false]] as const) {
    const b = new ModelBuilder({ seed: 2 });
    const first = b.conv("first", b.input("images", [1, 3, SIDE, SIDE]), { out: 4 });
    const part = b.node("Slice", "part", [first], {
      axes,
      starts: axes.map(() => 0),
      ends: axes.map(() => 3),
      steps: axes.map(() => 1),
    });
    const { report } = await quantize(
      b.graph("g", [b.conv("second", part, { out: 2 })]),
      SAMPLES,
      over({ float: "none" }),
    );
    // What is moved has the scale of what it is a part of.
    const set = report.stored.find(({ values }) => values.includes("part"))!;
    assertEquals(set.values.includes("first"), isMoved, `axes ${axes}`);
  }
});

Deno.test("sensitivity: the layer with spoilt weights is worst, and everything is released", async () => {
  const constants = new Map(NETWORK.constants);
  const spoilt = constants.get("joint.conv.weight")!;
  // One weight of each output so large that 8 bits leave nothing for the others, where its input hardly ever is anything.
  const data = spoilt.data.map((value, i) => i % 12 === 5 ? 40 : value);
  constants.set("joint.conv.weight", { ...spoilt, data: Float32Array.from(data), dtype: "f32" });
  const options = { ...over(), samples: 2 };
  const found = await measureSensitivity({ ...NETWORK, constants }, SAMPLES, options);
  assertEquals(found.length, 8);
  assertEquals(found[0].name, "joint.conv");
  assertEquals(found.map(({ loss }) => loss), found.map(({ loss }) => loss).toSorted((a, b) => b - a));
  assertEquals(found.filter(({ covered }) => covered !== null).map(({ name }) => name).toSorted(), [
    "last",
    "stem.conv",
  ]);
  assertEquals(options.runner.held.size, 0);
  await assertRejects(() => measureSensitivity(NETWORK, [], over()), FeatherdetError, "no calibration samples");
});

Deno.test("the preset keeps a YOLO11's first layer, attention core, last layers and DFL in float", async () => {
  const model = yolo11({ scale: "n", size: 64, width: 0.125 });
  const inputs = { images: { shape: [1, 3, 64, 64], data: randomTensor([1, 3, 64, 64], 1, 0, 1) } };
  const { report } = await quantize(model, [{ name: "noise", inputs }], over());
  const float = report.layers.filter(({ precision }) => precision === "float");
  assertEquals(Object.fromEntries(float.map(({ name, reason }) => [name, reason])), {
    "model.0.conv": "first layer",
    "model.10.m.0.attn.scores": "product of attention",
    "model.10.m.0.attn.mixed": "product of attention",
    "model.10.m.0.attn.pe.conv": "reads the values of attention",
    "model.23.cv2.0.2": "last layer before decoding",
    "model.23.cv2.1.2": "last layer before decoding",
    "model.23.cv2.2.2": "last layer before decoding",
    "model.23.cv3.0.2": "last layer before decoding",
    "model.23.cv3.1.2": "last layer before decoding",
    "model.23.cv3.2.2": "last layer before decoding",
    "model.23/dfl/Conv": "expectation over a softmax (DFL)",
  });
});

Deno.test("gates of channels compute in float from int8 weights; what cannot be int8 says why", async () => {
  const b = new ModelBuilder({ seed: 5 });
  const x = b.convBlock("first", b.input("images", [1, 3, SIDE, SIDE]), { out: 8, kernel: 3 });
  const gate = b.conv("expand", b.conv("squeeze", b.globalPool("mean", x), { out: 2 }), { out: 8 });
  const gated = b.convBlock("second", b.mul("gated", x, b.activation("gate", gate, "sigmoid")), { out: 8, kernel: 3 });
  const odd = b.node("MatMul", "odd", [b.weight("table", [1, 1, 4, SIDE], 1), gated], {});
  const model = lively(b.graph("gated", [b.conv("last", odd, { out: 2 })]));
  const { graph, report } = await quantize(model, SAMPLES, over());
  const gates = report.layers.filter(({ name }) => name === "squeeze" || name === "expand");
  assertEquals(gates.map(({ precision, weights }) => [precision, weights!.shape]), [["float", [2, 8, 1, 1]], ["float", [
    8,
    2,
    1,
    1,
  ]]]);
  for (const { name } of gates) {
    const [input, weight, bias] = graph.nodes.find((node) => node.name === name)!.inputs;
    assertEquals(graph.constants.get(makerOf(graph, weight)!.inputs[0])!.dtype, "i8");
    assert(makerOf(graph, input)!.op !== "DequantizeLinear" && graph.constants.get(bias)!.dtype === "f32");
  }
  assertEquals(report.layers.find(({ name }) => name === "odd")!.reason, "its first factor is constant");
  assertEquals([report.int8Layers, report.floatLayers], [1, 5]);
  assert(await outputRatio(model, graph) > 25);
});

async function warningsOf(samples: CalibrationSamples): Promise<readonly string[]> {
  return (await quantize(NETWORK, samples, over())).report.warnings;
}

const black = (name: string): CalibrationSample => {
  return { name, inputs: { images: { shape: [1, 3, SIDE, SIDE], data: new Float32Array(3 * SIDE ** 2) } } };
};

Deno.test("doubtful calibration is used, with a sentence that says what is doubtful", async () => {
  assertEquals(await warningsOf(SAMPLES.slice(0, 1)), [
    "calibrated on one sample only: ranges will not fit other pictures well, 100 or more are usual",
  ]);
  assertEquals(await warningsOf(SAMPLES.slice(0, 5)), [
    "calibrated on 5 samples only: ranges will not fit other pictures well, 100 or more are usual",
  ]);
  assertEquals(await warningsOf([...SAMPLES, black("night.jpg")]), [
    '1 of 17 calibration samples are all zero: "night.jpg"',
  ]);
  const grey = sampleOf(1, { low: 0.5, high: 0.5 });
  assertEquals(await warningsOf([...SAMPLES, grey, grey, { ...grey, name: "fog.jpg" }, grey, grey]), [
    '5 of 21 calibration samples hold one value everywhere: "picture 1", "picture 1", "fog.jpg" and 2 more',
  ]);
  const [few, dark, ...rest] = await warningsOf(["a", "b", "c", "d"].map(black));
  assertEquals([few.slice(0, 23), dark], [
    "calibrated on 4 samples",
    '4 of 4 calibration samples are all zero: "a", "b", "c" and 1 more',
  ]);
  assertEquals(rest, []);
});

Deno.test("a value that is the same everywhere is named: nothing is known of its range", async () => {
  const constants = new Map(NETWORK.constants);
  const scale = constants.get("wide.bn.weight")!, shift = constants.get("wide.bn.bias")!;
  constants.set("wide.bn.weight", { ...scale, data: new Float32Array(8), dtype: "f32" });
  constants.set("wide.bn.bias", { ...shift, data: new Float32Array(8).fill(0), dtype: "f32" });
  const { report } = await quantize({ ...NETWORK, constants }, SAMPLES, over());
  assertEquals(report.warnings, ['"wide.act" is the same in all samples and elements: no range was to be seen']);
});

async function refused(samples: CalibrationSamples, sentence: string): Promise<void> {
  const options = over();
  const error = await assertRejects(() => quantize(NETWORK, samples, options), FeatherdetError);
  assertEquals(error.message, sentence);
  assertEquals(options.runner.held.size, 0);
}

Deno.test("calibration that cannot be used is refused in one sentence", async () => {
  await refused([], "there are no calibration samples, quantization needs some to see ranges");
  await refused(
    [sampleOf(1), sampleOf(2, { side: 16 })],
    'calibration sample "picture 2": input "images" is [1,3,16,16] but the model takes [1,3,12,12]',
  );
  await refused([{ name: "x", inputs: {} }], 'calibration sample "x": input "images" is missing');
  const short = sampleOf(4);
  await refused(
    [{ ...short, inputs: { images: { shape: short.inputs.images.shape, data: new Float32Array(5) } } }],
    'calibration sample "picture 4": input "images" [1,3,12,12] holds 5 elements',
  );
  for (const bad of [NaN, Infinity, -Infinity]) {
    const sample = sampleOf(3);
    sample.inputs.images.data[77] = bad;
    await refused(
      [sampleOf(1), sample],
      `calibration sample "picture 3": input "images" holds ${bad} in [1,3,12,12] at index 77`,
    );
  }
});

Deno.test("a value that a model makes NaN or infinite is named with its sample", async () => {
  const constants = new Map(NETWORK.constants);
  const weights = constants.get("stem.conv.weight")!;
  constants.set("stem.conv.weight", { ...weights, data: weights.data.map(() => 3e38) as Float32Array, dtype: "f32" });
  await assertRejects(
    () => quantize({ ...NETWORK, constants }, SAMPLES, over()),
    FeatherdetError,
    'calibration sample "picture 1": the model makes "stem.act" with ',
  );
});

Deno.test("an output that overflows is named although nothing of it is stored in int8", async () => {
  const constants = new Map(NETWORK.constants);
  for (const [name, value] of [["mixed.bn.weight", 1e3], ["last.weight", 3e38]] as const) {
    const { shape, data } = constants.get(name)!;
    constants.set(name, { shape, data: new Float32Array(data.length).fill(value), dtype: "f32" });
  }
  await assertRejects(
    () => quantize({ ...NETWORK, constants }, SAMPLES, over()),
    FeatherdetError,
    'calibration sample "picture 1": the model makes "last" with ',
  );
});

Deno.test("samples are read one by one, and only once", async () => {
  let open = 0, most = 0, read = 0;
  const runner = new ReferenceRunner();
  async function* stream() {
    for (const sample of SAMPLES) {
      most = Math.max(most, ++open);
      read++;
      yield await Promise.resolve(sample);
      open--;
    }
  }
  const done: number[] = [];
  const { graph } = await quantize(NETWORK, stream(), { runner, onSample: (count) => done.push(count) });
  assertEquals([most, read, runner.runs], [1, 16, 16]);
  assertEquals(done, SAMPLES.map((_, i) => i + 1));
  assertEquals(saveOnnx(graph), saveOnnx(QUANTIZED));
});

Deno.test("settings out of range, a quantized model and one with nothing to quantize", async () => {
  const calibrated = await calibrate(NETWORK, SAMPLES.slice(0, 2), over());
  assertThrows(() => quantizeFromCalibration(calibrated, { percentile: 30 }), FeatherdetError, "the percentile is 30");
  assertThrows(
    () => quantizeFromCalibration(calibrated, { observer: "best" as ObserverName }),
    FeatherdetError,
    'unknown observer "best", there are min-max, moving-average, percentile, mse, entropy',
  );
  for (
    const [setting, sentence] of [
      [{ weights: "ternary" }, 'unknown weights "ternary", there are channel and tensor'],
      [{ activations: "both" }, 'unknown activations "both", there are asymmetric and symmetric'],
      [{ joins: "all" }, 'unknown joins "all", there are shared and apart'],
    ] as const
  ) {
    assertThrows(
      () => quantizeFromCalibration(calibrated, setting as unknown as SchemeOptions),
      FeatherdetError,
      sentence,
    );
  }
  for (const samples of [0, -1, 1.5, NaN]) {
    const run = () => measureSensitivity(NETWORK, SAMPLES, { runner: new ReferenceRunner(), samples });
    await assertRejects(run, FeatherdetError, `${samples} samples were asked for, it must be a whole number from 1 on`);
  }
  await assertRejects(() => quantize(QUANTIZED, SAMPLES, over()), FeatherdetError, "the model is quantized already");
  // Also in other ways: weights of two bits, and the integers of onnxruntime's dynamic quantization.
  const packed = packWeights(NETWORK, { bits: 2, float: "none" }).graph;
  await assertRejects(() => quantize(packed, SAMPLES, over()), FeatherdetError, "UnpackWeights");
  for (const graph of [packed, QUANTIZED]) {
    assertThrows(() => packWeights(graph, { bits: 1 }), FeatherdetError, "the model is quantized already");
  }
  const { graph, report } = await quantize(NETWORK, SAMPLES, over({ float: () => true }));
  assert(report.warnings.includes("nothing was quantized: every layer stays in float"));
  assertEquals([report.bytes.ratio, report.stored.length], [1, 0]);
  assert(await outputRatio(NETWORK, graph) > 100);
  const partly = await calibrate(NETWORK, SAMPLES.slice(0, 2), over({ float: "yolo11" }));
  assertThrows(
    () => quantizeFromCalibration(partly, { float: "none" }),
    FeatherdetError,
    "calibration did not look at",
  );
});
