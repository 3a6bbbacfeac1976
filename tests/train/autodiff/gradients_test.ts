/**
 * Gradient graphs against finite differences in float64, rule by rule.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  FeatherdetError,
  type Graph,
  type Node,
  type Operator,
  type OperatorAttributes,
  type Shape,
  TRAINING_OPERATORS,
  unaryRow,
  verify,
} from "../../../src/graph/mod.ts";
import { ARITY } from "../../../src/graph/arity.ts";
import { referenceTensor, runReference } from "../../../src/reference/run.ts";
import { buildGradientGraph } from "../../../src/train/autodiff/gradient_graph.ts";
import { isDifferentiable } from "../../../src/train/autodiff/table.ts";
import { checkGradients, distinct, type GradientCheck, uniform } from "../../support/finite_differences.ts";
import { graphOf, node, weight } from "../../support/tiny_graph.ts";
import { UNARY_CASES } from "../../support/unary_cases.ts";

interface Case extends GradientCheck {
  readonly what: string;
  readonly node: Node;
  readonly shapes: readonly Shape[];
  /** How the first input is drawn. */
  readonly draw?: typeof uniform;
  /** Bounds of inputs that are drawn evenly. */
  readonly range?: readonly [number, number];
}

const names = (count: number) => ["a", "b", "c", "d", "e"].slice(0, count);

function made<K extends Operator>(
  op: K,
  shapes: readonly Shape[],
  attributes: OperatorAttributes[K],
  more: Partial<Case> = {},
  outputs: readonly string[] = ["y"],
): Case {
  const text = JSON.stringify(attributes, (_, value) => value === Infinity ? "inf" : value).replaceAll('"', "");
  return {
    what: `${op} ${shapes.map((shape) => `[${shape}]`).join(" ")} ${text}`,
    node: node(op, names(shapes.length), outputs, attributes),
    shapes,
    ...more,
  };
}

const conv = (
  strides: readonly [number, number],
  pads: readonly [number, number, number, number],
  dilations: readonly [number, number],
  groups: number,
) => ({ strides, pads, dilations, groups });

const pool = (
  kernel: readonly [number, number],
  strides: readonly [number, number],
  pads: readonly [number, number, number, number],
  ceilMode = false,
  dilations: readonly [number, number] = [1, 1],
) => ({ kernel, strides, pads, dilations, ceilMode });

const CONVOLUTIONS: Case[] = [
  made("Conv", [[1, 1, 13, 7], [1, 1, 1, 1], [1]], conv([1, 1], [0, 0, 0, 0], [1, 1], 1)),
  made("Conv", [[3, 2, 13, 7], [4, 2, 3, 3], [4]], conv([2, 2], [1, 1, 1, 1], [1, 1], 1)),
  made("Conv", [[1, 2, 12, 8], [3, 2, 3, 3]], conv([2, 3], [0, 0, 0, 0], [1, 1], 1)),
  made("Conv", [[1, 2, 13, 7], [3, 2, 2, 4], [3]], conv([1, 2], [0, 1, 2, 3], [1, 1], 1)),
  made("Conv", [[1, 4, 13, 7], [6, 2, 3, 3], [6]], conv([2, 2], [2, 1, 1, 2], [2, 2], 2)),
  made("Conv", [[2, 5, 13, 7], [5, 1, 3, 3], [5]], conv([2, 2], [1, 1, 1, 1], [1, 1], 5)),
  made("Conv", [[1, 3, 11, 7], [6, 1, 5, 2]], conv([1, 1], [2, 0, 2, 1], [1, 1], 3)),
  made("Conv", [[1, 2, 13, 7], [2, 2, 1, 1]], conv([3, 2], [0, 0, 0, 0], [1, 1], 1)),
  made("ConvTranspose", [[2, 2, 5, 3], [2, 3, 3, 3], [3]], {
    ...conv([2, 2], [1, 1, 1, 1], [1, 1], 1),
    outputPadding: [1, 0],
  }),
  made("ConvTranspose", [[1, 4, 5, 4], [4, 1, 2, 2]], {
    ...conv([2, 2], [0, 0, 0, 0], [1, 1], 2),
    outputPadding: [0, 0],
  }),
  made("ConvTranspose", [[1, 2, 5, 4], [2, 2, 3, 2], [2]], {
    ...conv([1, 2], [0, 1, 1, 0], [3, 2], 1),
    outputPadding: [2, 1],
  }),
];

const ELEMENTWISE: Case[] = [
  // `distinct` keeps clear of kinks.
  ...UNARY_CASES.map(({ op, attributes }) =>
    made(
      op,
      [[1, 3, 13, 7]],
      attributes as never,
      unaryRow(op).least === undefined ? { draw: distinct } : { range: [0.3, 3] },
    )
  ),
  ...(["Add", "Sub", "Mul", "Div"] as const).flatMap((op) =>
    ([
      [[2, 3, 13, 7], [2, 3, 13, 7]],
      [[2, 3, 5, 7], [3, 1, 1]],
      [[1, 7], [3, 5, 1]],
      [[2, 1, 5, 1], [1, 3, 1, 7]],
      [[5, 7], []],
      [[], [5, 1]],
      [[7], [1, 1, 7]],
    ] as const).map((shapes) => made(op, shapes, {}, { range: [0.5, 2] }))
  ),
  // Drawn at tens, elements are not so near each other that a step changes which is greater.
  ...(["Max", "Min"] as const).flatMap((op) =>
    ([[[2, 3, 5, 7], [2, 3, 5, 7]], [[2, 3, 5, 7], [3, 1, 1]], [[1, 7], [3, 5, 1]]] as const).map((shapes) =>
      made(op, shapes, {}, { range: [-20, 20] })
    )
  ),
  made("Mask", [[3, 1, 7], [2, 3, 5, 7]], {}, { range: [0.5, 2], wrt: ["b"] }),
  ...[0, 1, 2].map((axis) => made("Softmax", [[3, 13, 7]], { axis })),
  made("Softmax", [[1, 1]], { axis: 1 }),
];

const NORMS: Case[] = [
  made("BatchNormalization", [[3, 2, 13, 7], [2], [2], [2], [2]], { epsilon: 1e-3 }, {
    range: [0.5, 2],
    wrt: ["a", "b", "c"],
  }),
  made("BatchNormalization", [[3, 5], [5], [5], [5], [5]], { epsilon: 1e-3 }, {
    range: [0.5, 2],
    wrt: ["a", "b", "c"],
  }),
  ...([[3, 2, 13, 7], [1, 1, 13, 7], [5, 3], [2, 4, 1, 1]] as const).map((shape) =>
    made(
      "BatchNormTraining",
      [shape, [shape[1]], [shape[1]], [shape[1]], [shape[1]]],
      { epsilon: 1e-3, momentum: 0.03 },
      { wrt: ["a", "b", "c"], outputs: ["y"], range: [-2, 2] },
      ["y", "mean", "inverse", "running_mean", "running_variance"],
    )
  ),
];

const nearest = { mode: "nearest", coordinates: "asymmetric", nearest: "floor" } as const;
const linear = { mode: "linear", nearest: "round_prefer_floor" } as const;

const WINDOWS: Case[] = [
  made("MaxPool", [[3, 1, 13, 7]], pool([5, 5], [1, 1], [2, 2, 2, 2]), { draw: distinct }),
  made("MaxPool", [[1, 2, 13, 7]], pool([2, 3], [2, 2], [0, 1, 1, 0]), { draw: distinct }),
  made("MaxPool", [[1, 2, 13, 8]], pool([3, 3], [2, 2], [1, 0, 1, 0], true), { draw: distinct }),
  made("MaxPool", [[1, 2, 13, 8]], pool([3, 2], [2, 1], [1, 1, 1, 1], false, [2, 2]), { draw: distinct }),
  made("AveragePool", [[2, 3, 13, 7]], { ...pool([2, 2], [2, 2], [0, 0, 0, 0]), countIncludePad: false }),
  made("AveragePool", [[1, 2, 13, 7]], { ...pool([3, 4], [2, 1], [1, 2, 0, 1]), countIncludePad: false }),
  made("AveragePool", [[1, 2, 13, 7]], { ...pool([3, 4], [2, 1], [1, 2, 0, 1]), countIncludePad: true }),
  made("AveragePool", [[1, 2, 14, 8]], { ...pool([3, 3], [2, 2], [1, 1, 1, 1], true), countIncludePad: false }),
  made("AveragePool", [[1, 2, 14, 8]], { ...pool([3, 3], [2, 2], [1, 1, 1, 1], true), countIncludePad: true }),
  made("AveragePool", [[1, 1, 10, 9]], { ...pool([2, 2], [4, 4], [0, 0, 0, 0]), countIncludePad: false }),
  made("GlobalAveragePool", [[3, 2, 13, 7]], {}),
  made("GlobalAveragePool", [[1, 2, 1, 1]], {}),
  made("Resize", [[2, 3, 13, 7]], { ...nearest, size: [26, 14], scales: [2, 2] }),
  made("Resize", [[1, 1, 13, 7]], { ...nearest, size: [9, 11], scales: [9 / 13, 11 / 7] }),
  made("Resize", [[1, 2, 13, 7]], {
    ...nearest,
    coordinates: "half_pixel",
    nearest: "round_prefer_ceil",
    size: [6, 21],
    scales: [0.5, 3],
  }),
  ...(["half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners"] as const).map((coordinates) =>
    made("Resize", [[1, 2, 13, 7]], { ...linear, coordinates, size: [20, 5], scales: [20 / 13, 5 / 7] })
  ),
  made("Resize", [[1, 1, 4, 7]], { ...linear, coordinates: "align_corners", size: [1, 14], scales: [0.25, 2] }),
];

const gemm = (alpha: number, beta: number, transposeA: boolean, transposeB: boolean) => ({
  alpha,
  beta,
  transposeA,
  transposeB,
});

const CONTRACTIONS: Case[] = [
  made("Gemm", [[3, 5], [5, 7], [7]], gemm(1, 1, false, false)),
  made("Gemm", [[3, 5], [7, 5], [3, 1]], gemm(0.5, 2, false, true)),
  made("Gemm", [[5, 3], [5, 7], []], gemm(2, -1, true, false)),
  made("Gemm", [[5, 3], [7, 5], [3, 7]], gemm(0.7, 1, true, true)),
  made("Gemm", [[5, 1], [7, 5]], gemm(1, 1, true, true)),
  made("MatMul", [[3, 5], [5, 7]], {}),
  made("MatMul", [[2, 3, 5, 4], [2, 3, 4, 7]], {}),
  made("MatMul", [[2, 3, 5, 4], [4, 7]], {}),
  made("MatMul", [[5, 4], [3, 1, 4, 7]], {}),
  made("MatMul", [[2, 1, 5, 4], [1, 3, 4, 1]], {}),
  ...(["ReduceSum", "ReduceMean", "ReduceMax"] as const).flatMap((op) =>
    ([[0], [1, 3], [0, 1, 2, 3]] as const).flatMap((axes) =>
      [true, false].map((keepDims) => made(op, [[2, 3, 5, 7]], { axes, keepDims }, { draw: distinct }))
    )
  ),
];

const ARRANGEMENTS: Case[] = [
  ...[0, 1, 2].map((axis) => {
    const part = (extent: number) => [3, 5, 2].with(axis, extent);
    return made("Concat", [part(4), part(1), part(7)], { axis });
  }),
  ...[["a"], ["b"], ["c"], ["a", "c"]].map((wrt) => {
    const found = made("Concat", [[2, 4, 3], [2, 1, 3], [2, 7, 3]], { axis: 1 }, { wrt });
    return { ...found, what: `${found.what} by ${wrt}` };
  }),
  ...[["p"], ["q"], ["r"], ["p", "r"], ["q", "s"], ["p", "q", "r", "s"]].map((outputs) => {
    const sizes = [4, 1, 7, 2];
    const found = made("Split", [[2, 14, 3]], { axis: 1, sizes }, { outputs }, ["p", "q", "r", "s"]);
    return { ...found, what: `${found.what} to ${outputs}` };
  }),
  made("Slice", [[3, 13, 7]], { axes: [1], starts: [2], ends: [9], steps: [1] }),
  made("Slice", [[3, 13, 7]], { axes: [2, 0, 1], starts: [1, 1, 0], ends: [7, 3, 13], steps: [2, 1, 3] }),
  made("Slice", [[3, 13, 8]], { axes: [2], starts: [0], ends: [8], steps: [3] }),
  made("Slice", [[3, 13, 7]], { axes: [1, 2], starts: [12, 5], ends: [-1, 0], steps: [-1, -2] }),
  made("Slice", [[13]], { axes: [0], starts: [11], ends: [2], steps: [-4] }),
  made("Slice", [[13]], { axes: [0], starts: [4], ends: [3], steps: [-4] }),
  made("Reshape", [[3, 4, 7]], { shape: [2, 42] }),
  made("Transpose", [[3, 4, 7]], { perm: [2, 0, 1] }),
  made("Transpose", [[2, 3, 4, 5]], { perm: [1, 3, 0, 2] }),
  ...(["constant", "edge", "reflect"] as const).flatMap((mode) => [
    made("Pad", [[3, 5, 7]], { mode, pads: [0, 2, 1, 1, 0, 3], value: 0.5 }),
    made("Pad", [[1, 1, 4, 3]], { mode, pads: [0, 0, 3, 0, 0, 0, 1, 2], value: 0 }),
  ]),
  // Rounded to f32, which finite differences notice.
  made("Cast", [[3, 5]], { to: "f32" }, { step: 1, tolerance: 1e-6 }),
];

const CASES = [...CONVOLUTIONS, ...ELEMENTWISE, ...NORMS, ...WINDOWS, ...CONTRACTIONS, ...ARRANGEMENTS];

for (const { what, node: tested, shapes, draw = uniform, range = [-1, 1], ...check } of CASES) {
  Deno.test(`gradient of ${what}`, () => {
    const inputs = names(shapes.length);
    const feeds = Object.fromEntries(inputs.map((name, i) => {
      const tensor = i === 0 && draw === distinct ? distinct(shapes[0], 5) : uniform(shapes[i], 11 + i, ...range);
      // Variances are positive.
      const positive = tested.op === "BatchNormTraining" && i === 4;
      return [name, positive ? { ...tensor, data: tensor.data.map(Math.abs) } : tensor];
    }));
    const graph = graphOf(Object.fromEntries(inputs.map((name, i) => [name, shapes[i]])), tested.outputs, [tested]);
    checkGradients(graph, feeds, check);
  });
}

Deno.test("every operator through which gradients go has a case", () => {
  const covered = new Set(CASES.map(({ node: { op } }) => op));
  const operators = (Object.keys(ARITY) as Operator[]).filter(isDifferentiable);
  // Straight-through gradients are not those of what is computed: see `fake_quantize_test.ts`.
  const straightThrough = ["FakeQuantize", "FakeQuantizeWeights", "NoisyQuantize"];
  // Steps: their gradient is none.
  const steps = ["Less", "LessOrEqual", "Equal"];
  assertEquals(operators.filter((op) => !covered.has(op)), [...steps, ...straightThrough]);
  const used = new Set(CASES.flatMap(({ node: tested, shapes }) => {
    const inputs = names(shapes.length);
    const graph = graphOf(Object.fromEntries(inputs.map((name, i) => [name, shapes[i]])), ["y"], [tested]);
    return tested.outputs.includes("y")
      ? buildGradientGraph(graph, { seeds: { y: "dy" }, wrt: ["a"] }).graph.nodes.map(({ op }) => op)
      : [];
  }));
  // The gradient of a weight, the losses, where gradients begin, what recomputation adds, and what is no gradient.
  const elsewhere = ["ConvWeightGradient", "DetectionLoss", "AnchorLoss", "BatchNormApply", ...straightThrough];
  assertEquals(TRAINING_OPERATORS.filter((op) => !used.has(op) && !elsewhere.includes(op)), []);
});

Deno.test("several readers' gradients are summed, and a node may read a value twice", () => {
  const graph = graphOf({ x: [3, 5], w: [3, 5] }, ["y", "z"], [
    node("Mul", ["x", "x"], ["square"], {}),
    node("Exp", ["x"], ["power"], {}),
    node("Add", ["square", "power"], ["y"], {}),
    node("Mul", ["power", "w"], ["z"], {}),
  ]);
  checkGradients(graph, { x: uniform([3, 5], 1), w: uniform([3, 5], 2) });
});

Deno.test("a value in between and an output that others read have gradients, too", () => {
  const graph = graphOf({ x: [3, 5] }, ["h", "y"], [
    node("Silu", ["x"], ["h"], {}),
    node("Tanh", ["h"], ["y"], {}),
  ]);
  checkGradients(graph, { x: uniform([3, 5], 1) });
  const { graph: joint, gradients } = buildGradientGraph(graph, { seeds: { y: "dy" }, wrt: ["h"] });
  const dy = uniform([3, 5], 4), x = uniform([3, 5], 1);
  const values = runReference(joint, { x, dy });
  const y = values.get("y")!.data;
  values.get(gradients.get("h")!)!.data.forEach((value, i) => {
    assert(Math.abs(value - dy.data[i] * (1 - y[i] ** 2)) < 1e-15);
  });
});

/** A chain of two convolutions with a loss. */
function chain(): Graph {
  const attributes = conv([1, 1], [1, 1, 1, 1], [1, 1], 1);
  return graphOf({ x: [2, 3, 5, 7] }, ["loss"], [
    node("Conv", ["x", "w1", "b1"], ["h"], attributes),
    node("Silu", ["h"], ["s"], {}),
    node("Conv", ["s", "w2"], ["y"], attributes),
    node("ReduceMean", ["y"], ["loss"], { axes: [0, 1, 2, 3], keepDims: false }),
    node("Sigmoid", ["y"], ["score"], {}),
  ], { w1: weight([4, 3, 3, 3]), b1: weight([4], 2), w2: weight([2, 4, 3, 3], 3) });
}

const operators = (graph: Graph) => graph.nodes.map(({ op }) => op);

Deno.test("only what is asked for is computed: nothing behind the last parameter, nothing for the picture", () => {
  const last = buildGradientGraph(chain(), { losses: ["loss"], wrt: ["w2"] }).graph;
  assertEquals(operators(last), ["Conv", "Silu", "Conv", "ReduceMean", "Reshape", "Mul", "ConvWeightGradient"]);
  const first = buildGradientGraph(chain(), { losses: ["loss"], wrt: ["b1"] }).graph;
  assertEquals(operators(first).slice(5), ["Mul", "ConvTranspose", "ActivationGradient", "ReduceSum"]);
  assertEquals(first.inputs, chain().inputs);
});

Deno.test("constants stay constants, and a loss starts with 1", () => {
  const source = chain();
  const wrt = ["w1", "b1", "w2"];
  const { graph, gradients } = buildGradientGraph(source, { losses: ["loss"], wrt });
  const x = uniform([2, 3, 5, 7], 9);
  const found = runReference(graph, { x });
  // The same with the weights as inputs, whose gradients are compared with finite differences.
  const asInputs: Graph = {
    ...source,
    inputs: [...source.inputs, ...wrt.map((name) => ({ name, ...source.constants.get(name)! }))],
    constants: new Map(),
  };
  const weights = Object.fromEntries(wrt.map((name) => {
    const { shape, data } = source.constants.get(name)!;
    return [name, referenceTensor(shape, data)];
  }));
  checkGradients(asInputs, { x, ...weights });
  const other = buildGradientGraph(asInputs, { losses: ["loss"], wrt });
  const expected = runReference(other.graph, { x, ...weights });
  for (const name of wrt) {
    assertEquals(found.get(gradients.get(name)!)!.data, expected.get(other.gradients.get(name)!)!.data);
  }
});

Deno.test("a seed may be a value of the graph, and names without influence have no gradient", () => {
  const graph = graphOf({ x: [5], idle: [5] }, ["y", "d"], [
    node("Exp", ["x"], ["y"], {}),
    node("Neg", ["y"], ["d"], {}),
  ]);
  const { graph: joint, gradients } = buildGradientGraph(graph, { seeds: { y: "d" }, wrt: ["x", "idle"] });
  assertEquals([...gradients.keys()], ["x"]);
  assertEquals(joint.inputs, graph.inputs);
  const values = runReference(joint, { x: uniform([5], 1), idle: uniform([5], 1) });
  const y = values.get("y")!.data;
  values.get(gradients.get("x")!)!.data.forEach((value, i) => assertEquals(value, -y[i] * y[i]));
});

Deno.test("equal greatest elements: a window's first has the gradient, a reduction's share it", () => {
  const x = referenceTensor([1, 1, 2, 3], [1, 1, 0, 0, 1, 1]);
  const of = (tested: Node, shape: Shape, dy: number[]) => {
    const { graph, gradients } = buildGradientGraph(graphOf({ a: [1, 1, 2, 3] }, ["y"], [tested]), {
      seeds: { y: "dy" },
      wrt: ["a"],
    });
    return [...runReference(graph, { a: x, dy: referenceTensor(shape, dy) }).get(gradients.get("a")!)!.data];
  };
  const windows = node("MaxPool", ["a"], ["y"], pool([2, 2], [1, 1], [0, 0, 0, 0]));
  assertEquals(of(windows, [1, 1, 1, 2], [3, 5]), [3, 5, 0, 0, 0, 0]);
  const whole = node("ReduceMax", ["a"], ["y"], { axes: [2, 3], keepDims: true });
  assertEquals(of(whole, [1, 1, 1, 1], [2]), [0.5, 0.5, 0, 0, 0.5, 0.5]);
});

Deno.test("the running averages move towards the batch, the variance without bias", () => {
  const shape = [2, 2, 3, 1];
  const graph = graphOf(
    { x: shape, scale: [2], bias: [2], mean: [2], variance: [2] },
    ["y", "m", "i", "rm", "rv"],
    [node("BatchNormTraining", ["x", "scale", "bias", "mean", "variance"], ["y", "m", "i", "rm", "rv"], {
      epsilon: 0,
      momentum: 0.25,
    })],
  );
  const x = referenceTensor(shape, [1, 2, 3, 0, 0, 0, 4, 5, 9, 0, 0, 6]);
  const vector = (...numbers: number[]) => referenceTensor([2], numbers);
  const values = runReference(graph, {
    x,
    scale: vector(1, 2),
    bias: vector(0, 1),
    mean: vector(8, 0),
    variance: vector(1, 2),
  });
  const near = (name: string, expected: number[]) =>
    expected.forEach((value, i) => assert(Math.abs(values.get(name)!.data[i] - value) < 1e-12, `${name}[${i}]`));
  // Channel 0 holds 1 2 3 4 5 9 (mean 4, squares 40), channel 1 five zeros and a 6 (mean 1, squares 30).
  near("m", [4, 1]);
  near("i", [1 / Math.sqrt(40 / 6), 1 / Math.sqrt(5)]);
  near("rm", [0.75 * 8 + 0.25 * 4, 0.25]);
  near("rv", [0.75 + 0.25 * 8, 0.75 * 2 + 0.25 * 6]);
  near("y", [-3 / Math.sqrt(40 / 6)]);
});

const REFUSED: readonly [
  what: string,
  graph: Graph,
  options: Parameters<typeof buildGradientGraph>[1],
  message: string,
][] = [
  [
    "a loss of several elements",
    chain(),
    { losses: ["y"], wrt: ["w1"] },
    'loss "y" is [2,2,5,7], a loss has one element',
  ],
  ["a name that does not exist", chain(), { losses: ["loss"], wrt: ["w9"] }, 'value "w9" does not exist'],
  ["neither losses nor seeds", chain(), { wrt: ["w1"] }, "start at losses or seeds: state at least one"],
  [
    "a weight of several elements",
    chain(),
    { losses: [{ value: "loss", weight: "b1" }], wrt: ["w1"] },
    'weight "b1" of loss "loss" is [4], it has one element',
  ],
  [
    "a seed of another shape",
    chain(),
    { seeds: { y: "x" }, wrt: ["w1"] },
    '"y", which it is stated for, is [2,2,5,7]',
  ],
  [
    "a rounding on the way",
    graphOf({ x: [4] }, ["y"], [
      node("QuantizeLinear", ["x", "scale", "zero"], ["q"], { axis: 0 }),
      node("DequantizeLinear", ["q", "scale", "zero"], ["y"], { axis: 0 }),
    ], {
      scale: { dtype: "f32", shape: [], data: Float32Array.of(0.5) },
      zero: { dtype: "i8", shape: [], data: Int8Array.of(0) },
    }),
    { seeds: { y: "dy" }, wrt: ["x"] },
    'DequantizeLinear "make_y": no gradient goes through it: rounding has no slope',
  ],
  [
    "a gradient of a gradient",
    graphOf({ y: [4], dy: [4] }, ["d"], [node("SoftmaxGradient", ["y", "dy"], ["d"], { axis: 0 })]),
    { seeds: { d: "dd" }, wrt: ["y"] },
    "gradients of gradients are not supported",
  ],
  [
    "a gradient of batch statistics",
    graphOf({ x: [4, 2], v: [2] }, ["m"], [
      node("BatchNormTraining", ["x", "v", "v", "v", "v"], ["y", "m", "i", "rm", "rv"], {
        epsilon: 1e-3,
        momentum: 0.1,
      }),
    ]),
    { seeds: { m: "dm" }, wrt: ["x"] },
    "no gradient goes through the batch's statistics",
  ],
];

for (const [what, graph, options, message] of REFUSED) {
  Deno.test(`gradients refuse ${what}`, () => {
    assertThrows(() => buildGradientGraph(graph, options), FeatherdetError, message);
  });
}

const MISSHAPEN: readonly [tested: Node, shapes: readonly Shape[], message: string][] = [
  [
    node("ConvWeightGradient", ["a", "b"], ["y"], { ...conv([2, 2], [0, 0, 0, 0], [1, 1], 1), kernel: [3, 3] }),
    [[1, 2, 13, 7], [1, 4, 6, 4]],
    "gradient of the output must be [1,4,6,3] but is [1,4,6,4]",
  ],
  [
    node("ConvWeightGradient", ["a", "b"], ["y"], { ...conv([1, 1], [0, 0, 0, 0], [1, 1], 2), kernel: [1, 1] }),
    [[1, 3, 5, 5], [1, 4, 5, 5]],
    "with 2 groups does not fit the 3 channels",
  ],
  [
    node("MaxPoolGradient", ["a", "b"], ["y"], pool([2, 2], [2, 2], [0, 0, 0, 0])),
    [[1, 1, 5, 5], [1, 1, 3, 2]],
    "[1,1,2,2]",
  ],
  [
    node("ReduceMaxGradient", ["a", "b"], ["y"], { axes: [1], keepDims: false }),
    [[3, 5], [3, 1]],
    "must be [3] but is",
  ],
  [
    node("ResizeGradient", ["a"], ["y"], { ...nearest, size: [4, 4], scales: [2, 2], from: [3, 2] }),
    [[1, 1, 4, 4]],
    "do not lead from input [1,1,3,2]",
  ],
  [node("SoftmaxGradient", ["a", "b"], ["y"], { axis: 2 }), [[3, 5], [3, 5]], "axis 2 is not an axis of [3,5]"],
  [node("ActivationGradient", ["a", "b"], ["y"], { activation: "Relu" }), [[3, 5], [5]], "must be [3,5] but is [5]"],
  [
    node("BatchNormGradient", ["a", "b", "b", "b", "a"], ["y", "p", "q"], {}),
    [[3, 5], [4]],
    "scale must be [5] but is [4]",
  ],
  [
    node("BatchNormApply", ["a", "b", "b", "b", "c"], ["y"], {}),
    [[3, 5, 2], [5], [2]],
    "inverse deviation must be [5] but is [2]",
  ],
];

for (const [tested, shapes, message] of MISSHAPEN) {
  Deno.test(`${tested.op} refuses shapes that do not fit: ${message}`, () => {
    const inputs = Object.fromEntries(shapes.map((shape, i) => [names(shapes.length)[i], shape]));
    assertThrows(() => verify(graphOf(inputs, ["y"], [tested])), FeatherdetError, message);
  });
}
