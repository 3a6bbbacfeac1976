/**
 * Whole models as they are trained: a tiny YOLO11 against finite differences, parameters and statistics by name.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { FeatherdetError, type Graph, inferTypes, verify } from "../../src/graph/mod.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { yolo11Lite } from "../../src/models/yolo11_lite.ts";
import { saveOnnx } from "../../src/onnx/mod.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { buildGradientGraph, buildTrainingGraph, withWeights } from "../../src/train/mod.ts";
import { type Feeds, gradientsOf, lossOf, lossWeights, moved, slope, uniform } from "../support/finite_differences.ts";
import { lively } from "../support/lively.ts";

const TINY = lively(yolo11({ width: 0.0625, size: 32, batch: 3, classes: 2 }));

/** Inputs of a training graph: a picture, and what the model had. */
function feedsOf(model: Graph, { parameters, statistics }: ReturnType<typeof buildTrainingGraph>): Feeds {
  const had = [...parameters, ...statistics].map(({ name, initial: { shape, data } }) =>
    [name, referenceTensor(shape, data)] as const
  );
  const pictures = model.inputs.map(({ name, shape }) => [name, uniform(shape, 3, 0, 1)] as const);
  return Object.fromEntries([...pictures, ...had]);
}

/** Parts of YOLO11 by the row that a parameter's name begins with: what is compared as one. */
function partOf(name: string): string {
  const [, row, branch] = name.split(".");
  if (row === "23") return branch === "cv2" ? "boxes" : "classes";
  return Number(row) > 10 ? "neck" : Number(row) > 4 ? "deep backbone" : "shallow backbone";
}

Deno.test("the gradient of a whole tiny YOLO11 is that of finite differences, group by group", () => {
  const training = buildTrainingGraph(TINY);
  const { graph, parameters } = training;
  const feeds = feedsOf(TINY, training);
  const weights = lossWeights(graph, ["output0"]);
  const gradients = gradientsOf(graph, feeds, weights, parameters.map(({ name }) => name));
  const groups = Map.groupBy(parameters, ({ name, group }) => `${partOf(name)} ${group}`);
  for (const [group, members] of groups) {
    const direction = new Map(members.map(({ name, initial }, i) => [name, uniform(initial.shape, 50 + i).data]));
    const actual = members.reduce((sum, { name }) => {
      const steps = direction.get(name)!;
      return gradients.get(name)!.reduce((total, value, i) => total + value * steps[i], sum);
    }, 0);
    // A short step: behind normalisation over three pixels at stride 32 the loss is far from straight.
    const expected = slope((t) => lossOf(graph, moved(feeds, direction, t), weights), 5e-8);
    const near = Math.abs(actual - expected) <= 1e-5 * Math.abs(expected);
    assert(near, `slope along ${group} is ${actual}, finite differences say ${expected}`);
  }
  assertEquals(groups.size, 15);
});

Deno.test("every parameter of YOLO11 and YOLO11-Lite has a gradient of its shape, and no other training operator is left over", () => {
  const lite = (backbone: "shufflenetv2-0.5x" | "mobilenetv3-small") =>
    yolo11Lite({ backbone, size: 64, batch: 2, classes: 3 });
  const attentive = yolo11({ width: 0.125, size: 64, batch: 2, attention: { kind: "cbam", places: ["p3", "n5"] } });
  for (const model of [attentive, lite("shufflenetv2-0.5x"), lite("mobilenetv3-small")]) {
    const { graph, parameters } = buildTrainingGraph(model);
    const step = buildGradientGraph(graph, { seeds: { output0: "seed" }, wrt: parameters.map(({ name }) => name) });
    verify(step.graph);
    const types = inferTypes(step.graph);
    for (const { name, initial } of parameters) {
      assertEquals(types.get(step.gradients.get(name)!), { dtype: "f32", shape: initial.shape }, name);
    }
  }
});

Deno.test("a training graph has weights as inputs, in groups, and BatchNormalization by the batch", () => {
  const { graph, parameters, statistics } = buildTrainingGraph(TINY);
  verify(graph);
  const norms = TINY.nodes.filter(({ op }) => op === "BatchNormalization");
  assertEquals(graph.nodes.filter(({ op }) => op === "BatchNormalization"), []);
  assertEquals(graph.nodes.filter(({ op }) => op === "BatchNormTraining").length, norms.length);
  assertEquals(statistics.length, 2 * norms.length);
  assertEquals(statistics.map(({ name }) => name).slice(0, 2), [
    "model.0.bn.running_mean",
    "model.0.bn.running_var",
  ]);
  assertEquals(graph.outputs, ["output0", ...statistics.map(({ updated }) => updated)]);
  assertEquals(graph.inputs.slice(1).map(({ name }) => name), [...parameters, ...statistics].map(({ name }) => name));
  const inGroup = (wanted: string) => parameters.filter(({ group }) => group === wanted).map(({ name }) => name);
  assert(inGroup("weight").every((name) => /(conv|\.\d)\.weight$/.test(name)));
  assert(inGroup("bias").every((name) => name.endsWith(".bias")));
  assertEquals(inGroup("norm"), norms.map(({ inputs }) => inputs[1]));
  // What is fixed by definition stays a constant.
  assert(graph.constants.has("model.23.dfl.conv.weight"));
});

Deno.test("a training graph of values inside leaves off what comes behind them", () => {
  const logits = ["model.23.cv2.0.2", "model.23.cv3.0.2"];
  const { graph, parameters } = buildTrainingGraph(TINY, { outputs: logits });
  assertEquals(graph.outputs.slice(0, 2), logits);
  assert(graph.nodes.every(({ name }) => !name.includes("dfl")));
  assert(!parameters.some(({ name }) => name.startsWith("model.23.cv2.1")));
});

Deno.test("what is frozen stays a constant, a BatchNormalization with its statistics", () => {
  const frozen = (name: string) => /^model\.(\d|10)\.|dfl/.test(name);
  const { graph, parameters, statistics } = buildTrainingGraph(TINY, { frozen });
  assert(parameters.length > 0 && !parameters.some(({ name }) => frozen(name)));
  assert(!statistics.some(({ name }) => frozen(name)));
  assertEquals(graph.nodes.find(({ name }) => name === "model.0.bn")!.op, "BatchNormalization");
  const step = buildGradientGraph(graph, { seeds: { output0: "seed" }, wrt: parameters.map(({ name }) => name) });
  // Nothing is computed for the frozen rows but what the others read.
  assert(!step.graph.nodes.some(({ name }) => /^gradient\/model\.\d\./.test(name)));
});

Deno.test("Sigmoid and Mul are trained as one activation", () => {
  const spelt: Graph = {
    ...TINY,
    nodes: TINY.nodes.flatMap((node) => {
      if (node.op !== "Silu") return [node];
      const [x] = node.inputs, gate = `${node.name}/gate`;
      return [
        { op: "Sigmoid" as const, name: gate, inputs: [x], outputs: [gate], attributes: {} },
        { op: "Mul" as const, name: node.name, inputs: [x, gate], outputs: node.outputs, attributes: {} },
      ];
    }),
  };
  assertEquals(buildTrainingGraph(spelt).graph.nodes, buildTrainingGraph(TINY).graph.nodes);
});

Deno.test("trained numbers go back into the model by name", () => {
  const { graph, statistics } = buildTrainingGraph(TINY, { momentum: 1 });
  const [mean, variance] = statistics;
  // The first layer's averages, moved all the way to the batch, let the plain model make of that batch what training made of it, but
  // for the variance's bias, which is undone here.
  const feeds = feedsOf(TINY, buildTrainingGraph(TINY));
  const first = { ...graph, outputs: ["model.0.bn", mean.updated, variance.updated] };
  const values = runReference(first, feeds);
  const count = 3 * 16 * 16;
  const model = withWeights(
    TINY,
    new Map([
      [mean.name, Float32Array.from(values.get(mean.updated)!.data)],
      [variance.name, Float32Array.from(values.get(variance.updated)!.data, (value) => value * (count - 1) / count)],
    ]),
  );
  const plain = runReference({ ...model, outputs: ["model.0.bn"] }, { images: feeds.images }).get("model.0.bn")!.data;
  values.get("model.0.bn")!.data.forEach((value, i) => assert(Math.abs(value - plain[i]) < 1e-5));
  assertThrows(() => withWeights(TINY, new Map([["nothing", new Float32Array(1)]])), FeatherdetError, '"nothing"');
  assertThrows(
    () => withWeights(TINY, new Map([[mean.name, new Float32Array(1)]])),
    FeatherdetError,
    "but 1 elements were given",
  );
});

Deno.test("training refuses what cannot be trained or written", () => {
  assertThrows(() => buildTrainingGraph(TINY, { momentum: 1.5 }), FeatherdetError, "momentum is 1.5");
  assertThrows(() => buildTrainingGraph(TINY, { outputs: ["none"] }), FeatherdetError, 'no value "none"');
  const { graph } = buildTrainingGraph(TINY);
  assertThrows(() => saveOnnx(graph), FeatherdetError, 'BatchNormTraining "model.0.bn": has no ONNX form');
  const single = buildTrainingGraph(yolo11({ width: 0.0625, size: 64 })).graph;
  verify(single);
  assertThrows(
    () => verify(buildTrainingGraph(yolo11({ width: 0.0625, size: 32 })).graph),
    FeatherdetError,
    "has one number a channel, which has no variance",
  );
});
