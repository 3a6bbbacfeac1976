/** Rounding that is learned: its losses against their formulas, its windows, and what it brings a network, in float64. */

import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { historyOf } from "../../../src/compress/history.ts";
import { passStep, runPasses } from "../../../src/compress/pass.ts";
import {
  packWeightsPass,
  quantizePass,
  type ReconstructOptions,
  reconstructPass,
  type ReconstructReport,
} from "../../../src/compress/quantize/mod.ts";
import { completed } from "../../../src/compress/quantize/scheme.ts";
import { copyWindow, inputWindow } from "../../../src/compress/quantize/reconstruct/crops.ts";
import { endOf, onGrid, weightGrid } from "../../../src/compress/quantize/reconstruct/grid.ts";
import { learnedOf, shareOf, softlyRounded } from "../../../src/compress/quantize/reconstruct/soft_rounding.ts";
import { createSessionFitter } from "../../../src/engine/session_fitter.ts";
import { createSessionRunner } from "../../../src/engine/session_runner.ts";
import { FeatherdetError, type Graph, type Node, unpackLevels } from "../../../src/graph/mod.ts";
import { evaluateNode } from "../../../src/reference/evaluate.ts";
import { type ReferenceTensor, referenceTensor, runReference } from "../../../src/reference/run.ts";
import { gpuTest } from "../../support/gpu.ts";
import { randomTensor } from "../../support/random.ts";
import { ReferenceRunner } from "../../support/reference_runner.ts";
import { graphOf, node, PLAIN, weight } from "../../support/tiny_graph.ts";

Deno.test("the step below a weight and the rest are the weight, within what the bits hold", () => {
  for (const [bits, most] of [[4, 7], [8, 127]] as const) {
    const constant = weight([13, 3, 3, 3], 5);
    constant.data.fill(0, 27, 54);
    const { scales, floors, rests } = weightGrid(constant, bits);
    let clipped = 0;
    constant.data.forEach((value, i) => {
      const scale = scales[Math.floor(i / 27)];
      assert(floors[i] >= -most && floors[i] + 1 <= most && Number.isInteger(floors[i]), `${floors[i]}`);
      const made = (floors[i] + rests[i]) * scale;
      if (Math.abs(value) > most * scale * (1 + 1e-6)) {
        clipped++;
        assertAlmostEquals(made, Math.sign(value) * most * scale, 1e-6);
      } else assertAlmostEquals(made, value, 1e-4 * scale + 1e-7);
    });
    assertEquals([...scales.subarray(1, 2), ...onGrid({ scales, floors, rests }, () => true).subarray(27, 54)], [
      ...new Array(28).fill(0),
    ]);
    assert(bits === 8 ? clipped === 0 : clipped > 0, `${clipped} weights are clipped`);
  }
});

Deno.test("weights at the ends of what the bits hold stay there", () => {
  for (const [bits, most] of [[4, 7], [8, 127]] as const) {
    const constant = weight([5, 127], 8), grid = weightGrid(constant, bits);
    const made = onGrid(grid, (i) => endOf(grid, bits, i) ?? grid.rests[i] < 0.5);
    const greatest = Array.from(
      { length: 5 },
      (_, o) => made.subarray(o * 127, (o + 1) * 127).reduce((a, b) => Math.max(a, Math.abs(b)), 0),
    );
    greatest.forEach((value, o) => assertAlmostEquals(value, most * grid.scales[o], 1e-6));
    const ends = grid.rests.filter((_, i) => endOf(grid, bits, i) !== undefined).length;
    assert(ends >= 5 && ends < 60, `${ends} of ${grid.rests.length} are at an end`);
  }
});

Deno.test("a share is that of the paper, and begins where the weight lies", () => {
  // Rectified sigmoid with zeta 1.1 and gamma -0.1.
  for (const v of [-4, -1, 0, 0.3, 2, 5]) {
    assertAlmostEquals(shareOf(v), Math.min(1, Math.max(0, 1.2 / (1 + Math.exp(-v)) - 0.1)), 1e-12);
  }
  for (const share of [0, 0.25, 0.5, 1]) assertAlmostEquals(shareOf(learnedOf(share)), share, 1e-12);
});

const CONV = { strides: [2, 1], pads: [1, 2, 0, 1], dilations: [1, 2], groups: 1 } as const;

Deno.test("a convolution without padding makes a window of the output of the window of the input", () => {
  const shape = [1, 3, 13, 11], x = randomTensor(shape, 1), kernel = weight([5, 3, 3, 2], 2);
  const convOf = (pads: typeof CONV.pads | readonly [0, 0, 0, 0]) => node("Conv", ["x", "w"], ["y"], { ...CONV, pads });
  const w = referenceTensor(kernel.shape, kernel.data);
  const [whole] = evaluateNode(convOf(CONV.pads), [referenceTensor(shape, x), w]);
  const [, channels, height, width] = whole.shape;
  for (
    const window of [{ top: 0, left: 0, height: 3, width: 4 }, {
      top: height - 2,
      left: width - 5,
      height: 2,
      width: 5,
    }]
  ) {
    const part = inputWindow(window, CONV, [3, 2]);
    const data = new Float32Array(3 * part.height * part.width + 7);
    copyWindow(x, shape, part, data, 7);
    const cut = referenceTensor([1, 3, part.height, part.width], data.subarray(7));
    const [found] = evaluateNode(convOf([0, 0, 0, 0]), [cut, w]);
    assertEquals(found.shape, [1, channels, window.height, window.width]);
    const expected = new Float32Array(found.data.length);
    copyWindow(Float32Array.from(whole.data), whole.shape, window, expected, 0);
    assertEquals(Float32Array.from(found.data), expected);
  }
});

Deno.test("the losses of a softly rounded layer are their formulas, in float64", () => {
  const constant = weight([5, 3, 3, 3], 3), x = randomTensor([2, 3, 9, 7], 4), bias = randomTensor([5], 5);
  const layer = graphOf({ x: [2, 3, 9, 7] }, ["y"], [
    node("Conv", ["x", "w", "b"], ["c"], { ...PLAIN, groups: 1 }),
    node("Silu", ["c"], ["y"], {}),
  ], { w: constant, b: weight([5], 6) });
  const conv = layer.nodes[0] as Node<"Conv">, grid = weightGrid(constant, 4);
  const { graph, ...names } = softlyRounded(layer, conv, constant, grid);
  const v = randomTensor([5, 27], 7, -5, 5), target = randomTensor([2, 5, 7, 5], 8);
  const learned = {
    ...graph,
    constants: new Map(graph.constants).set(names.learned, { dtype: "f32", shape: [5, 27], data: v }),
  };
  for (const beta of [2, 7.5, 20]) {
    const found = runReference(learned, {
      x: referenceTensor([2, 3, 9, 7], x),
      [names.bias]: referenceTensor([5], bias),
      [names.target]: referenceTensor([2, 5, 7, 5], target),
      [names.beta]: referenceTensor([1], [beta]),
    });
    const shares = Array.from(v, (each) => Math.min(1, Math.max(0, 1.2 / (1 + Math.exp(-each)) - 0.1)));
    const soft = shares.map((share, i) => (grid.floors[i] + share) * grid.scales[Math.floor(i / 27)]);
    const [sums] = evaluateNode(conv, [
      referenceTensor([2, 3, 9, 7], x),
      referenceTensor([5, 3, 3, 3], soft),
      referenceTensor([5], bias),
    ]);
    let error = 0;
    sums.data.forEach((sum, i) => error += (sum / (1 + Math.exp(-sum)) - target[i]) ** 2);
    assertAlmostEquals(found.get(names.error)!.data[0], error / sums.data.length, 1e-5 * error);
    const settled = shares.reduce((sum, share) => sum + Math.abs(2 * share - 1) ** beta, 0) / shares.length;
    assertAlmostEquals(found.get(names.rounding)!.data[0], 1 - settled, 1e-5);
  }
});

/** Layers of all kinds: stride 2, a residual, one after another, each channel by itself, one pixel. */
function network(): Graph {
  const same = { ...PLAIN, pads: [1, 1, 1, 1] } as const;
  return graphOf({ x: [1, 3, 21, 37] }, ["y"], [
    node("Conv", ["x", "w1", "b1"], ["c1"], { ...same, strides: [2, 2], groups: 1 }),
    node("Silu", ["c1"], ["a1"], {}),
    node("MaxPool", ["a1"], ["p"], { ...same, kernel: [3, 3], ceilMode: false }),
    node("Conv", ["p", "w2", "b2"], ["c2"], { ...same, groups: 1 }),
    node("Silu", ["c2"], ["a2"], {}),
    node("Add", ["a2", "p"], ["r"], {}),
    node("Conv", ["r", "w3"], ["c3"], { ...same, groups: 13 }),
    node("Relu", ["c3"], ["a3"], {}),
    node("Concat", ["a3", "a1"], ["j"], { axis: 1 }),
    node("Conv", ["j", "w4", "b4"], ["y"], { ...PLAIN, groups: 1 }),
  ], {
    ...{ w1: weight([13, 3, 3, 3], 1), b1: weight([13], 2), w2: weight([13, 13, 3, 3], 3), b2: weight([13], 4) },
    ...{ w3: weight([13, 1, 3, 3], 5), w4: weight([9, 26, 1, 1], 6), b4: weight([9], 7) },
  });
}

const SAMPLES = 5;
const samples = Array.from({ length: SAMPLES }, (_, seed) => ({
  name: `sample ${seed}`,
  inputs: { x: { shape: [1, 3, 21, 37], data: randomTensor([1, 3, 21, 37], 20 + seed, 0, 1) } },
}));

/** Output of a graph on a sample, in float64. */
const outputOf = (graph: Graph, sample = samples[0]): ReferenceTensor =>
  runReference(graph, { x: referenceTensor([1, 3, 21, 37], sample.inputs.x.data) }).get("y")!;

/** Square error of the output of a graph against another on all samples. */
function errorOf(graph: Graph, other: Graph): number {
  return samples.reduce((sum, sample) => {
    const [a, b] = [graph, other].map((each) => outputOf(each, sample).data);
    return sum + a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0);
  }, 0);
}

async function reconstructed(graph: Graph, options: Pick<ReconstructOptions, "bits" | "seed" | "steps">) {
  const runner = createSessionRunner();
  try {
    const learn = passStep(reconstructPass, {
      ...{ ...options, runner, fitter: createSessionFitter(), float: "none", samples: SAMPLES },
    });
    return await runPasses(graph, [learn] as const, { source: { samples, runner } });
  } finally {
    runner.destroy();
  }
}

gpuTest(
  "four bits: the network makes less of an error than with nearest rounding, with whole numbers in range",
  async () => {
    const graph = network();
    const made = await reconstructed(graph, { bits: 4, steps: 60 });
    const [report] = made.reports as readonly [ReconstructReport];
    const pack = async (source: Graph) =>
      (await runPasses(source, [passStep(packWeightsPass, { bits: 4, float: "none" })] as const)).graph;
    const [nearest, packed] = [await pack(graph), await pack(made.graph)];
    const [before, after] = [errorOf(nearest, graph), errorOf(packed, graph)];
    assert(after < 0.6 * before, `${after} of ${before}`);
    assertEquals(report.layers.map(({ name }) => name), ["make_c1", "make_c2", "make_c3", "make_y"]);
    assertEquals(report.samples, SAMPLES);
    for (const { name, error, moved } of report.layers) {
      assert(error.learned < error.nearest, `${name}: ${error.learned} of ${error.nearest}`);
      assert(moved > 0 && moved < 0.4, `${name}: ${moved} moved`);
    }

    // The first layer reads the samples as they are: its error, by the reference.
    const [conv, silu] = made.graph.nodes.slice(0, 2) as [Node<"Conv">, Node];
    let off = 0, power = 0;
    for (const { inputs: { x } } of samples) {
      const outputs = [graph, made.graph].map(({ nodes, constants }) => {
        const operands = nodes[0].inputs.slice(1).map((name) => constants.get(name)!);
        const all = [
          referenceTensor(x.shape, x.data),
          ...operands.map(({ shape, data }) => referenceTensor(shape, data)),
        ];
        return evaluateNode(silu, evaluateNode(conv, all))[0].data;
      });
      outputs[0].forEach((value, i) => [off, power] = [off + (value - outputs[1][i]) ** 2, power + value ** 2]);
    }
    assertAlmostEquals(report.layers[0].error.learned / (off / power), 1, 1e-3);

    // Packing finds the same whole numbers, and each is one of the two next to the weight.
    const originals = graph.nodes.filter(({ op }) => op === "Conv").map(({ inputs }) =>
      graph.constants.get(inputs[1])!
    );
    const unpacking = packed.nodes.filter((each): each is Node<"UnpackWeights"> => each.op === "UnpackWeights");
    assertEquals(unpacking.length, 4);
    for (const [i, { inputs: [codes, scale] }] of unpacking.entries()) {
      const { data, shape } = originals[i], size = data.length / shape[0];
      const levels = unpackLevels(4, packed.constants.get(codes)!.data, data.length);
      const scales = packed.constants.get(scale)!.data;
      levels.forEach((level, at) => {
        assert(Math.abs(level) <= 7);
        const steps = Math.min(7, Math.max(-7, data[at] / scales[Math.floor(at / size)]));
        assert(Math.abs(level - steps) < 1.001, `${level} for ${steps}`);
      });
      const kept = made.graph.nodes.filter(({ op }) => op === "Conv")[i].inputs[1];
      const back = Float32Array.from(levels, (level, at) => level * scales[Math.floor(at / size)]);
      assert(back.every((value, at) => Math.abs(value - made.graph.constants.get(kept)!.data[at]) <= 1e-6));
    }
  },
);

gpuTest("equal seeds learn the same to the bit, others do not; the history says how", async () => {
  const [first, again, other] = [
    await reconstructed(network(), { bits: 4, steps: 30, seed: 3 }),
    await reconstructed(network(), { bits: 4, steps: 30, seed: 3 }),
    await reconstructed(network(), { bits: 4, steps: 30, seed: 4 }),
  ];
  assertEquals([...again.graph.constants], [...first.graph.constants]);
  const weights = ({ constants }: Graph) => [...constants].map(([, { data }]) => String(data)).join();
  assert(weights(other.graph) !== weights(first.graph));
  const [{ name, options }] = historyOf(first.graph);
  const learning = { steps: 30, batch: 8, learningRate: 0.2, seed: 3 };
  assertEquals([name, options], ["reconstruct", { bits: 4, samples: SAMPLES, ...learning, float: "none" }]);
});

gpuTest("eight bits: quantize finds the same whole numbers, and the network makes less of an error", async () => {
  const graph = network();
  const made = await reconstructed(graph, { bits: 8, steps: 80 });
  const quantized = async (source: Graph) => {
    const settings = completed({ float: "none" }), runner = new ReferenceRunner();
    return (await runPasses(source, [passStep(quantizePass, settings)] as const, { source: { samples, runner } }))
      .graph;
  };
  const qdq = await quantized(made.graph);
  const weights = qdq.nodes.filter(({ op, inputs }) =>
    op === "DequantizeLinear" && qdq.constants.get(inputs[0])?.dtype === "i8"
  );
  assertEquals(weights.length, 4);
  const convs = made.graph.nodes.filter(({ op }) => op === "Conv");
  for (const [i, { inputs: [codes, scale] }] of weights.entries()) {
    const { data } = qdq.constants.get(codes)!, scales = qdq.constants.get(scale)!.data;
    const kept = made.graph.constants.get(convs[i].inputs[1])!.data, size = kept.length / scales.length;
    kept.forEach((value, at) => assertAlmostEquals(data[at] * scales[Math.floor(at / size)], value, 1e-6));
  }
  const [before, after] = [errorOf(rounded(graph), graph), errorOf(made.graph, graph)];
  assert(after < 0.8 * before, `${after} of ${before}`);
});

/** The graph with weights rounded to the nearest of 8 bits. */
function rounded(graph: Graph): Graph {
  const constants = new Map(graph.constants);
  for (const { op, inputs } of graph.nodes) {
    if (op !== "Conv") continue;
    const { shape, data } = graph.constants.get(inputs[1])!, size = data.length / shape[0];
    const made = data.map((value, i) => {
      const first = i - i % size,
        most = Array.from(data.slice(first, first + size)).reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      return Math.round(value / most * 127) * most / 127;
    });
    constants.set(inputs[1], { dtype: "f32", shape, data: Float32Array.from(made) });
  }
  return { ...graph, constants };
}

Deno.test("what cannot be learned is refused in a sentence", async () => {
  const runner = new ReferenceRunner();
  const learn = (graph: Graph, bits: number, float: "none" | (() => boolean) = "none") => {
    const fitter = { fit: () => Promise.reject(new Error("not reached")) };
    const step = passStep(reconstructPass, { bits: bits as 4, runner, fitter, float });
    return runPasses(graph, [step] as const, { source: { samples, runner } });
  };
  await assertRejects(
    () => learn(network(), 2),
    FeatherdetError,
    "rounding to 2 bits cannot be learned; there are 4 and 8",
  );
  await assertRejects(
    () => learn(network(), 8, () => true),
    FeatherdetError,
    "no convolution whose rounding could be learned",
  );
  const { graph: packed } = await runPasses(
    network(),
    [passStep(packWeightsPass, { bits: 2, float: "none" })] as const,
  );
  await assertRejects(() => learn(packed, 4), FeatherdetError, "quantized already");
});
