/** Scales of activations that training learns: their gradients against the paper's formula, and what becomes of them in the exported model. */

import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type ActivationScales, learnedScales, prepareQat } from "../../../src/compress/quantize/mod.ts";
import { openDataset } from "../../../src/data/open.ts";
import { FeatherdetError, type Graph, roundHalfEven } from "../../../src/graph/mod.ts";
import { yolo11 } from "../../../src/models/yolo11.ts";
import { loadOnnx } from "../../../src/onnx/mod.ts";
import { train } from "../../../src/recipes/train_detector.ts";
import type { TrainOptions } from "../../../src/recipes/train_options.ts";
import { referenceTensor, runReference } from "../../../src/reference/run.ts";
import { buildGradientGraph } from "../../../src/train/mod.ts";
import { readCheckpoint } from "../../../src/train/loop/checkpoint.ts";
import { createMemoryStore } from "../../../src/train/loop/store.ts";
import { gpuTest } from "../../support/gpu.ts";
import { randomTensor } from "../../support/random.ts";
import { graphOf, node, PLAIN, weight } from "../../support/tiny_graph.ts";

const conv = (x: string, w: string, y: string) => node("Conv", [x, w], [y], { ...PLAIN, groups: 1 });

/** Two convolutions; what lies between them shares a scale with what it is joined to. */
function network(): Graph {
  return graphOf({ x: [3, 4, 13, 7] }, ["y"], [
    conv("x", "w", "a"),
    node("Concat", ["a", "a"], ["j"], { axis: 1 }),
    conv("j", "v", "y"),
  ], { w: weight([5, 4, 1, 1], 3), v: weight([2, 10, 3, 3], 4) });
}

const affine = { scale: 0.0234375, zeroPoint: -17 };
const SCALES: ActivationScales = new Map(["x", "a", "j", "y"].map((value) => [value, affine]));

Deno.test("the forward pass is that of fixed scales, and every set has one logarithm", () => {
  const options = { bits: 8, scales: SCALES, float: "none" } as const;
  const [fixed, learned] = [prepareQat(network(), options), prepareQat(network(), { ...options, learnScales: true })];
  assertEquals([fixed.logScales, learned.values], [[], fixed.values]);
  assertEquals(learned.logScales, ["x/learned_log_scale", "a/learned_log_scale"]);
  const x = referenceTensor([3, 4, 13, 7], randomTensor([3, 4, 13, 7], 1, -3.3, 4));
  const [expected, found] = [fixed, learned].map(({ graph }) => runReference(graph, { x }).get("y")!.data);
  assert(Math.max(...expected) > 1);
  found.forEach((value, i) => assertAlmostEquals(value, expected[i], 1e-5));
});

Deno.test("the gradient by a scale is the paper's: the rounding of a step inside, the last whole number outside", () => {
  const shape = [3, 4, 13, 7], data = randomTensor(shape, 1, -3.3, 4);
  const source = graphOf({ x: shape }, ["y"], [conv("x", "w", "y")], { w: weight([1, 4, 1, 1], 3) });
  const { graph } = prepareQat(source, { bits: 8, scales: SCALES, float: "none", learnScales: true });
  const conv1 = graph.nodes.find(({ op }) => op === "Conv")!, [rounded] = conv1.inputs;
  const seeded = buildGradientGraph({ ...graph, outputs: [rounded] }, {
    seeds: { [rounded]: "dy" },
    wrt: ["x/learned_log_scale"],
  });
  const dy = randomTensor(shape, 2);
  const found = runReference(seeded.graph, { x: referenceTensor(shape, data), dy: referenceTensor(shape, dy) });
  const { scale, zeroPoint } = affine;
  let expected = 0, outside = 0;
  data.forEach((value, i) => {
    const steps = value / scale, whole = roundHalfEven(steps);
    const [least, most] = [-128 - zeroPoint, 127 - zeroPoint];
    const isInside = steps > least && steps < most;
    if (!isInside) outside++;
    // By the logarithm it is that by the scale, times the scale.
    expected += scale * dy[i] * (isInside ? whole - steps : Math.min(most, Math.max(least, whole)));
  });
  assert(outside > 20 && outside < data.length / 2, `${outside} of ${data.length} are clipped`);
  const [gradient] = found.get(seeded.gradients.get("x/learned_log_scale")!)!.data;
  assertAlmostEquals(gradient, expected, 1e-3 * Math.abs(expected));
});

Deno.test("learned logarithms become the scales of all values that share them", () => {
  const trained = new Map([["a/learned_log_scale", Float32Array.of(Math.log(0.5))], ["w", new Float32Array(20)]]);
  const found = learnedScales(network(), { scales: SCALES, float: "none" }, trained);
  assertEquals(found.get("x"), affine);
  for (const value of ["a", "j"]) {
    assertAlmostEquals(found.get(value)!.scale, 0.5, 1e-7);
    assertEquals(found.get(value)!.zeroPoint, affine.zeroPoint);
  }
  assertThrows(
    () => prepareQat(network(), { bits: 2, learnScales: true, float: "none" }),
    FeatherdetError,
    "only int8 has scales of activations to learn",
  );
});

const dataset = await openDataset("synthetic", { split: "train", limit: 4, size: 64 });
const tiny = () => yolo11({ width: 0.0625, depth: 0.3, size: 64, classes: dataset.classes, seed: 3 });
const OPTIONS: TrainOptions = {
  ...{ epochs: 2, batch: 2, workers: 0, seed: 3, validateEvery: 0, learningRate: 0.01 },
  ...{ quantize: "int8", calibrationPictures: 2, learnScales: true, freezeEpochs: 1 },
};

gpuTest("a run moves scales, exports them, and goes on bit for bit", async () => {
  const store = createMemoryStore();
  const straight = await train(tiny(), dataset, { ...OPTIONS, store });
  const scalesOf = (graph: Graph) =>
    graph.nodes.filter(({ op }) => op === "QuantizeLinear").map(({ inputs: [, scale] }) =>
      graph.constants.get(scale)!.data[0]
    );
  const { settings, state } = await readCheckpoint(store.files.get("last.ckpt")!, "last.ckpt");
  const begun = Object.values(settings.activationScales as Record<string, readonly [number, number]>).map(([scale]) =>
    scale
  );
  const ended = scalesOf(straight.model);
  assertEquals(scalesOf(await loadOnnx(store.files.get("best.onnx")!)), ended);
  assertEquals(ended.length, begun.length);
  const same = ended.filter((scale) => begun.includes(scale)).length;
  assert(same < ended.length / 4 && ended.every((scale) => scale > 0), `${same} of ${ended.length} did not move`);
  const [from, to] = [begun, ended].map((scales) =>
    scales.reduce((sum, scale) => sum + Math.log(scale), 0) / scales.length
  );
  assert(Math.abs(to - from) < 0.1, `${from} became ${to}`);
  assertEquals([settings.learnScales, settings.freezeEpochs], [true, 1]);

  const abort = new AbortController(), part = createMemoryStore();
  let steps = 0;
  await train(tiny(), dataset, {
    ...OPTIONS,
    store: part,
    signal: abort.signal,
    onStep: () => ++steps === 2 && abort.abort(),
  });
  const resume = await readCheckpoint(part.files.get("last.ckpt")!, "last.ckpt");
  await train(await loadOnnx(resume.model!), dataset, { ...OPTIONS, store: part, resume });
  assertEquals((await readCheckpoint(part.files.get("last.ckpt")!, "last.ckpt")).state, state);
  assertEquals([...part.files.get("best.onnx")!], [...store.files.get("best.onnx")!]);
});

Deno.test("scales are learned in int8 only", async () => {
  const refused = (options: TrainOptions, text: string) =>
    assertRejects(
      () => train(tiny(), dataset, { ...OPTIONS, calibrationPictures: undefined, ...options }),
      FeatherdetError,
      text,
    );
  await refused({ quantize: "ternary" }, "scales of activations are learned for int8: ternary weights have none");
  await refused({ quantize: undefined, freezeEpochs: 0 }, "scales are learned in training in int8");
});
