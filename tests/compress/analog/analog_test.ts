/** Graphs on analog arrays: what the inserted nodes compute, against sums written out; noise against its formula; ranges; training. */

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  analogGraph,
  type AnalogRanges,
  analogRanges,
  calibrateAnalog,
  sumNoise,
} from "../../../src/compress/analog/mod.ts";
import { createSessionRunner } from "../../../src/engine/session_runner.ts";
import { FeatherdetError, type Graph } from "../../../src/graph/mod.ts";
import { yolo11 } from "../../../src/models/yolo11.ts";
import { foldBatchNormalization } from "../../../src/passes/mod.ts";
import { referenceTensor, runReference } from "../../../src/reference/run.ts";
import { analog, buildGradientGraph, buildTrainingGraph, trainableGraph } from "../../../src/train/mod.ts";
import { gpuTest } from "../../support/gpu.ts";
import { graphOf, node, PLAIN, weight } from "../../support/tiny_graph.ts";

const BITS = { inputs: 8, weights: 8, outputs: 8 };
const SILENT = { shot: 0, thermal: 0, rows: 64 };
const RANGES: AnalogRanges = { make_c: { low: 0, high: 2, light: 0.5, reach: 4 } };

/** A 1x1 convolution with bias over two channels: weights of 1 and -0.55, and of 0.2 and 0.1. */
function layer(): Graph {
  return graphOf({ x: [1, 2, 1, 3] }, ["y"], [
    node("Conv", ["x", "w", "b"], ["c"], { ...PLAIN, pads: [0, 0, 0, 0], groups: 1 }),
    node("Relu", ["c"], ["y"], {}),
  ], {
    w: { dtype: "f32", shape: [2, 2, 1, 1], data: Float32Array.of(1, -0.55, 0.2, 0.11) },
    b: { dtype: "f32", shape: [2], data: Float32Array.of(0.25, -0.1) },
  });
}

const INPUT = [0.3, 1.2, 5, 0.7, 0.1, 1.1];

Deno.test("converters and weights round as is written out by hand", () => {
  const bits = { inputs: 3, weights: 4, outputs: 5 };
  const made = analogGraph(layer(), RANGES, { bits, noise: SILENT });
  assertEquals(made.nodes.map(({ op }) => op), [
    "NoisyQuantize",
    "Conv",
    "NoisyQuantize",
    "BatchNormalization",
    "Relu",
  ]);
  const found = runReference(made, { x: referenceTensor([1, 2, 1, 3], INPUT) }).get("y")!.data;
  const round = (value: number, step: number, most: number) => Math.min(most, Math.round(value / step)) * step;
  // 7 steps to 2; 7 steps to the greatest weight of the channel; 15 steps to 4 of its sums.
  const x = INPUT.map((value) => round(value, 2 / 7, 7));
  const expected = [[1, -0.55, 1, 0.25], [0.2, 0.11, 0.2, -0.1]].flatMap(([v, w, scale, bias]) =>
    [0, 1, 2].map((i) => {
      const sum = [v, w].reduce((all, one, c) => all + round(one, scale / 7, 7) * x[3 * c + i], 0);
      return Math.max(0, round(sum / scale, 4 / 15, 15) * scale + bias);
    })
  );
  found.forEach((value, i) => assertAlmostEquals(value, expected[i], 1e-6));
});

Deno.test("sums have the noise of their light and of their readings, and another one with another seed", () => {
  // 100 products at a quarter of the light, in two readings.
  assertAlmostEquals(sumNoise({ shot: 0.1, thermal: 0.3, rows: 64 }, 100, 0.25), Math.sqrt(0.25 + 2 * 0.09), 1e-12);
  const shape = [1, 4, 60, 60];
  const wide = graphOf({ x: shape }, ["y"], [node("Conv", ["x", "w"], ["y"], { ...PLAIN, groups: 1 })], {
    w: weight([8, 4, 3, 3]),
  });
  const ranges = { make_y: { low: 0, high: 2, light: 0.5, reach: 400 } },
    bits = { inputs: 16, weights: 16, outputs: 16 };
  const noise = { shot: 0.3, thermal: 0.2, rows: 10 };
  const x = referenceTensor(shape, Array.from({ length: 14_400 }, (_, i) => (i * 37 % 200) / 100));
  const run = (graph: Graph) => runReference(graph, { x }).get(graph.outputs[0])!.data;
  const clean = run(wide), noisy = run(analogGraph(wide, ranges, { bits, noise, seed: 1 }));
  const data = wide.constants.get("w")!.data as Float32Array, plane = 58 ** 2;
  const expected = 2 * Math.sqrt(36 * 0.5 * 0.09 + 4 * 0.04);
  for (let c = 0; c < 8; c++) {
    const scale = Math.max(...data.subarray(36 * c, 36 * c + 36).map(Math.abs));
    let squares = 0;
    for (let i = plane * c; i < plane * (c + 1); i++) squares += ((noisy[i] - clean[i]) / scale) ** 2;
    // Five standard errors of the deviation of so many numbers.
    assertAlmostEquals(Math.sqrt(squares / plane) / expected, 1, 5 / Math.sqrt(2 * plane));
  }
  const again = run(analogGraph(wide, ranges, { bits, noise, seed: 1 }));
  assertEquals(again, noisy);
  const other = run(analogGraph(wide, ranges, { bits, noise, seed: 2 }));
  assert(other.filter((value, i) => value === noisy[i]).length < 100);
});

gpuTest("calibration sees inputs, and sums in units of the weights without bias", async () => {
  const runner = createSessionRunner();
  const sample = { name: "one", inputs: { x: { shape: [1, 2, 1, 3], data: Float32Array.from(INPUT) } } };
  const samples = {
    async *[Symbol.asyncIterator]() {
      yield await Promise.resolve(sample);
    },
  };
  const seen = (await calibrateAnalog(layer(), samples, { runner })).get("make_c")!;
  runner.destroy();
  assert(seen.inputs.low === 0 && Math.abs(seen.inputs.high - 5) < 0.01);
  // 5 times 0.2 and 1.1 times 0.11, over 0.2.
  assert(Math.abs(seen.sums.high - 5.605) < 0.01, `${seen.sums.high}`);
  const { make_c: { low, high, light, reach } } = analogRanges(new Map([["make_c", seen]]), BITS);
  assertEquals([low, Math.round(100 * high), Math.round(100 * reach)], [0, 500, 561]);
  assertAlmostEquals(light, INPUT.reduce((sum, one) => sum + one, 0) / 30, 2e-3);
});

Deno.test("a detector keeps its maps, with and without BatchNormalization, and the decoding of boxes stays digital", () => {
  const model = yolo11({ width: 0.0625, size: 64 });
  const names = model.nodes.flatMap(({ op, name }) => op === "Conv" ? [name] : []);
  const ranges = Object.fromEntries(names.map((name) => [name, { low: -1, high: 1, light: 0.3, reach: 20 }]));
  for (const graph of [model, foldBatchNormalization(model)]) {
    const made = analogGraph(graph, ranges, { bits: BITS, noise: SILENT });
    assertEquals(made.outputs, graph.outputs);
    const readers = made.nodes.filter(({ name }) => name.endsWith("/analog/read"));
    // All but the one that takes means of distances.
    assertEquals(readers.length, names.length - 1);
  }
});

Deno.test("training behind an array differentiates as without it, at the numbers that converters give", () => {
  const model = graphOf({ x: [2, 2, 4, 3] }, ["y"], [
    node("Conv", ["x", "w"], ["y"], { ...PLAIN, groups: 1 }),
  ], { w: weight([3, 2, 3, 3]) });
  const variant = analog({
    ranges: { make_y: { low: -1, high: 1, light: 0.5, reach: 8 } },
    bits: { ...BITS, weights: 7 },
    noise: { ...SILENT, shot: 0.1 },
    seed: 3,
  });
  const { graph } = variant.trainable(trainableGraph(model));
  const training = buildTrainingGraph(graph);
  assertEquals(training.parameters.map(({ name }) => name), ["w"]);
  const { graph: joint, gradients } = buildGradientGraph(training.graph, {
    seeds: { [graph.outputs[0]]: "dy" },
    wrt: ["w"],
  });
  const x = Array.from({ length: 48 }, (_, i) => ((i * 29) % 31) / 16 - 1);
  const feeds = {
    x: referenceTensor([2, 2, 4, 3], x),
    w: referenceTensor([3, 2, 3, 3], model.constants.get("w")!.data as Float32Array),
    dy: referenceTensor([2, 3, 2, 1], Array.from({ length: 12 }, (_, i) => Math.sin(i))),
  };
  const found = runReference(joint, feeds).get(gradients.get("w")!)!.data;
  const light = x.map((value) => Math.max(-128, Math.min(127, Math.round(value / (2 / 255)))) * (2 / 255));
  const plain = buildGradientGraph(buildTrainingGraph(model).graph, { seeds: { y: "dy" }, wrt: ["w"] });
  const expected = runReference(plain.graph, { ...feeds, x: referenceTensor([2, 2, 4, 3], light) })
    .get(plain.gradients.get("w")!)!.data;
  found.forEach((value, i) => assertAlmostEquals(value, expected[i], 1e-5));
  assertEquals(variant.exported(model), model);
});

Deno.test("what no array can run is refused", () => {
  const refused = (options: object, ranges: AnalogRanges, message: string) =>
    assertThrows(
      () => analogGraph(layer(), ranges, { bits: BITS, noise: SILENT, ...options }),
      FeatherdetError,
      message,
    );
  refused({ bits: { ...BITS, outputs: 1 } }, RANGES, "outputs of 1 bits");
  refused({ bits: { ...BITS, weights: 7.5 } }, RANGES, "weights of 7.5 bits");
  refused({}, {}, "the ranges of this layer were not seen");
});
