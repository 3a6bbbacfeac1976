/** Group lasso: its value against norms summed element by element, its gradient against finite differences. */

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { FeatherdetError, type Graph, withNodes } from "../../src/graph/mod.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { DETECTORS } from "../../src/models/named.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import {
  batchNormL1,
  buildTrainingGraph,
  combineVariants,
  groupLasso,
  PLAIN,
  trainableGraph,
  type TrainingVariant,
} from "../../src/train/mod.ts";
import { checkGradients, gradientsOf, uniform } from "../support/finite_differences.ts";
import { groupNorms } from "../support/group_norms.ts";
import { lively } from "../support/lively.ts";

/** Blocks with a skip, a split, grouped columns and a depthwise convolution: 13 and 3 channels, a batch of 3. */
function net(): Graph {
  const b = new ModelBuilder({ seed: 5 });
  const stem = b.convBlock("stem", b.input("x", [3, 1, 5, 7]), { out: 13, kernel: 3 });
  const deep = b.convBlock("deep", stem, { out: 13, kernel: 3, groups: 13 });
  const sum = b.add("skip", deep, b.convBlock("side", deep, { out: 13, kernel: 1 }));
  const joined = b.concat("joined", [sum, b.convBlock("more", sum, { out: 3, kernel: 1 })]);
  return lively(b.graph("net", [b.conv("head", joined, { out: 2, bias: 0.1 })]));
}

/** The loss alone, its weights as constants. */
function lossOf(model: Graph, variant: TrainingVariant = groupLasso({ weight: 1 })): number {
  const { graph, losses } = variant.losses(variant.trainable(trainableGraph(model)));
  const { value } = losses.find(({ name }) => name === "groupLasso")!;
  const values = runReference(withNodes({ ...graph, inputs: [], outputs: [value] }, graph.nodes), {});
  return values.get(value)!.data[0];
}

const sum = (norms: readonly number[]) => norms.reduce((a, b) => a + b, 0);

Deno.test("the loss is the sum of the norms of all groups, on every kind of model: heads, shuffled and shared channels", () => {
  const models = [
    net(),
    yolo11({ width: 0.25, size: 64, classes: 3 }),
    DETECTORS["yolo11lite-shufflenetv2-0.5x"]({ size: 64 }),
    DETECTORS["yolo11lite-mobilenetv3-small"]({ size: 64 }),
  ];
  for (const model of models) {
    const expected = sum(groupNorms(model));
    assert(expected > 1);
    assertAlmostEquals(lossOf(model) / expected, 1, 1e-6, model.name);
  }
});

Deno.test("a group by hand: the row that makes a channel, its scale and bias, and the column that reads it", () => {
  const b = new ModelBuilder();
  const x = b.convBlock("stem", b.input("x", [1, 2, 4, 4]), { out: 1, kernel: 1 });
  const y = b.convBlock("mid", x, { out: 2, kernel: 1 });
  const bare = b.graph("tiny", [b.conv("head", y, { out: 1 })]);
  const given: Record<string, readonly number[]> = {
    "mid.conv.weight": [1, 2],
    "mid.bn.weight": [2, 2],
    "mid.bn.bias": [0, 4],
    "head.weight": [2, 5],
  };
  const constants = new Map(bare.constants);
  for (const [name, numbers] of Object.entries(given)) {
    constants.set(name, { ...constants.get(name)!, data: Float32Array.from(numbers) } as never);
  }
  // The only channel of the stem stays. 1 + 4 + 0 + 4 = 3 x 3, 4 + 4 + 16 + 25 = 7 x 7.
  assertAlmostEquals(lossOf({ ...bare, constants }), 3 + 7, 1e-6);
});

Deno.test("the gradient is that of finite differences for rows, columns, scales and biases", () => {
  const model = net();
  const { graph, losses: [{ value }] } = groupLasso({ weight: 1 }).losses(trainableGraph(model));
  const { graph: training, parameters, statistics } = buildTrainingGraph(graph, { outputs: [value, ...graph.outputs] });
  const feeds = {
    x: uniform([3, 1, 5, 7], 3),
    ...Object.fromEntries(
      [...parameters, ...statistics].map(({ name, initial: { shape, data } }) => [name, referenceTensor(shape, data)]),
    ),
  };
  const wrt = parameters.map(({ name }) => name).filter((name) => name !== "head.bias");
  assert(wrt.length > 12);
  checkGradients(training, feeds, { wrt, outputs: [value], step: 1e-4 });
  const none = gradientsOf(training, feeds, new Map([[value, uniform([], 1)]]), ["head.bias"]);
  assertEquals([...none.get("head.bias")!], [0, 0], "an output's channels are in no group");
});

Deno.test("a group of zeros stays at zero: its gradient is 0, not undefined", () => {
  const model = net();
  const constants = new Map([...model.constants].map(([name, one]) => {
    return [name, { ...one, data: new Float32Array(one.data.length) }];
  }));
  const zeros = { ...model, constants } as Graph;
  const { graph, losses: [{ value }] } = groupLasso({ weight: 1 }).losses(trainableGraph(zeros));
  const { graph: training, parameters, statistics } = buildTrainingGraph(graph, { outputs: [value, ...graph.outputs] });
  const feeds = Object.fromEntries(
    [...parameters, ...statistics].map(({ name, initial: { shape, data } }) => [name, referenceTensor(shape, data)]),
  );
  const wrt = parameters.map(({ name }) => name);
  const weights = new Map([[value, { shape: [], data: Float64Array.of(1) }]]);
  const gradients = gradientsOf(training, { ...feeds, x: uniform([3, 1, 5, 7], 3) }, weights, wrt);
  for (const [name, gradient] of gradients) assert(gradient.every((x) => x === 0), name);
});

Deno.test("groups are the model's, whatever other variants add; frozen constants are in none", () => {
  const model = net(), expected = lossOf(model);
  const after = combineVariants([batchNormL1({ weight: 1 }), groupLasso({ weight: 1 })]);
  assertEquals(lossOf(model, after), expected);
  const frozen: TrainingVariant = {
    ...PLAIN,
    name: "frozen",
    trainable: (made) => ({ ...made, frozen: new Set([...made.frozen, "stem.conv.weight", "head.weight"]) }),
  };
  const less = lossOf(model, combineVariants([frozen, groupLasso({ weight: 1 })]));
  assert(less < expected && less > 0.3 * expected, `${less} of ${expected}`);
  assertEquals(groupLasso({ weight: [[0, 0], [5, 2]] }).settings, { groupLasso: { weight: [[0, 0], [5, 2]] } });
});

Deno.test("a model of which no channel can go is refused", () => {
  const b = new ModelBuilder();
  const model = b.graph("stiff", [b.conv("head", b.input("x", [1, 2, 4, 4]), { out: 3 })]);
  assertThrows(
    () => groupLasso({ weight: 1 }).losses(trainableGraph(model)),
    FeatherdetError,
    "stiff: there is no channel that could be drawn to zero and removed",
  );
});
