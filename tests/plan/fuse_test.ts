/**
 * Fusions: the plan of a graph gives what the reference gives for the unfused graph, in fewer dispatches.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { type Constant, type Graph, unaryRow } from "../../src/graph/mod.ts";
import { importOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { gpuTest } from "../support/gpu.ts";
import { comparePlan as compare } from "../support/plan_case.ts";
import { randomTensor } from "../support/random.ts";
import { graphOf, node, weight } from "../support/tiny_graph.ts";
import { UNARY_CASES, unaryName } from "../support/unary_cases.ts";

const conv = (pad: number, groups = 1, stride = 1) =>
  ({ strides: [stride, stride], pads: [pad, pad, pad, pad], dilations: [1, 1], groups }) as const;

/** A convolution node of a weight and a bias that are named after its output. */
const convNode = (x: string, y: string, pad: number, groups = 1, stride = 1) =>
  node("Conv", [x, `${y}_w`, `${y}_b`], [y], conv(pad, groups, stride));

function weights(spec: Readonly<Record<string, readonly number[]>>): Record<string, Constant> {
  return Object.fromEntries(
    Object.entries(spec).flatMap(([name, shape], i) => [
      [`${name}_w`, weight(shape, 2 * i + 1)],
      [`${name}_b`, weight([shape[0]], 2 * i + 2)],
    ]),
  );
}

gpuTest("fuse: BatchNormalization, Sigmoid and Mul join their convolution", async () => {
  const statistics = {
    s: weight([13], 5),
    h: weight([13], 6),
    m: weight([13], 7),
    v: { ...weight([13], 8), data: randomTensor([13], 8, 0.5, 2) },
  };
  const graph = graphOf({ x: [3, 5, 13, 9] }, ["y"], [
    convNode("x", "c", 1),
    node("BatchNormalization", ["c", "s", "h", "m", "v"], ["n"], { epsilon: 1e-3 }),
    node("Sigmoid", ["n"], ["g"], {}),
    node("Mul", ["n", "g"], ["y"], {}),
  ], { ...weights({ c: [13, 5, 3, 3] }), ...statistics });
  const { operators } = await compare(graph);
  assertEquals(operators, ["ToBlocked", "Conv+Silu", "ToPlain"]);
});

gpuTest(
  "fuse: every unary operator that takes all numbers joins its convolution, also as files spell it",
  async (_, step) => {
    // Each is another pipeline of a large shader, that of one pixel the smallest. Those that follow no convolution in practice have their own kernels tested alone.
    const constants = weights({ c: [6, 5, 1, 1] });
    const alone = ["Erf", "Cos", "Sign", "Floor", "Ceil", "Round"];
    const cases = UNARY_CASES.filter(({ op }) => unaryRow(op).least === undefined && !alone.includes(op));
    for (const one of cases) {
      await step(unaryName(one), async () => {
        const activation = node(one.op, ["c"], ["y"], one.attributes as never);
        const graph = graphOf({ x: [2, 5, 7, 9] }, ["y"], [convNode("x", "c", 0), activation], constants);
        const fused = ["ToBlocked", `Conv+${one.op}`, "ToPlain"];
        assertEquals((await compare(graph)).operators, fused);
        if (unaryRow(one.op).gate) assertEquals((await compare(importOnnx(saveOnnx(graph)))).operators, fused);
      });
    }
  },
);

gpuTest("fuse: a logarithm, which makes no number of the zeros in spare channels, stays apart", async () => {
  const positive = (shape: readonly number[]) => ({ ...weight(shape), data: randomTensor(shape, 3, 0.1, 1) });
  const graph = graphOf({ x: [2, 5, 7, 9] }, ["y"], [
    node("Exp", ["x"], ["e"], {}),
    convNode("e", "c", 1),
    node("Log", ["c"], ["y"], {}),
  ], { c_w: positive([6, 5, 3, 3]), c_b: positive([6]) });
  const { operators } = await compare(graph);
  assertEquals(operators.slice(-3), ["Conv", "Log", "ToPlain"]);
});

gpuTest("fuse: a residual joins after the activation, or before it", async () => {
  const constants = weights({ a: [8, 8, 3, 3], b: [8, 8, 3, 3], c: [8, 8, 1, 1] });
  const after = graphOf({ x: [1, 8, 7, 11] }, ["y"], [
    convNode("x", "a", 1),
    node("Silu", ["a"], ["s"], {}),
    convNode("s", "b", 1),
    node("Silu", ["b"], ["t"], {}),
    node("Add", ["x", "t"], ["y"], {}),
  ], constants);
  assertEquals((await compare(after)).operators, ["ToBlocked", "Conv+Silu", "Conv+Silu+Add", "ToPlain"]);
  const before = graphOf({ x: [2, 8, 7, 11], r: [2, 8, 7, 11] }, ["y"], [
    convNode("x", "c", 0),
    node("Add", ["c", "r"], ["t"], {}),
    node("Relu", ["t"], ["y"], {}),
  ], constants);
  assertEquals((await compare(before)).operators, ["ToBlocked", "ToBlocked", "Conv+Add+Relu", "ToPlain"]);
  const own = graphOf(
    { x: [2, 8, 7, 11] },
    ["y"],
    [convNode("x", "c", 0), node("Add", ["c", "x"], ["y"], {})],
    constants,
  );
  assertEquals((await compare(own)).operators, ["ToBlocked", "Conv", "Add", "ToPlain"]);
});

gpuTest("fuse: what others read or the graph returns is not swallowed", async () => {
  const graph = graphOf({ x: [1, 4, 6, 6] }, ["c", "y"], [
    convNode("x", "c", 1),
    node("Silu", ["c"], ["s"], {}),
    node("Add", ["s", "s"], ["d"], {}),
    node("Add", ["d", "c"], ["y"], {}),
  ], weights({ c: [4, 4, 3, 3] }));
  const { operators } = await compare(graph);
  assert(operators.includes("Conv"), operators.join());
});

gpuTest("views: split, branch and concat of a C2f block need no copies, batch 3", async () => {
  const graph = graphOf({ x: [3, 6, 9, 13] }, ["y"], [
    convNode("x", "stem", 0),
    node("Split", ["stem"], ["p", "q"], { axis: 1, sizes: [8, 8] }),
    convNode("q", "m", 1),
    node("Concat", ["p", "q", "m"], ["joint"], { axis: 1 }),
    convNode("joint", "y", 0),
  ], weights({ stem: [16, 6, 1, 1], m: [8, 8, 3, 3], y: [5, 24, 1, 1] }));
  assertEquals((await compare(graph)).operators, ["ToBlocked", "Conv", "Conv", "Conv", "ToPlain"]);
});

gpuTest("views: channels that are no multiple of four, repeated parts and inputs are copied correctly", async () => {
  const graph = graphOf({ x: [2, 7, 5, 9], z: [2, 4, 5, 9] }, ["y", "w"], [
    convNode("x", "a", 0),
    node("Split", ["a"], ["p", "q"], { axis: 1, sizes: [3, 6] }),
    node("Concat", ["q", "p", "q"], ["y"], { axis: 1 }),
    node("Relu", ["z"], ["r"], {}),
    node("Concat", ["r", "r", "z"], ["w"], { axis: 1 }),
  ], weights({ a: [9, 7, 1, 1] }));
  await compare(graph);
});

gpuTest("views: a step that reads a tensor and a part of it, which a buffer allows only apart", async () => {
  const graph = graphOf({ x: [1, 8, 6, 7] }, ["y"], [
    convNode("x", "a", 0),
    node("Split", ["a"], ["p", "q"], { axis: 1, sizes: [8, 8] }),
    convNode("a", "b", 0),
    node("Add", ["b", "q"], ["y"], {}),
  ], weights({ a: [16, 8, 1, 1], b: [8, 16, 1, 1] }));
  assert((await compare(graph)).operators.includes("Copy"));
});

/** The attention core of C2PSA as YOLO11 exports it. */
function attentionGraph(batch: number, heads: number, dk: number, dv: number, h: number, w: number): Graph {
  const length = h * w, channels = heads * (2 * dk + dv);
  const scale: Constant = { dtype: "f32", shape: [1], data: Float32Array.of(dk ** -0.5) };
  return graphOf({ x: [batch, 5, h, w] }, ["y"], [
    convNode("x", "qkv", 0),
    node("Reshape", ["qkv"], ["r"], { shape: [batch, heads, 2 * dk + dv, length] }),
    node("Split", ["r"], ["q", "k", "v"], { axis: 2, sizes: [dk, dk, dv] }),
    node("Mul", ["q", "scale"], ["qs"], {}),
    node("Transpose", ["qs"], ["qt"], { perm: [0, 1, 3, 2] }),
    node("MatMul", ["qt", "k"], ["scores"], {}),
    node("Softmax", ["scores"], ["p"], { axis: 3 }),
    node("Transpose", ["p"], ["pt"], { perm: [0, 1, 3, 2] }),
    node("MatMul", ["v", "pt"], ["o"], {}),
    node("Reshape", ["o"], ["out"], { shape: [batch, heads * dv, h, w] }),
    node("Reshape", ["v"], ["vm"], { shape: [batch, heads * dv, h, w] }),
    convNode("vm", "pe", 1, heads * dv),
    node("Add", ["out", "pe"], ["y"], {}),
  ], { ...weights({ qkv: [channels, 5, 1, 1], pe: [heads * dv, 1, 3, 3] }), scale });
}

gpuTest("fuse: self-attention in one dispatch, odd sizes, heads and batch", async () => {
  for (const [batch, heads, dk, dv, h, w] of [[1, 2, 8, 16, 7, 5], [3, 1, 4, 4, 13, 1], [2, 3, 8, 16, 3, 3]]) {
    const { operators } = await compare(attentionGraph(batch, heads, dk, dv, h, w), { tolerance: 5e-5 });
    assertEquals(operators, ["ToBlocked", "Conv", "Attention", "Conv+Add", "ToPlain"]);
  }
});

gpuTest("fuse: attention of key channels that fill no cell is left to the general kernels", async () => {
  const { operators } = await compare(attentionGraph(1, 2, 6, 10, 4, 5), { tolerance: 5e-5 });
  assert(operators.includes("Softmax") && !operators.includes("Attention"), operators.join());
});

gpuTest("fuse: attention whose scores somebody else reads is left to the general kernels", async () => {
  const graph = attentionGraph(1, 2, 8, 16, 4, 5);
  const { operators } = await compare({ ...graph, outputs: ["y", "qt"] }, { tolerance: 5e-5 });
  assert(operators.includes("Softmax") && !operators.includes("Attention"), operators.join());
});

gpuTest("fuse: a 1x1 convolution over a map wider than a texture row allows", async () => {
  const graph = graphOf({ x: [1, 5, 1, 4200] }, ["y"], [convNode("x", "y", 0)], weights({ y: [3, 5, 1, 1] }));
  assert((await compare(graph)).operators.includes("Conv"));
});

gpuTest("plans: constants are folded and unused nodes dropped", async () => {
  const graph = graphOf({ x: [1, 4, 3, 3] }, ["y"], [
    node("Exp", ["k"], ["e"], {}),
    node("Mul", ["x", "e"], ["y"], {}),
    node("Sqrt", ["x"], ["unused"], {}),
  ], { k: weight([1, 4, 1, 1], 3) });
  const { operators } = await compare(graph);
  assertEquals(operators.filter((name) => name === "Exp" || name === "Sqrt"), []);
});
