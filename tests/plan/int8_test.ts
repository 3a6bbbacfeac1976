/**
 * Plans of quantized graphs: which steps they have, that nothing between int8 layers is a float, and that they compute what the
 * reference computes of the same graph.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Detector } from "../../src/detect/detector.ts";
import { openSharedDevice } from "../../src/gpu/device.ts";
import { FeatherdetError, type Graph, GraphIndex, type Node, withNodes } from "../../src/graph/mod.ts";
import { foldBatchNormalization } from "../../src/passes/mod.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { buildPlan, type Plan } from "../../src/plan/plan.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { Session } from "../../src/engine/session.ts";
import { planningFor, storageForm } from "../../src/engine/setup.ts";
import { tune } from "../../src/engine/tune.ts";
import { gpuTest, testDevice } from "../support/gpu.ts";
import { naivelyQuantized } from "../support/naive_quantizer.ts";
import { QdqBuilder, type Scale } from "../support/qdq.ts";
import { randomTensor } from "../support/random.ts";
import { graphOf, node, PLAIN, weight } from "../support/tiny_graph.ts";

const X: Scale = { scale: 0.01, zero: 3 };
const A: Scale = { scale: 0.02, zero: -90 };
const B: Scale = { scale: 0.03, zero: 100, dtype: "u8" };

function planOf(graph: Graph): Plan {
  return buildPlan(graph, { form: { storage: "texture", scalar: "f32" }, maxPages: Infinity, separate: true });
}

const operators = (plan: Plan) => plan.dispatches.map(({ operator }) => operator);

/** True where the step computes a convolution in whole numbers. */
const inBytes = ({ dispatches }: Plan) =>
  dispatches.filter(({ kernel }) => kernel.label.startsWith("conv")).map(({ kernel }) =>
    kernel.label.startsWith("conv int8")
  );

Deno.test("first runs have one kernel for all convolutions of bytes, in the arithmetic that most others have", () => {
  const graph = naivelyQuantized(yolo11({ width: 0.125, size: 64, classes: 3 }));
  const labels = (light: boolean) => {
    const options = { form: { storage: "texture", scalar: "f32" }, maxPages: Infinity, separate: true, light } as const;
    return buildPlan(graph, options).dispatches.map(({ kernel }) => kernel.label).filter((one) =>
      one.startsWith("conv int8")
    );
  };
  const usual = labels(false), first = labels(true);
  assertEquals(first.length, usual.length);
  assert(usual.every((label) => !label.includes("general")));
  assertEquals(first.map((label) => label.replace(/\dx\d/, "KxK")), first.map(() => "conv int8 general KxK f32"));
});

/** How far from the reference, in steps of the outputs' scale. */
interface Distance {
  readonly most: number;
  readonly mean: number;
}

/** Runs a graph in every storage; asserts that its outputs lie within `most` steps of the reference's, and in the mean `mean`. */
async function compare(graph: Graph, scale: number, allowed: Distance): Promise<void> {
  const inputs = graph.inputs.map(({ name, shape }, i) => ({ name, shape, data: randomTensor(shape, 40 + i) }));
  const expected = runReference(
    graph,
    Object.fromEntries(inputs.map(({ name, shape, data }) => [name, referenceTensor(shape, data)])),
  );
  for (const storage of ["texture", "buffer"] as const) {
    const session = await Session.create(graph, { device: await testDevice(), storage });
    const found = await session.run(Object.fromEntries(inputs.map((input) => [input.name, input])));
    session.destroy();
    for (const output of graph.outputs) {
      const { shape, data } = expected.get(output)!;
      assertEquals([...found[output].shape], [...shape]);
      const off = Array.from(data, (value, i) => Math.abs(value - found[output].data[i]) / scale);
      const most = off.reduce((a, b) => Math.max(a, b)), mean = off.reduce((a, b) => a + b) / off.length;
      assert(most <= allowed.most, `${storage}: ${output} is ${most} steps off`);
      assert(mean <= allowed.mean, `${storage}: ${output} is ${mean} steps off in the mean`);
    }
  }
}

/** No byte differs but for the rounding of the scale. */
const EXACT: Distance = { most: 1e-4, mean: 1e-4 };

/** Single bytes differ where real numbers lie next to a tie. */
const ROUNDED: Distance = { most: 1.001, mean: 0.02 };

/** A C3k2 block as quantizers write it: all parts of a Concat and both halves of a Split have one scale. */
function block(batch: number): Graph {
  const q = new QdqBuilder();
  const silu = (x: string) => q.add("Silu", [x], `${x}_act`, {});
  const joint = A;
  q.constants.stem_w = weight([12, 3, 3, 3], 5);
  q.add("Conv", ["x", "stem_w"], "stem", { ...PLAIN, strides: [2, 2], pads: [1, 1, 1, 1], groups: 1 });
  const stem = q.stored(silu("stem"), X);
  const whole = q.stored(silu(q.conv(stem, "cv1", { weight: [16, 12, 1, 1], x: X })), joint);
  q.nodes.push(node("Split", [whole], ["p", "q"], { axis: 1, sizes: [8, 8] }));
  const halves = ["p", "q"].map((half) => q.stored(half, joint));
  const inner = q.stored(silu(q.conv(halves[1], "m1", { weight: [4, 8, 3, 3], x: joint })), X);
  const sum = q.add("Add", [halves[1], silu(q.conv(inner, "m2", { weight: [8, 4, 3, 3], x: X }))], "sum", {});
  q.add("Concat", [...halves, q.stored(sum, joint)], "all", { axis: 1 });
  silu(q.conv(q.stored("all", joint), "cv2", { weight: [10, 24, 1, 1], x: joint }));
  return q.graph({ x: [batch, 3, 26, 18] }, ["cv2_act"]);
}

gpuTest("a C3k2 block: one dispatch a convolution, bytes in between, Split and Concat free", async () => {
  const plan = planOf(block(1));
  assertEquals(operators(plan), [
    "ToBlocked",
    "Conv+Silu+QuantizeLinear",
    "Conv+Silu+QuantizeLinear",
    "Conv+Silu+QuantizeLinear",
    "Conv+Silu+Add+QuantizeLinear",
    "Conv+Silu",
    "ToPlain",
  ]);
  assertEquals(inBytes(plan), [false, true, true, true, true]);
  // What any step after the stem reads, the last conversion aside, is bytes.
  for (const { kernel } of plan.dispatches.slice(2, -1)) {
    for (const binding of kernel.bindings) {
      if (binding.kind !== "read") continue;
      const { layout } = plan.placements.get(binding.value)!;
      assert(layout.kind === "blocked" && layout.int8, `${kernel.label} reads floats`);
    }
  }
  await compare(block(3), 0.02, { most: 3, mean: 0.1 });
});

gpuTest("whatever is dequantized may be an output, alone or with all others", async () => {
  const graph = block(1), index = GraphIndex.of(graph);
  const values = graph.nodes.flatMap(({ op, inputs, outputs }) =>
    op === "DequantizeLinear" && !index.isConstant(inputs[0]) ? outputs : []
  );
  const weights = graph.nodes.flatMap(({ op, inputs, outputs }) =>
    op === "DequantizeLinear" && index.isConstant(inputs[0]) ? outputs : []
  );
  assert(values.length > 6 && weights.length > 6);
  for (const outputs of [...values.map((value) => [value]), [...values, ...weights.slice(0, 2), "q"]]) {
    assert(planOf(withNodes({ ...graph, outputs }, graph.nodes)).dispatches.length > 0, String(outputs));
  }
  await compare({ ...graph, outputs: [...values, ...weights.slice(0, 2), "q"] }, 0.02, { most: 3, mean: 0.1 });
});

gpuTest("a Split has parts that nobody reads, whole cells and others", async () => {
  for (const sizes of [[8, 6, 3], [6, 8, 3], [3, 6, 8]]) {
    // Behind a convolution it lies in row memory.
    const nodes = [
      node("Conv", ["x", "w"], ["c"], { ...PLAIN, groups: 1 }),
      node("Split", ["c"], ["p", "q", "s"], { axis: 1, sizes }),
      node("Relu", ["q"], ["y"], {}),
    ];
    const constants = { w: weight([17, 3, 1, 1], 7) };
    for (const output of ["y", "s", "p"]) {
      await compare(graphOf({ x: [2, 3, 5, 7] }, [output], nodes, constants), 1, EXACT);
    }
  }
});

Deno.test("memory: bytes have an arena of their own, a quarter of the size, and graphs of floats have none", () => {
  const plan = planOf(block(1));
  const { pages, int8Pages, pitch, form, plainBytes, memory } = plan;
  assert(int8Pages > 0);
  assertEquals(memory.planned, (pitch << form.pageShift) * 4 * (4 * pages + int8Pages) + plainBytes);
  assert(memory.lowerBound <= memory.planned);
  const floats = graphOf({ x: [1, 4, 5, 5] }, ["y"], [node("Relu", ["x"], ["y"], {})]);
  assertEquals(planOf(floats).int8Pages, 0);
  const q = new QdqBuilder();
  q.add("Relu", [q.stored("x", X)], "r", {});
  const { naive } = planOf(q.graph({ x: [1, 4, 40, 40] }, [q.stored("r", X)])).memory;
  // Four values of floats, two of bytes.
  assertEquals(naive, (4 * 4 + 2) * 4 * 40 * 40);
});

gpuTest("moves of bytes: MaxPool, Resize, Slice, Split and Concat of one scale", async () => {
  for (const scale of [A, B]) {
    const q = new QdqBuilder();
    q.stored("x", scale);
    q.add("MaxPool", ["x_stored"], "pool", {
      kernel: [5, 5],
      strides: [1, 1],
      pads: [2, 2, 2, 2],
      dilations: [1, 1],
      ceilMode: false,
    });
    q.add("Slice", [q.stored("pool", scale)], "slice", { axes: [1], starts: [4], ends: [9], steps: [1] });
    const size = [14, 10] as const;
    for (const [x, y] of [["slice", "large"], ["x_stored", "other"]]) {
      q.add("Resize", [x], y, {
        mode: "nearest",
        coordinates: "asymmetric",
        nearest: "floor",
        size,
        scales: [2, 2],
      });
    }
    q.add("Concat", ["other", "large", "large"], "all", { axis: 1 });
    q.conv(q.stored("all", scale), "y", { weight: [6, 19, 1, 1], x: scale });
    const graph = q.graph({ x: [3, 9, 7, 5] }, [q.stored("y", A)]);
    const plan = planOf(graph);
    assertEquals(operators(plan).filter((operator) => operator.includes("antize")), [
      "QuantizeLinear",
      "Conv+QuantizeLinear",
      "DequantizeLinear",
    ]);
    assertEquals(inBytes(plan), [true]);
    await compare(graph, A.scale, EXACT);
  }
});

gpuTest("Concat of other scales: what only it reads is stored in its scale, the rest once more", async () => {
  const q = new QdqBuilder();
  q.stored("x", X);
  for (const [name, scale] of [["a", A], ["b", B]] as const) {
    q.stored(q.conv("x_stored", name, { weight: [8, 5, 1, 1], x: X }), scale);
  }
  q.add("Concat", ["a_stored", "b_stored"], "all", { axis: 1 });
  q.conv(q.stored("all", X), "y", { weight: [4, 16, 1, 1], x: X });
  const alone = q.graph({ x: [1, 5, 6, 7] }, [q.stored("y", X)]);
  assertEquals(operators(planOf(alone)), [
    "ToBlocked",
    "QuantizeLinear",
    "Conv+QuantizeLinear",
    "Conv+QuantizeLinear",
    "Conv+QuantizeLinear",
    "DequantizeLinear",
    "ToPlain",
  ]);
  // The graph rounds the parts twice: they may be a step of theirs off.
  await compare(alone, X.scale, { most: 12, mean: 2 });

  q.conv("b_stored", "z", { weight: [3, 8, 3, 3], x: B });
  const shared = q.graph({ x: [1, 5, 6, 7] }, ["y_stored", q.stored("z", X)]);
  const plan = planOf(shared);
  assertEquals(operators(plan).filter((operator) => operator === "QuantizeLinear").length, 2);
  assertEquals(inBytes(plan), [true, true, true, true]);
});

gpuTest("scales that differ are kept apart", async () => {
  const q = new QdqBuilder();
  q.quantize("x", A);
  q.dequantize("x_bytes", A, "a");
  q.dequantize(q.quantize("a", B), B, "b");
  // A Concat that nobody quantizes has no scale that its parts could take.
  q.add("Concat", ["a", "b"], "all", { axis: 1 });
  q.conv("all", "y", { weight: [4, 16, 1, 1], x: A });
  const graph = q.graph({ x: [1, 8, 6, 7] }, ["x_bytes", "a_bytes", q.stored("y", X)]);
  const plan = planOf(graph);
  assertEquals(operators(plan).filter((operator) => /Conv|uantize/.test(operator)), [
    "QuantizeLinear",
    "DequantizeLinear",
    "QuantizeLinear",
    "DequantizeLinear",
    "Conv+QuantizeLinear",
    "DequantizeLinear",
  ]);
  assertEquals(inBytes(plan), [false]);
  // Bytes that leave the graph are the numbers that ONNX means, also those of u8.
  await compare({ ...graph, outputs: ["x_bytes", "a_bytes"] }, 1, EXACT);
  await compare({ ...graph, outputs: ["x_bytes", "y_stored"] }, X.scale, ROUNDED);
});

gpuTest("activations between QuantizeLinears are tables, bit for bit, and take their pieces along", async () => {
  for (const [dtype, gateZero] of [["i8", -128], ["u8", 0]] as const) {
    const q = new QdqBuilder();
    const c: Scale = { scale: 0.02, zero: dtype === "i8" ? 5 : 130, dtype };
    const gate: Scale = { scale: 1 / 255, zero: gateZero, dtype };
    const out: Scale = { scale: 0.015, zero: dtype === "i8" ? -100 : 20, dtype };
    q.quantize("x", c);
    q.dequantize("x_bytes", c, "once");
    q.dequantize("x_bytes", c, "twice");
    q.add("Sigmoid", ["once"], "g", {});
    q.add("Mul", ["twice", q.stored("g", gate)], "m", {});
    const silu = q.stored("m", out);
    q.add("HardSwish", [silu], "h", {});
    const graph = q.graph({ x: [3, 5, 7, 13] }, [q.stored("h", out)]);
    assertEquals(operators(planOf(graph)), [
      "ToBlocked",
      "QuantizeLinear",
      "Sigmoid+QuantizeLinear+Mul+QuantizeLinear+HardSwish+QuantizeLinear",
      "DequantizeLinear",
      "ToPlain",
    ]);
    await compare(graph, out.scale, EXACT);
    // What somebody reads in between is made as well.
    const both = q.graph({ x: [1, 5, 7, 13] }, ["h_stored", silu]);
    assertEquals(operators(planOf(both)).filter((operator) => operator.startsWith("Sigmoid")).length, 2);
    await compare(both, out.scale, EXACT);
  }
});

gpuTest("operators without kernels for bytes read and write bytes all the same", async () => {
  const q = new QdqBuilder();
  q.stored("x", A);
  q.add("AveragePool", ["x_stored"], "mean", {
    kernel: [3, 3],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    dilations: [1, 1],
    ceilMode: false,
    countIncludePad: false,
  });
  q.stored("mean", X);
  q.add("GlobalAveragePool", ["mean_stored"], "squeezed", {});
  q.add("Mul", ["mean_stored", q.stored("squeezed", X)], "scaled", {});
  const graph = q.graph({ x: [2, 6, 9, 7] }, [q.stored("scaled", B)]);
  assertEquals(operators(planOf(graph)), [
    "ToBlocked",
    "QuantizeLinear",
    "AveragePool+QuantizeLinear",
    "GlobalAveragePool+QuantizeLinear",
    "Mul+QuantizeLinear",
    "DequantizeLinear",
    "ToPlain",
  ]);
  await compare(graph, B.scale, ROUNDED);
});

/** A convolution between two stored values. */
function single(
  weights: (q: QdqBuilder) => readonly string[] = (q) => q.weights("y", { weight: [6, 5, 3, 3], x: X }),
  outputs: readonly string[] = ["y_stored"],
): Graph {
  const q = new QdqBuilder();
  const inputs = [q.stored("x", X), ...weights(q)];
  q.add("Conv", inputs, "y", { ...PLAIN, pads: [1, 1, 1, 1], groups: 1 });
  q.stored("y", A);
  return q.graph({ x: [1, 5, 7, 9] }, outputs);
}

gpuTest("near misses compute in floats, and right", async () => {
  const shape = [6, 5, 3, 3];
  const bytes = (from: number) => Array.from(randomTensor(shape, 3, from, from + 250), Math.round);
  const cases: Record<string, (q: QdqBuilder) => string[]> = {
    "scales along the inputs": (q) => {
      const data = Int8Array.from(bytes(-125));
      return [q.integers("w", { dtype: "i8", shape, data }, [1, 2, 3, 4, 5].map((scale) => scale / 5000), 0, 1)];
    },
    "weights that fit no signed byte": (q) => {
      const data = Uint8Array.from(bytes(0));
      return [q.integers("w", { dtype: "u8", shape, data }, [0.001], 20)];
    },
    "weights in floats": (q) => {
      q.constants.w = weight(shape, 3);
      return ["w"];
    },
  };
  assertEquals(inBytes(planOf(single())), [true]);
  for (const [what, weights] of Object.entries(cases)) {
    const graph = single(weights);
    const plan = planOf(graph);
    assertEquals(inBytes(plan), [false], what);
    assert(operators(plan).includes("Conv+QuantizeLinear"), what);
    await compare(graph, A.scale, ROUNDED);
  }
});

gpuTest("results that others read as floats stay floats, and are quantized apart", async () => {
  const graph = single(undefined, ["y_stored", "y"]);
  const plan = planOf(graph);
  assertEquals(inBytes(plan), [true]);
  assertEquals(operators(plan).filter((operator) => /Conv|uantize/.test(operator)), [
    "QuantizeLinear",
    "Conv",
    "QuantizeLinear",
    "DequantizeLinear",
  ]);
  await compare(graph, A.scale, ROUNDED);
});

gpuTest("a convolution that is added to its own input binds it once", async () => {
  const q = new QdqBuilder();
  q.quantize("x", X);
  q.dequantize("x_bytes", X, "once");
  q.dequantize("x_bytes", X, "twice");
  q.add("Add", [q.conv("once", "c", { weight: [8, 8, 1, 1], x: X }), "twice"], "s", {});
  const graph = q.graph({ x: [1, 8, 5, 6] }, [q.stored("s", A)]);
  assertEquals(operators(planOf(graph)), [
    "ToBlocked",
    "QuantizeLinear",
    "Conv",
    "Add+QuantizeLinear",
    "DequantizeLinear",
    "ToPlain",
  ]);
  await compare(graph, A.scale, ROUNDED);
});

gpuTest("Gemm and MatMul with a constant matrix are convolutions of bytes", async () => {
  for (
    const [op, shape, transposeB] of [["Gemm", [3, 13], true], ["Gemm", [1, 13], false], [
      "MatMul",
      [2, 3, 13],
      false,
    ]] as const
  ) {
    const q = new QdqBuilder();
    const data = Int8Array.from(randomTensor([13 * 10], 4, -127, 127), Math.round);
    const scales = Array.from(randomTensor([10], 5, 0.0005, 0.002));
    const matrix = transposeB ? [10, 13] : [13, 10];
    const w = q.integers("w", { dtype: "i8", shape: matrix, data }, scales, 0, transposeB ? 0 : 1);
    q.constants.bias = weight([10], 6);
    const x = q.stored("x", X);
    if (op === "Gemm") q.add("Gemm", [x, w, "bias"], "y", { alpha: 1, beta: 1, transposeA: false, transposeB });
    else q.add("MatMul", [x, w], "y", {});
    const graph = q.graph({ x: shape }, [q.stored("y", A)]);
    const plan = planOf(graph);
    assertEquals(inBytes(plan), [true]);
    assert(operators(plan).includes("Conv+QuantizeLinear"), operators(plan).join());
    await compare(graph, A.scale, ROUNDED);
    const floats = q.graph({ x: shape }, ["y"]);
    assertEquals(inBytes(planOf(floats)), [true]);
    // The bias is rounded to units of the sums.
    await compare(floats, A.scale, { most: 2e-3, mean: 1e-3 });
  }
  // Factors, many rows and scales along the sums are left to matrices of floats.
  const q = new QdqBuilder();
  const data = Int8Array.from(randomTensor([13 * 10], 4, -127, 127), Math.round);
  q.integers("w", { dtype: "i8", shape: [13, 10], data }, [0.001], 0, 0);
  q.add("Gemm", [q.stored("x", X), "w"], "y", { alpha: 2, beta: 1, transposeA: false, transposeB: false });
  const scaled = q.graph({ x: [3, 13] }, ["y"]);
  assertEquals(inBytes(planOf(scaled)), []);
  await compare(scaled, A.scale, { most: 0.01, mean: 0.01 });
});

Deno.test("a whole YOLO11: attention and head are found behind DequantizeLinear, all convolutions compute in bytes", () => {
  const floats = foldBatchNormalization(yolo11({ width: 0.25, size: 64, classes: 3 }));
  // The expectation over the bins of a box (DFL) is a convolution to one channel, and part of the head.
  const isDfl = ({ inputs: [, weight] }: Node<"Conv">) => floats.constants.get(weight)!.shape[0] === 1;
  const plan = planOf(naivelyQuantized(floats, isDfl));
  const steps = operators(plan);
  for (const composite of ["Attention", "YoloOutput"]) assert(steps.includes(composite), composite);
  const convolutions = floats.nodes.filter((node) => node.op === "Conv" && !isDfl(node));
  assertEquals(inBytes(plan), convolutions.map(() => true));
  // The input of attention and the six maps of the head are floats again.
  assertEquals(steps.filter((operator) => operator === "DequantizeLinear").length, 7);
});

gpuTest("tuning measures the tiles of bytes apart from those of floats", async () => {
  const q = new QdqBuilder();
  q.conv(q.stored("x", X), "y", { weight: [6, 5, 1, 1], x: X });
  const graph = q.graph({ x: [1, 5, 7, 9] }, [q.stored("y", A)]);
  const device = await openSharedDevice();
  if (!device.timestamps) {
    await assertRejects(() => tune(device, graph), FeatherdetError, "timestamp");
    return;
  }
  const tuning = await tune(device, graph, { runs: 1 });
  const key = "1x1 s1 1x5x7x9->6x7x9 int8";
  assertEquals(Object.keys(tuning.choices), [key]);
  const { kernel, variant } = tuning.choices[key];
  const plan = buildPlan(graph, planningFor(device, storageForm(device, {}), tuning));
  const { chosen } = plan.contests.get(key)!;
  assertEquals([chosen.kernel, chosen.variant], [kernel, variant]);
  assertStringIncludes(plan.dispatches[2].kernel.label, "int8");
});

gpuTest("precision int8 takes quantized graphs, and refuses floats in a sentence", async (device) => {
  const session = await Session.create(block(1), { device, precision: "int8" });
  assertEquals(session.plan.form.scalar, "f32");
  session.destroy();
  const floats = graphOf({ x: [1, 4, 5, 5] }, ["y"], [node("Relu", ["x"], ["y"], {})]);
  const error = await assertRejects(() => Session.create(floats, { device, precision: "int8" }), FeatherdetError);
  assertStringIncludes(error.message, "the model is in floats");
  const detector = Detector.load(demoDetector({ size: 64 }), { device, precision: "int8" });
  assertStringIncludes((await assertRejects(() => detector, FeatherdetError)).message, "the model is in floats");
  const half = await Session.create(block(1), { device, precision: "f16" });
  const data = randomTensor([1, 3, 26, 18], 40);
  const { cv2_act: found } = await half.run({ x: { shape: [1, 3, 26, 18], data } });
  half.destroy();
  const expected = runReference(block(1), { x: referenceTensor([1, 3, 26, 18], data) }).get("cv2_act")!.data;
  const off = found.data.reduce((sum, value, i) => sum + Math.abs(value - expected[i]), 0) / expected.length;
  assert(off < 0.02, `${off} off in the mean`);
});
