/** The net of the training comparison: steps on the device make the way that the reference makes. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { benchTraining, parameterDifference, type TrainRecord, trainTable } from "../../bench/train.ts";
import { MOMENTUM, STEP_LENGTH, trainNet, trainNetBatch } from "../../bench/train_net.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { type ReferenceOptimizer, updateReference } from "../../src/reference/optimizer.ts";
import { buildGradientGraph } from "../../src/train/mod.ts";
import { gpuTest } from "../support/gpu.ts";

const OPTIONS = { size: 16, batch: 3, channels: [5, 8], classes: 4, seed: 7 };

/** Losses before each step, and the parameters behind the last, by the reference's gradients and update. */
function referenceSteps(steps: number): { losses: number[]; parameters: Map<string, Float64Array> } {
  const net = trainNet(OPTIONS);
  const batch = trainNetBatch(OPTIONS);
  const { graph, gradients } = buildGradientGraph(net.graph, {
    losses: [net.losses[0].value],
    wrt: net.parameters.map(({ name }) => name),
  });
  const settings = {
    learningRates: { weight: STEP_LENGTH, bias: STEP_LENGTH, norm: STEP_LENGTH },
    momentum: MOMENTUM,
    weightDecay: 0,
    averageDecay: 1,
    clipNorm: Infinity,
  };
  const optimizers = new Map(net.parameters.map(({ name, group, initial }): [string, ReferenceOptimizer] => {
    const parameters = Float64Array.from(initial.data);
    const zeros = () => new Float64Array(parameters.length);
    const groups = Array.from(parameters, () => group);
    return [name, { groups, parameters, average: zeros(), first: zeros(), second: zeros(), updates: 0 }];
  }));
  const statistics = Object.fromEntries(
    net.statistics.map(({ name, initial }) => [name, referenceTensor(initial.shape, Float32Array.from(initial.data))]),
  );
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const found = runReference(graph, {
      images: referenceTensor([OPTIONS.batch, 3, OPTIONS.size, OPTIONS.size], batch.images),
      labels: referenceTensor([OPTIONS.batch, OPTIONS.classes], batch.labels),
      ...statistics,
      ...Object.fromEntries(net.parameters.map(({ name, initial }) => [
        name,
        { shape: initial.shape, data: optimizers.get(name)!.parameters },
      ])),
    });
    losses.push(found.get(net.losses[0].value)!.data[0]);
    for (const [name, optimizer] of optimizers) {
      updateReference("sgd", optimizer, found.get(gradients.get(name)!)!.data, settings);
    }
  }
  return { losses, parameters: new Map([...optimizers].map(([name, { parameters }]) => [name, parameters])) };
}

gpuTest("the training comparison measures steps whose losses are those of the reference", async () => {
  let last: ReadonlyMap<string, Float32Array> = new Map();
  const record: TrainRecord = await benchTraining(OPTIONS, {
    rounds: 2,
    peer: false,
    onCompared: (trained) => last = trained,
  });
  const [{ losses, step, engine, imagesPerSecond }] = record.results;
  const expected = referenceSteps(losses.length);
  losses.forEach((loss, i) => assert(Math.abs(loss - expected.losses[i]) < 1e-5, `loss ${i}: ${loss}`));
  assert(losses.at(-1)! < losses[0], "the loss falls");
  assert(parameterDifference(trainNet(OPTIONS), last, expected.parameters) < 1e-4);
  assertEquals([engine, step.count, record.results.length], ["featherdet", 2, 1]);
  assert(Math.abs(imagesPerSecond - 3000 / step.median) < 1e-9);
  const table = trainTable(record);
  for (const text of [record.adapter.name, "featherdet", "images/s"]) assertStringIncludes(table, text);
});
