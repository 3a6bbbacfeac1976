/** Training behind an analog array on the device: it learns, and goes on bit for bit from a state, maps computed again or not. */

import { assert, assertEquals } from "@std/assert";
import { type TrainingProblem, TrainingSession } from "../../src/engine/training_session.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { analog, buildTrainingGraph, trainableGraph } from "../../src/train/mod.ts";
import { uniform } from "../support/finite_differences.ts";
import { gpuTest } from "../support/gpu.ts";
import { lively } from "../support/lively.ts";
import { SETTINGS } from "../support/update_settings.ts";

const SHAPE = [3, 3, 17, 13];

/** Mean square of what three convolutions make, behind an array whose noise is a tenth of a product. */
function problem(): TrainingProblem {
  const b = new ModelBuilder({ seed: 5 });
  const x = b.convBlock("first", b.input("x", SHAPE), { out: 8, kernel: 3, stride: 2 });
  const last = b.conv("last", b.convBlock("depthwise", x, { out: 8, kernel: 3, groups: 8 }), { out: 5, bias: 0.1 });
  const loss = b.node("ReduceMean", "loss", [b.mul("squares", last, last)], { axes: [0, 1, 2, 3], keepDims: false });
  const model = lively(b.graph("net", [loss]));
  const convs = model.nodes.flatMap(({ op, name }) => op === "Conv" ? [name] : []);
  const variant = analog({
    ranges: Object.fromEntries(convs.map((name) => [name, { low: -1, high: 2, light: 0.5, reach: 20 }])),
    bits: { inputs: 6, weights: 8, outputs: 8 },
    noise: { shot: 0.1, thermal: 0.1, rows: 9 },
    seed: 2,
  });
  const { graph, trained } = variant.trainable(trainableGraph(model));
  // Biases are trained, and nothing is normalised that was not before.
  const norms = (one: typeof graph) => one.nodes.filter(({ op }) => op === "BatchNormalization").length;
  assertEquals([...trained.values(), norms(graph)], ["bias", norms(model)]);
  assertEquals(graph.nodes.filter(({ op }) => op === "NoisyQuantize").length, 2 * convs.length);
  return { ...buildTrainingGraph(graph, { trained }), losses: [{ name: "loss", value: loss }] };
}

gpuTest("a run behind an array learns, and goes on bit for bit from a state", async (device) => {
  const batches = [1, 2, 3, 4, 5, 6].map((seed) => ({ x: Float32Array.from(uniform(SHAPE, seed, -1, 2).data) }));
  const straight = await TrainingSession.create(problem(), { device });
  const losses: number[] = [];
  for (const batch of batches) losses.push((await straight.step(batch, SETTINGS)).losses.loss);
  const expected = await straight.trained();
  straight.destroy();
  assert(losses[5] < losses[0], `losses are ${losses}`);

  const first = await TrainingSession.create(problem(), { device });
  for (const batch of batches.slice(0, 3)) await first.step(batch, SETTINGS);
  const state = await first.state();
  first.destroy();
  const second = await TrainingSession.create(problem(), { device });
  second.restore(state);
  for (const batch of batches.slice(3)) await second.step(batch, SETTINGS);
  assertEquals(await second.trained(), expected);
  second.destroy();
});

gpuTest("maps that are computed again have the noise that they had", async (device) => {
  const batch = { x: Float32Array.from(uniform(SHAPE, 7, -1, 2).data) };
  const gradients = await Promise.all([false, true].map(async (recompute) => {
    const session = await TrainingSession.create(problem(), { device, recompute });
    await session.step(batch);
    const found = await session.gradients();
    session.destroy();
    return found;
  }));
  assertEquals(gradients[1], gradients[0]);
});
