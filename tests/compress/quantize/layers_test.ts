/** Integer weights and biases, bias correction and cross-layer equalisation, by hand and on cases made for them. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { expectedErrors } from "../../../src/compress/quantize/bias_correction.ts";
import { equalisablePairs, equalise } from "../../../src/compress/quantize/equalise.ts";
import { quantizeBias, quantizeWeights } from "../../../src/compress/quantize/weights.ts";
import type { Constant, Graph, Node } from "../../../src/graph/mod.ts";
import { referenceTensor, runReference } from "../../../src/reference/run.ts";
import { randomTensor } from "../../support/random.ts";
import { graphOf, node, PLAIN, weight } from "../../support/tiny_graph.ts";

const CONV = { ...PLAIN, groups: 1 };
const WHOLE = { clip: false }, CLIPPED = { clip: true };
const NO_BIAS = { inputScale: 0.1 };

const constant = (shape: readonly number[], data: readonly number[]): Constant => {
  return { dtype: "f32", shape, data: Float32Array.from(data) };
};

Deno.test("weights: a scale for each channel, or one, worked by hand", () => {
  const weights = constant([2, 2, 1, 1], [1.27, -0.635, 0.1, 0.254]);
  const { data, scales } = quantizeWeights(weights, 0, WHOLE, NO_BIAS);
  assertEquals([...scales], [0.01, 0.002].map(Math.fround));
  // 63.5 steps: the even one of 63 and 64. f32 leaves 1.27 / 0.01 within rounding of 127.
  assertEquals([...data], [127, -64, 50, 127]);
  const single = quantizeWeights(weights, undefined, WHOLE, NO_BIAS);
  assertEquals([[...single.scales], [...single.data]], [[Math.fround(0.01)], [127, -64, 10, 25]]);
  // Along axis 1, as ConvTranspose has its outputs.
  assertEquals([...quantizeWeights(weights, 1, WHOLE, NO_BIAS).scales], [0.01, 0.005].map(Math.fround));
  assertEquals(quantizeWeights(constant([1, 2], [127, -127]), 0, WHOLE, NO_BIAS).sqnr, null);
});

Deno.test("weights: a reduced range has 63 levels on each side, worked by hand", () => {
  const weights = constant([2, 2, 1, 1], [1.26, -0.612, 0.1, 0.252]);
  const { data, scales } = quantizeWeights(weights, 0, { clip: false, range: "reduced" }, NO_BIAS);
  assertEquals([...scales], [0.02, 0.004].map(Math.fround));
  assertEquals([...data], [63, -31, 25, 63]);
});

Deno.test("biases: the nearest whole steps of input and weight, worked by hand", () => {
  const integers = quantizeWeights(constant([4, 1], [127, 127, 254, 254]), 0, WHOLE, NO_BIAS);
  const { data, scales } = quantizeBias([0.29, -0.29, 0.5, -0.3], 0.5, integers);
  assertEquals([...scales], [0.5, 0.5, 1, 1]);
  // 0.58, -0.58, a half, which goes to the even one, and -0.3.
  assertEquals([...data].map((level) => level + 0), [1, -1, 0, 0]);
});

Deno.test("weights: channels without weights keep their bias, tiny weights leave room for it", () => {
  const weights = constant([3, 1], [0, 0, 1e-9]);
  const bias = [0, 0.7, 5];
  const inputScale = 0.05;
  const integers = quantizeWeights(weights, 0, WHOLE, { bias, inputScale });
  const { data, scales } = quantizeBias(bias, inputScale, integers);
  bias.forEach((value, o) => assertAlmostEquals(data[o] * scales[o], value, 1e-6));
  assert(data.every((level) => Math.abs(level) <= 2 ** 30), `${data}`);
});

Deno.test("weights: the clipped scale is as good as any of a fine search", () => {
  // A cluster and one far weight, which costs the cluster its resolution.
  const values = [...randomTensor([200_000], 3, -0.02, 0.02), 1];
  const { scales, data } = quantizeWeights(constant([1, values.length], values), 0, CLIPPED, NO_BIAS);
  const error = (scale: number) => {
    let sum = 0;
    for (const x of values) sum += (x - Math.max(-127, Math.min(127, Math.round(x / scale))) * scale) ** 2;
    return sum;
  };
  const whole = 1 / 127;
  let least = Infinity;
  for (let k = 1; k <= 150; k++) least = Math.min(least, error(whole * k / 150));
  assert(scales[0] < 0.9 * whole, "nothing was clipped");
  assertEquals(data.at(-1), 127);
  assert(error(scales[0]) < 1.02 * least, `${error(scales[0])} with ${scales[0]}, the search found ${least}`);
  const plain = [...randomTensor([64], 4)];
  const kept = quantizeWeights(constant([1, 64], plain), 0, CLIPPED, NO_BIAS);
  const unclipped = quantizeWeights(constant([1, 64], plain), 0, WHOLE, NO_BIAS);
  assert(kept.sqnr! >= unclipped.sqnr!);
});

const CASES: readonly (readonly [what: string, node: Node<"Conv"> | Node<"Gemm">, x: number[], w: number[]])[] = [
  ["1x1", node("Conv", ["x", "w", "b"], ["y"], CONV) as Node<"Conv">, [2, 6, 5, 7], [4, 6, 1, 1]],
  ["3x3", node("Conv", ["x", "w", "b"], ["y"], CONV) as Node<"Conv">, [1, 5, 40, 40], [3, 5, 3, 3]],
  ["depthwise", node("Conv", ["x", "w", "b"], ["y"], { ...CONV, groups: 6 }) as Node<"Conv">, [1, 6, 40, 40], [
    6,
    1,
    3,
    3,
  ]],
  ["grouped", node("Conv", ["x", "w", "b"], ["y"], { ...CONV, groups: 2 }) as Node<"Conv">, [1, 6, 40, 40], [
    4,
    3,
    3,
    3,
  ]],
  [
    "linear",
    node("Gemm", ["x", "w", "b"], ["y"], { alpha: 1, beta: 1, transposeA: false, transposeB: true }) as Node<"Gemm">,
    [7, 6],
    [4, 6],
  ],
];

for (const [what, layer, xShape, wShape] of CASES) {
  Deno.test(`bias correction: the mean error of each output of a ${what} layer is as expected`, () => {
    // Channels of different means, or there would be nothing to correct.
    const data = randomTensor(xShape, 5);
    const size = xShape.slice(2).reduce((a, b) => a * b, 1), channels = xShape[1];
    const means = new Float64Array(channels);
    for (let i = 0; i < data.length; i++) {
      const channel = Math.floor(i / size) % channels;
      data[i] += channel - 1.5;
      means[channel] += data[i] / (data.length / channels);
    }
    const weights = weight(wShape, 6);
    // A coarse grid: all by one scale, far too wide.
    const integers = quantizeWeights(weights, undefined, WHOLE, NO_BIAS);
    const coarse = {
      ...integers,
      scales: Float32Array.of(0.11),
      data: Int8Array.from(weights.data, (value) => Math.round(value / 0.11)),
    };
    const expected = expectedErrors(layer, weights, coarse, means)!;
    const bias = weight([wShape[0]], 7);
    const run = (w: Constant) => {
      const graph = graphOf({ x: xShape }, ["y"], [layer], { w, b: bias });
      const { data: y, shape } = runReference(graph, { x: referenceTensor(xShape, data) }).get("y")!;
      const area = shape.slice(2).reduce((a, b) => a * b, 1);
      const sums = new Float64Array(shape[1]);
      y.forEach((value, i) => sums[Math.floor(i / area) % shape[1]] += value / (y.length / shape[1]));
      return sums;
    };
    const rounded = { ...weights, data: Float32Array.from(coarse.data, (level) => level * 0.11) };
    const [real, wrong] = [run(weights), run(rounded as Constant)];
    expected.forEach((error, o) => {
      const measured = wrong[o] - real[o];
      // A 3x3 kernel sees the rim of its map less often than the middle.
      assertAlmostEquals(error, measured, 0.02 + 0.05 * Math.abs(measured), `output ${o}`);
    });
    assert(expected.some((error) => Math.abs(error) > 0.05), "the case shows no error");
  });
}

/** x -> conv a -> `between` -> conv b -> y. */
function chain(between: readonly Node[], options: { groups?: number; outputs?: readonly string[] } = {}): Graph {
  const { groups = 1, outputs = ["y"] } = options;
  const last = between.at(-1)?.outputs[0] ?? "a";
  const nodes = [
    node("Conv", ["x", "wa", "ba"], ["a"], CONV),
    ...between,
    node("Conv", [last, "wb"], ["y"], { ...CONV, groups }),
  ];
  const unlike = weight([4, 3, 3, 3], 1);
  // Rows of very different sizes.
  const data = unlike.data.map((value, i) => value * [0.01, 1, 20, 3][Math.floor(i / 27)]);
  return graphOf({ x: [1, 3, 8, 8] }, outputs, nodes, {
    wa: { ...unlike, data } as Constant,
    ba: weight([4], 2),
    wb: weight([groups === 1 ? 2 : 4, 4 / groups, 1, 1], 3),
  });
}

const RELU = node("Relu", ["a"], ["r"], {});

function outputs(graph: Graph): number[][] {
  const x = referenceTensor([1, 3, 8, 8], randomTensor([1, 3, 8, 8], 9));
  return [...runReference(graph, { x }).values()].map(({ data }) => [...data]);
}

const HOMOGENEOUS: Readonly<Record<string, Graph>> = {
  "nothing": chain([]),
  "Relu": chain([RELU]),
  "LeakyRelu": chain([node("LeakyRelu", ["a"], ["r"], { alpha: 0.1 })]),
  "Relu and MaxPool": chain([
    RELU,
    node("MaxPool", ["r"], ["p"], { ...PLAIN, kernel: [2, 2], ceilMode: false }),
  ]),
  "Relu, depthwise": chain([RELU], { groups: 4 }),
  "Relu and the mean": chain([RELU, node("GlobalAveragePool", ["r"], ["p"], {})]),
};

for (const [what, graph] of Object.entries(HOMOGENEOUS)) {
  Deno.test(`equalisation through ${what}: the same function, both ranges alike in each channel`, () => {
    const { graph: equal, pairs } = equalise(graph);
    assertEquals(pairs, 1);
    const [[before], [after]] = [outputs(graph), outputs(equal)];
    before.forEach((value, i) => assertAlmostEquals(after[i], value, 1e-5 * Math.max(1, Math.abs(value))));
    const [rows, columns] = ["wa", "wb"].map((name) => equal.constants.get(name)!);
    const groups = columns.shape[1] === 1 ? 4 : 1;
    for (let channel = 0; channel < 4; channel++) {
      const out = Math.max(...[...rows.data.slice(27 * channel, 27 * channel + 27)].map(Math.abs));
      const into = groups === 4
        ? Math.abs(columns.data[channel])
        : Math.max(...[0, 1].map((o) => Math.abs(columns.data[4 * o + channel])));
      assertAlmostEquals(out / into, 1, 3e-3, `channel ${channel}`);
    }
    // What one scale for all weights loses becomes much less.
    const sqnr = (of: Graph) => quantizeWeights(of.constants.get("wa")!, undefined, WHOLE, NO_BIAS).sqnr!;
    const small = (of: Graph) => {
      const { data, shape } = of.constants.get("wa")!;
      const whole = quantizeWeights({ data, shape }, undefined, WHOLE, NO_BIAS);
      return whole.data.slice(0, 27).filter((level) => level !== 0).length;
    };
    assertEquals(small(graph), 0, "the small channel is lost without equalisation");
    assert(small(equal) > 20 && Number.isFinite(sqnr(equal)));
    assertEquals(graph.constants.get("wa")!.data[0], HOMOGENEOUS[what].constants.get("wa")!.data[0]);
  });
}

Deno.test("equalisation reaches through a chain of convolutions", () => {
  const nodes = [
    node("Conv", ["x", "w0"], ["a"], CONV),
    node("Relu", ["a"], ["b"], {}),
    node("Conv", ["b", "w1"], ["c"], { ...CONV, groups: 3 }),
    node("Relu", ["c"], ["d"], {}),
    node("Conv", ["d", "w2"], ["y"], CONV),
  ];
  const graph = graphOf({ x: [1, 3, 8, 8] }, ["y"], nodes, {
    w0: weight([3, 3, 1, 1], 1),
    w1: weight([3, 1, 3, 3], 2),
    w2: weight([5, 3, 1, 1], 3),
  });
  const { graph: equal, pairs } = equalise(graph);
  assertEquals(pairs, 2);
  const [[before], [after]] = [outputs(graph), outputs(equal)];
  before.forEach((value, i) => assertAlmostEquals(after[i], value, 1e-5));
});

Deno.test("equalisation does not let the bias of a dead channel outgrow what all others make", () => {
  const dead = chain([RELU]);
  const rows = Float32Array.from(dead.constants.get("wa")!.data, (value, i) => value * (i < 27 ? 1e-9 : 1));
  const constants = new Map(dead.constants).set("wa", { ...dead.constants.get("wa")!, data: rows } as Constant);
  constants.set("ba", { dtype: "f32", shape: [4], data: Float32Array.of(0.5, -0.2, 0.1, 0.3) });
  const graph = { ...dead, constants };
  const { graph: equal, pairs } = equalise(graph);
  assertEquals(pairs, 1);
  const [[before], [after]] = [outputs(graph), outputs(equal)];
  before.forEach((value, i) => assertAlmostEquals(after[i], value, 1e-5 * Math.max(1, Math.abs(value))));
  const row = (channel: number) => Math.hypot(...rows.slice(27 * channel, 27 * channel + 27));
  const reach = Math.max(0.5, row(1), row(2), row(3));
  const biases = [...equal.constants.get("ba")!.data];
  assert(biases.every((bias) => Math.abs(bias) <= reach * 1.001), `${biases} reach further than ${reach}`);
  // The others are equalised as ever.
  for (const channel of [1, 2, 3]) {
    const [a, b] = ["wa", "wb"].map((name) => equal.constants.get(name)!.data);
    const out = Math.max(...[...a.slice(27 * channel, 27 * channel + 27)].map(Math.abs));
    assertAlmostEquals(out / Math.max(Math.abs(b[channel]), Math.abs(b[4 + channel])), 1, 3e-3);
  }
});

Deno.test("equalisation leaves alone what it would change", () => {
  const activation = (made: Node) => equalisablePairs(chain([made])).length;
  assertEquals(activation(node("Silu", ["a"], ["r"], {})), 0);
  assertEquals(activation(node("Clip", ["a"], ["r"], { min: 0, max: 6 })), 0);
  assertEquals(activation(node("HardSwish", ["a"], ["r"], {})), 0);
  assertEquals(equalisablePairs(chain([RELU], { outputs: ["r", "y"] })).length, 0, "an output in between");
  const residual = [RELU, node("Add", ["r", "a"], ["s"], {})];
  assertEquals(equalisablePairs(chain(residual)).length, 0, "a second reader in between");
  const shared = chain([RELU]);
  const nodes = [...shared.nodes, node("Conv", ["x", "wa"], ["z"], CONV)];
  assertEquals(equalisablePairs({ ...shared, nodes, outputs: ["y", "z"] }).length, 0, "weights of two layers");
  const graph = chain([node("Silu", ["a"], ["r"], {})]);
  assertEquals(equalise(graph), { graph, pairs: 0 });
});
