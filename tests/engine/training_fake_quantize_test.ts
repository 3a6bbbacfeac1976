/** Quantization-aware training on the device: gradients through rounded values and weights against the float64 reference, resuming. */

import { assert, assertEquals } from "@std/assert";
import type { Graph, Node, OperatorAttributes } from "../../src/graph/mod.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { buildGradientGraph, buildTrainingGraph } from "../../src/train/mod.ts";
import { type TrainingProblem, TrainingSession } from "../../src/engine/training_session.ts";
import { uniform } from "../support/finite_differences.ts";
import { gpuTest } from "../support/gpu.ts";
import { lively } from "../support/lively.ts";
import { node } from "../support/tiny_graph.ts";
import { SETTINGS } from "../support/update_settings.ts";

type Bits = OperatorAttributes["FakeQuantizeWeights"]["bits"];

/** The model with the weights of its convolutions rounded, bits in turn, and the inputs of those that are named rounded in steps of 1/8. */
function rounded(model: Graph, bits: readonly Bits[], inputsOf: readonly string[]): Graph {
  let count = 0;
  const nodes = model.nodes.flatMap((one): Node[] => {
    if (one.op !== "Conv") return [one];
    const [x, weight, ...bias] = one.inputs;
    const [xq, wq] = [`${one.name}/x`, `${one.name}/w`];
    const rounds = inputsOf.includes(one.name);
    return [
      node("FakeQuantizeWeights", [weight], [wq], { bits: bits[count++ % bits.length] }),
      // With zero point 118 the greatest number is 9 / 8, so that values saturate.
      ...rounds ? [node("FakeQuantize", [x], [xq], { scale: 1 / 8, zeroPoint: 118 })] : [],
      { ...one, inputs: [rounds ? xq : x, wq, ...bias] },
    ];
  });
  return { ...model, nodes };
}

const SHAPE = [3, 3, 17, 13];

/** Mean square of what convolutions make: dense of stride 2 and 1, depthwise, grouped, with bias. */
function net(bits: readonly Bits[]): { problem: TrainingProblem; inputs: () => Record<string, Float32Array> } {
  const b = new ModelBuilder({ seed: 5 });
  const x = b.convBlock("first", b.input("x", SHAPE), { out: 8, kernel: 3, stride: 2 });
  const y = b.convBlock("depthwise", x, { out: 8, kernel: 3, groups: 8 });
  const z = b.convBlock("grouped", b.add("sum", x, y), { out: 12, kernel: 3, groups: 2 });
  const dense = b.convBlock("dense", z, { out: 6, kernel: 3 });
  const last = b.conv("last", dense, { out: 5, bias: 0.1 });
  const squares = b.mul("squares", last, last);
  const loss = b.node("ReduceMean", "loss", [squares], { axes: [0, 1, 2, 3], keepDims: false });
  const model = lively(b.graph("net", [loss]));
  const convs = model.nodes.filter(({ op }) => op === "Conv").map(({ name }) => name);
  assertEquals(convs.length, 5);
  // The picture and one map in between: what is rounded in f32 and float64 would part near every half.
  const graph = rounded(model, bits, [convs[0], convs[1]]);
  let seed = 0;
  const inputs = () => ({ x: Float32Array.from(uniform(SHAPE, ++seed, -1, 2).data) });
  return { problem: { ...buildTrainingGraph(graph), losses: [{ name: "loss", value: loss }] }, inputs };
}

/** Gradients of all parameters in float64. */
function referenceGradients(problem: TrainingProblem, inputs: Record<string, Float32Array>): Map<string, Float64Array> {
  const { graph, parameters, statistics, losses = [] } = problem;
  const made = buildGradientGraph(graph, {
    losses: losses.map(({ value }) => value),
    wrt: parameters.map(({ name }) => name),
  });
  const constants = [...parameters, ...statistics].map(({ name, initial: { shape, data } }) =>
    [name, referenceTensor(shape, data)] as const
  );
  const found = runReference(made.graph, {
    ...Object.fromEntries(constants),
    x: referenceTensor(SHAPE, inputs.x),
  });
  return new Map([...made.gradients].map(([name, value]) => [name, found.get(value)!.data]));
}

/** The largest difference over the largest element of what was expected. */
function error(actual: Float32Array, expected: Float64Array): number {
  const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  assert(scale > 0);
  return actual.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0) / scale;
}

for (const storage of ["texture", "buffer"] as const) {
  for (const recompute of [false, true]) {
    const how = `in ${storage}s${recompute ? ", maps computed again" : ""}`;
    gpuTest(
      `every gradient through rounded values and weights on the device is the reference's, ${how}`,
      async (device) => {
        for (const bits of [[8, 1, 2], [2, 8, 1], [1, 2, 8]] as const) {
          const { problem, inputs } = net(bits);
          assertEquals(problem.parameters.length, 5 + 1 + 2 * 4);
          const session = await TrainingSession.create(problem, { device, storage, recompute });
          // Two on the way forward; they are cheap enough to be computed again.
          const steps = session.plan.dispatches.filter(({ operator }) => operator === "FakeQuantize");
          assertEquals(steps.length, recompute ? 4 : 2);
          const batch = inputs();
          await session.step(batch);
          const [found, expected] = [await session.gradients(), referenceGradients(problem, batch)];
          session.destroy();
          assertEquals([...found.keys()].sort(), [...expected.keys()].sort());
          for (const [name, data] of found) {
            const far = error(data, expected.get(name)!);
            assert(far < 1e-4, `${bits}: gradient of ${name} is off by ${far}`);
          }
        }
      },
    );
  }
}

gpuTest("with activations in f16 gradients through rounded values are nearly the same", async (device) => {
  const { problem, inputs } = net([8]);
  const session = await TrainingSession.create(problem, { device, precision: "f16" });
  const batch = inputs();
  await session.step(batch);
  const [found, expected] = [await session.gradients(), referenceGradients(problem, batch)];
  session.destroy();
  for (const [name, data] of found) {
    const far = error(data, expected.get(name)!);
    assert(far < 0.05, `gradient of ${name} is off by ${far}`);
  }
});

gpuTest("a run with rounded weights learns, and goes on bit for bit from a state", async (device) => {
  const { problem, inputs } = net([8, 1, 2]);
  const batches = Array.from({ length: 6 }, inputs);
  const straight = await TrainingSession.create(problem, { device });
  const losses: number[] = [];
  for (const batch of batches) losses.push((await straight.step(batch, SETTINGS)).losses.loss);
  const expected = await straight.trained();
  straight.destroy();
  assert(losses[5] < losses[0], `losses are ${losses}`);

  const first = await TrainingSession.create(problem, { device });
  for (const batch of batches.slice(0, 3)) await first.step(batch, SETTINGS);
  const state = await first.state();
  first.destroy();
  const second = await TrainingSession.create(problem, { device });
  second.restore(state);
  for (const batch of batches.slice(3)) await second.step(batch, SETTINGS);
  assertEquals(await second.trained(), expected);
  second.destroy();
});
