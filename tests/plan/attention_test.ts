/** Fusions of attention: gates in one dispatch, taken along by the convolution behind them; near misses are left alone. */

import { assert, assertEquals } from "@std/assert";
import type { Graph, Node } from "../../src/graph/mod.ts";
import { attention, cbam, simam, squeezeExcite } from "../../src/models/attention.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { buildPlan } from "../../src/plan/plan.ts";
import { gpuTest } from "../support/gpu.ts";
import { comparePlan } from "../support/plan_case.ts";

/** Operators of a plan between those that move tensors in and out. */
const between = (operators: readonly string[]) => operators.filter((name) => !/^To(Blocked|Plain)$/.test(name));

const operatorsOf = (graph: Graph, storage: "texture" | "buffer", maxStorageTextures?: number) =>
  between(
    buildPlan(graph, { form: { storage, scalar: "f32" }, maxPages: Infinity, maxStorageTextures })
      .dispatches.map(({ operator }) => operator),
  );

/** The middle of a MobileNetV3 block, with the residual if asked for; `more` may read any value of it. */
function mobileBlock(
  { residual = false, size = [13, 7] as readonly [number, number], batch = 3 },
  more: (b: ModelBuilder) => string[] = () => [],
): Graph {
  const b = new ModelBuilder({ seed: 2 });
  const x = b.conv("pre", b.input("x", [batch, 5, ...size]), { out: 10 });
  let y = b.conv("wide", x, { out: 18 });
  y = squeezeExcite(b, "se", b.activation("act", y, "hardswish"), { squeeze: 6, gate: "hardsigmoid" });
  y = b.conv("narrow", y, { out: 10 });
  if (residual) y = b.add("sum", x, y);
  return b.graph("block", [y, ...more(b)]);
}

gpuTest("squeeze-and-excitation: one dispatch, and none for the product before a convolution", async () => {
  const { operators } = await comparePlan(mobileBlock({}));
  assertEquals(between(operators), ["Conv", "Conv+HardSwish", "SqueezeExcite", "Mul+Conv"]);
  await comparePlan(mobileBlock({ size: [1, 127], batch: 1 }));
});

gpuTest(
  "squeeze-and-excitation: gate and residual of one convolution, as far as the adapter binds textures",
  async () => {
    const graph = mobileBlock({ residual: true });
    await comparePlan(graph);
    const all = ["Conv", "Conv+HardSwish", "SqueezeExcite", "Mul+Conv+Add"];
    assertEquals(operatorsOf(graph, "buffer"), all);
    assertEquals(operatorsOf(graph, "texture", 8), all);
    assertEquals(operatorsOf(graph, "texture"), [...all.slice(0, 3), "Mul+Conv", "Add"]);
  },
);

gpuTest("squeeze-and-excitation: what others read is made for them", async () => {
  const readers: readonly (readonly [(b: ModelBuilder) => string, string[]])[] = [
    [(b) => b.activation("y", "se.scale", "relu"), ["Conv", "Conv+HardSwish", "SqueezeExcite", "Mul", "Conv", "Relu"]],
    [(b) => b.activation("y", "se.pool", "relu"), [
      "Conv",
      "Conv+HardSwish",
      "GlobalAveragePool",
      "SqueezeExcite",
      "Mul+Conv",
      "Relu",
    ]],
    [() => "se.gate", ["Conv", "Conv+HardSwish", "SqueezeExcite", "Mul+Conv"]],
    [() => "se.act", ["Conv", "Conv+HardSwish", "GlobalAveragePool", "Conv+Relu", "Conv+HardSigmoid", "Mul+Conv"]],
  ];
  for (const [reader, expected] of readers) {
    const { operators } = await comparePlan(mobileBlock({}, (b) => [reader(b)]));
    assertEquals(between(operators).toSorted(), expected.toSorted());
  }
});

/** The graph with one node changed. */
function changed(graph: Graph, name: string, change: (node: Node) => Partial<Node>): Graph {
  const nodes = graph.nodes.map((node) => node.name === name ? { ...node, ...change(node) } as Node : node);
  assert(nodes.some((node, i) => node !== graph.nodes[i]), `no node ${name}`);
  return { ...graph, nodes };
}

gpuTest("squeeze-and-excitation: near misses are left to the general kernels", async () => {
  const graph = mobileBlock({});
  const maximum = changed(
    graph,
    "se.pool",
    () => ({ op: "ReduceMax", attributes: { axes: [2, 3], keepDims: true } } as Partial<Node>),
  );
  const sum = changed(
    graph,
    "se.pool",
    () => ({ op: "ReduceSum", attributes: { axes: [2, 3], keepDims: true } } as Partial<Node>),
  );
  for (const other of [maximum, sum]) {
    const { operators } = await comparePlan(other);
    assert(!operators.includes("SqueezeExcite"), operators.join());
  }
  const mean = changed(
    graph,
    "se.pool",
    () => ({ op: "ReduceMean", attributes: { axes: [2, 3], keepDims: true } } as Partial<Node>),
  );
  assert((await comparePlan(mean)).operators.includes("SqueezeExcite"));
});

/** A block between two convolutions; `more` may read any value of it. */
function between3x3(
  block: (b: ModelBuilder, x: string) => string,
  more: (b: ModelBuilder) => string[] = () => [],
): Graph {
  const b = new ModelBuilder({ seed: 2 });
  const x = b.conv("pre", b.input("x", [3, 5, 13, 7]), { out: 18 });
  return b.graph("block", [b.conv("post", block(b, x), { out: 4, kernel: 3 }), ...more(b)]);
}

gpuTest("gates before 3x3 convolutions with padding are taken along too", async () => {
  const { operators } = await comparePlan(between3x3((b, x) => attention(b, "se", x, { kind: "se" })));
  assertEquals(between(operators), ["Conv", "SqueezeExcite", "Mul+Conv"]);
});

gpuTest("CBAM: three dispatches; near misses are left to the general kernels", async () => {
  const block = (b: ModelBuilder, x: string) => cbam(b, "cbam", x, { reduction: 3 });
  const graph = between3x3(block);
  const fused = ["Conv", "SqueezeExcite2", "Mul+ChannelStatistics", "SpatialGate", "Conv"];
  assertEquals(between((await comparePlan(graph)).operators), fused);
  const seen = between3x3(block, (b) => [b.activation("y", "cbam.channel.scale", "relu"), "cbam.channel.gate"]);
  assertEquals(between((await comparePlan(seen)).operators).toSorted(), [...fused, "Relu"].toSorted());

  const misses: readonly (readonly [Graph, string])[] = [
    // A perceptron of its own for the maxima.
    [
      changed(graph, "cbam.channel.max.fc1", (node) => ({ inputs: [node.inputs[0], "other", node.inputs[2]] })),
      "SqueezeExcite2",
    ],
    [changed(graph, "cbam.channel.max.pool", () => ({ op: "ReduceSum" })), "SqueezeExcite2"],
    [changed(graph, "cbam.spatial.max", () => ({ op: "ReduceSum" })), "Mul+ChannelStatistics"],
    [{ ...graph, outputs: [...graph.outputs, "cbam.spatial.mean"] }, "Mul+ChannelStatistics"],
    [{ ...graph, outputs: [...graph.outputs, "cbam.spatial.gate"] }, "SpatialGate"],
  ];
  const weight = graph.constants.get("cbam.channel.fc1.weight")!;
  const other = { ...weight, data: weight.data.map((value) => value + 0.25) };
  for (const [miss, operator] of misses) {
    const { operators } = await comparePlan({ ...miss, constants: new Map([...miss.constants, ["other", other]]) });
    assert(!operators.includes(operator), `${operator} in ${operators.join()}`);
  }
});

gpuTest("CBAM: spatial attention without a channel gate, maximum before mean", async () => {
  const graph = between3x3((b, x) => {
    const over = { axes: [1], keepDims: true };
    const both = [b.node("ReduceMax", "most", [x], over), b.node("ReduceMean", "mean", [x], over)];
    const gate = b.activation("gate", b.conv("conv", b.concat("both", both), { out: 1, kernel: 3 }), "sigmoid");
    return b.mul("scale", gate, x);
  });
  assertEquals(between((await comparePlan(graph)).operators), ["Conv", "ChannelStatistics", "SpatialGate", "Conv"]);
});

gpuTest("SimAM: one dispatch, however its constants are spelt; near misses are left alone", async () => {
  const graph = between3x3((b, x) => simam(b, "simam", x, { lambda: 1e-2 }));
  assertEquals(between((await comparePlan(graph)).operators), ["Conv", "SimAM", "Conv"]);

  // d / (4 (sum / n + lambda)) + 0.5
  const spelt = between3x3((b, x) => {
    const scalar = (name: string, value: number) => b.constant(name, [1], Float32Array.of(value));
    const over = { axes: [2, 3], keepDims: true };
    const d = b.node("Sub", "d", [x, b.node("ReduceMean", "mean", [x], over)], {});
    const squares = b.mul("squares", d, d);
    const variance = b.node("Div", "v", [b.node("ReduceSum", "sum", [squares], over), scalar("n", 13 * 7 - 1)], {});
    const energy = b.node("Div", "e", [
      squares,
      b.mul("four", scalar("4", 4), b.add("lambda", variance, scalar("l", 1e-2))),
    ], {});
    return b.mul("y", b.activation("gate", b.add("half", energy, scalar("h", 0.5)), "sigmoid"), x);
  });
  assertEquals(between((await comparePlan(spelt)).operators), ["Conv", "SimAM", "Conv"]);

  const misses = [
    { ...graph, outputs: [...graph.outputs, "simam.squares"] },
    changed(graph, "simam.scale", ({ inputs }) => ({ inputs: ["simam.deviation", inputs[1]] })),
    changed(graph, "simam.sum", () => ({ op: "ReduceMax" })),
    changed(
      graph,
      "simam.mean",
      () => ({ op: "ReduceSum", attributes: { axes: [2, 3], keepDims: true } } as Partial<Node>),
    ),
    changed(graph, "simam.squares", ({ inputs }) => ({ inputs: [inputs[0], "pre"] })),
    changed(graph, "simam.gate", () => ({ op: "Tanh" })),
  ];
  for (const miss of misses) {
    const { operators } = await comparePlan(miss);
    assert(!operators.includes("SimAM"), operators.join());
  }
});
