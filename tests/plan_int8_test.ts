/**
 * Plans of quantized graphs: which steps they have, that nothing between int8 layers is a float, and that they compute what the
 * reference computes of the same graph.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { FeatherdetError, type Graph, type Node } from "../src/graph/mod.ts";
import { buildPlan, type Plan } from "../src/plan/plan.ts";
import { referenceTensor, runReference } from "../src/reference/run.ts";
import { Session } from "../src/session.ts";
import { gpuTest, testDevice } from "./support/gpu.ts";
import { QdqBuilder, type Scale } from "./support/qdq.ts";
import { randomTensor } from "./support/random.ts";
import { graphOf, node, PLAIN, weight } from "./support/tiny_graph.ts";

const X: Scale = { scale: 0.01, zero: 3 };
const A: Scale = { scale: 0.02, zero: -90 };
const B: Scale = { scale: 0.03, zero: 100, dtype: "u8" };

function planOf(graph: Graph): Plan {
  return buildPlan(graph, { form: { storage: "texture", scalar: "f32" }, maxPages: Infinity });
}

const operators = (plan: Plan) => plan.steps.map(({ operator }) => operator);

/** True where the step computes a convolution in whole numbers. */
const inBytes = ({ steps }: Plan) =>
  steps.filter(({ kernel }) => kernel.label.startsWith("conv")).map(({ kernel }) =>
    kernel.label.startsWith("conv int8")
  );

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
  for (const { kernel } of plan.steps.slice(2, -1)) {
    for (const binding of kernel.bindings) {
      if (binding.kind !== "read") continue;
      const { layout } = plan.placements.get(binding.value)!;
      assert(layout.kind === "blocked" && layout.int8, `${kernel.label} reads floats`);
    }
  }
  await compare(block(3), 0.02, { most: 3, mean: 0.1 });
});

Deno.test("memory: bytes have an arena of their own, a quarter of the size, and graphs of floats have none", () => {
  const plan = planOf(block(1));
  const { pages, int8Pages, pitch, form, plainBytes, memory } = plan;
  assert(int8Pages > 0);
  assertEquals(memory.planned, (pitch << form.pageShift) * 4 * (4 * pages + int8Pages) + plainBytes);
  assert(memory.lowerBound <= memory.planned);
  const floats = graphOf({ x: [1, 4, 5, 5] }, ["y"], [node("Relu", ["x"], ["y"], {})]);
  assertEquals(planOf(floats).int8Pages, 0);
  const relu = new QdqBuilder();
  relu.add("Relu", [relu.stored("x", X)], "r", {});
  const bytes = relu.graph({ x: [1, 4, 40, 40] }, [relu.stored("r", X)]);
  const ofFloats = graphOf({ x: [1, 4, 40, 40] }, ["s"], [
    node("Relu", ["x"], ["r"], {}),
    node("Relu", ["r"], ["s"], {}),
  ]);
  assert(planOf(bytes).memory.naive < 0.8 * planOf(ofFloats).memory.naive + 4 * 40 * 40 * 2 * 4);
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
  // The graph rounds the parts twice: it may be a step off.
  await compare(alone, X.scale, { most: 12, mean: 2 });

  q.conv("b_stored", "z", { weight: [3, 8, 3, 3], x: B });
  const shared = q.graph({ x: [1, 5, 6, 7] }, ["y_stored", q.stored("z", X)]);
  const plan = planOf(shared);
  assertEquals(operators(plan).filter((operator) => operator === "QuantizeLinear").length, 2);
  assertEquals(inBytes(plan), [true, true, true, true]);
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
  await compare(graph, B.scale, { most: 1.001, mean: 0.02 });
});

/** A convolution between two stored values, with what is changed about it. */
function single(change: (q: QdqBuilder, conv: Node<"Conv">) => Partial<Node<"Conv">>, outputs = ["y_stored"]): Graph {
  const q = new QdqBuilder();
  q.conv(q.stored("x", X), "y", { weight: [6, 5, 3, 3], x: X });
  const at = q.nodes.findIndex(({ op }) => op === "Conv");
  q.nodes[at] = { ...q.nodes[at], ...change(q, q.nodes[at] as Node<"Conv">) } as Node;
  q.stored("y", A);
  return q.graph({ x: [1, 5, 7, 9] }, outputs);
}

gpuTest("near misses compute in floats, and right", async () => {
  const allowed = { most: 1.001, mean: 0.02 };
  const cases: Record<string, Graph> = {
    "scales along the inputs": single((q, { inputs: [x, , bias] }) => {
      const { data } = q.constants.y_w_integers;
      q.nodes.splice(0, 0);
      const made = q.integers(
        "w2",
        { dtype: "i8", shape: [6, 5, 3, 3], data },
        [1, 2, 3, 4, 5].map((s) => s / 900),
        0,
        1,
      );
      return { inputs: [x, made, bias] };
    }),
    "weights that fit no signed byte": single((q, { inputs: [x, , bias] }) => {
      const data = Uint8Array.from(q.constants.y_w_integers.data, (value) => value + 128);
      return { inputs: [x, q.integers("w2", { dtype: "u8", shape: [6, 5, 3, 3], data }, [0.002], 20), bias] };
    }),
    "weights in floats": single((q, { inputs: [x, , bias] }) => {
      q.constants.w2 = weight([6, 5, 3, 3], 3);
      return { inputs: [x, "w2", bias] };
    }),
  };
  for (const [what, graph] of Object.entries(cases)) {
    // The pieces that were added stand behind their reader.
    const sorted: Graph = {
      ...graph,
      nodes: [...graph.nodes].sort((a, b) => Number(a.inputs.includes("w2")) - Number(b.inputs.includes("w2"))),
    };
    const ordered = {
      ...graph,
      nodes: [
        ...sorted.nodes.filter(({ outputs }) => outputs[0] === "w2"),
        ...graph.nodes.filter(({ outputs }) => outputs[0] !== "w2"),
      ],
    };
    const plan = planOf(ordered);
    assertEquals(inBytes(plan), [false], what);
    assert(operators(plan).includes("Conv+QuantizeLinear"), what);
    await compare(ordered, A.scale, allowed);
  }
});

gpuTest("results that floats are made of too stay floats, and are quantized apart", async () => {
  const graph = single(() => ({}), ["y_stored", "y"]);
  const plan = planOf(graph);
  assertEquals(inBytes(plan), [true]);
  assertEquals(
    operators(plan).slice(0, 4),
    ["ToBlocked", "QuantizeLinear", "Conv", "ToPlain"].slice(0, 3).concat(operators(plan)[3]),
  );
  assert(operators(plan).includes("QuantizeLinear"));
  await compare(graph, A.scale, { most: 1.001, mean: 0.02 });
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
  await compare(graph, A.scale, { most: 1.001, mean: 0.02 });
});

gpuTest("precision int8 takes quantized graphs, and refuses floats in a sentence", async (device) => {
  const session = await Session.create(block(1), { device, precision: "int8" });
  assertEquals(session.plan.form.scalar, "f32");
  session.destroy();
  const floats = graphOf({ x: [1, 4, 5, 5] }, ["y"], [node("Relu", ["x"], ["y"], {})]);
  const error = await assertRejects(() => Session.create(floats, { device, precision: "int8" }), FeatherdetError);
  assertStringIncludes(error.message, "the model is in floats");
  const half = await Session.create(block(1), { device, precision: "f16" });
  const data = randomTensor([1, 3, 26, 18], 40);
  const { cv2_act: found } = await half.run({ x: { shape: [1, 3, 26, 18], data } });
  half.destroy();
  const expected = runReference(block(1), { x: referenceTensor([1, 3, 26, 18], data) }).get("cv2_act")!.data;
  const off = found.data.reduce((sum, value, i) => sum + Math.abs(value - expected[i]), 0) / expected.length;
  assert(off < 0.02, `${off} off in the mean`);
});
