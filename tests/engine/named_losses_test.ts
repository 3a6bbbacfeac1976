/** A session with several losses and seeds at once, against the float64 reference, with weights that change from step to step. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { type TrainingProblem, TrainingSession } from "../../src/engine/training_session.ts";
import { FeatherdetError } from "../../src/graph/mod.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { batchNormL1, buildGradientGraph, buildTrainingGraph, trainableGraph, weightAt } from "../../src/train/mod.ts";
import { nonFiniteLosses } from "../../src/train/loop/record.ts";
import { uniform } from "../support/finite_differences.ts";
import { gpuTest } from "../support/gpu.ts";
import { lively } from "../support/lively.ts";
import { SETTINGS } from "../support/update_settings.ts";

const SHAPE = [3, 1, 13, 17], MAP = [3, 6, 7, 9];

/** Two blocks; losses are the mean square and the mean of the result, and the absolute scales; the map in between is seeded. */
function severalLosses(): TrainingProblem {
  const b = new ModelBuilder({ seed: 5 });
  const middle = b.convBlock("first", b.input("x", SHAPE), { out: 6, kernel: 3, stride: 2 });
  const y = b.conv("last", b.convBlock("second", middle, { out: 7, kernel: 3 }), { out: 5, bias: 0.1 });
  const over = { axes: [0, 1, 2, 3], keepDims: false };
  const squares = b.node("ReduceMean", "squares", [b.mul("products", y, y)], over);
  const mean = b.node("ReduceMean", "mean", [y], { ...over, keepDims: true });
  const slim = batchNormL1({ weight: [[0, 0], [2, 0.5]] });
  const { graph, losses } = slim.losses(trainableGraph(lively(b.graph("net", [squares, mean]))));
  const training = buildTrainingGraph(graph, { outputs: [squares, mean, ...losses.map(({ value }) => value), middle] });
  return {
    ...training,
    losses: [
      { name: "squares", value: squares },
      { name: "mean", value: mean, weight: -0.75, gradientFactor: 3 },
      ...losses,
    ],
    seeds: { [middle]: "gradient of the middle" },
  };
}

const INPUTS = { x: uniform(SHAPE, 1), "gradient of the middle": uniform(MAP, 2, -0.02, 0.02) };

/** Losses and gradients of the parameters in float64, in an epoch. */
function reference({ graph, losses = [], seeds, parameters, statistics }: TrainingProblem, epoch: number) {
  const made = buildGradientGraph(graph, {
    losses: losses.map(({ value, weight = 1, gradientFactor = 1 }) => {
      return { value, weight: weightAt(weight, epoch) * gradientFactor };
    }),
    seeds,
    wrt: parameters.map(({ name }) => name),
  });
  const constants = [...parameters, ...statistics].map(({ name, initial: { shape, data } }) =>
    [name, referenceTensor(shape, data)] as const
  );
  const values = runReference(made.graph, { ...INPUTS, ...Object.fromEntries(constants) });
  return {
    losses: losses.map(({ name, value, weight = 1 }) =>
      [name, weightAt(weight, epoch) * values.get(value)!.data[0]] as const
    ),
    gradients: new Map([...made.gradients].map(([name, gradient]) => [name, values.get(gradient)!.data])),
  };
}

const inputs = () =>
  Object.fromEntries(Object.entries(INPUTS).map(([name, { data }]) => [name, Float32Array.from(data)]));

for (const storage of ["texture", "buffer"] as const) {
  gpuTest(
    `gradients of several losses and a seed are the reference's in every epoch, in ${storage}s`,
    async (device) => {
      const problem = severalLosses();
      const session = await TrainingSession.create(problem, { device, storage });
      assertEquals(session.inputs.map(({ name }) => name), ["x", "gradient of the middle"]);
      for (const epoch of [0, 1, 3]) {
        const { losses, lossWeights } = await session.step(inputs(), undefined, { epoch });
        const found = await session.gradients();
        const expected = reference(problem, epoch);
        assertEquals(Object.keys(losses), ["squares", "mean", "gammaL1"]);
        assertEquals(lossWeights, { mean: -0.75, gammaL1: Math.min(epoch / 4, 0.5) });
        for (const [name, loss] of expected.losses) {
          assert(Math.abs(losses[name] - loss) < 1e-5 * Math.max(1, Math.abs(loss)), `${name} is ${losses[name]}`);
        }
        assertEquals([...found.keys()].sort(), [...expected.gradients.keys()].sort());
        for (const [name, data] of expected.gradients) {
          const scale = data.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-2);
          data.forEach((value, i) => {
            assert(Math.abs(found.get(name)![i] - value) < 1e-4 * scale, `epoch ${epoch}: ${name}[${i}]`);
          });
        }
      }
      session.destroy();
    },
  );
}

gpuTest("a scale of all losses reaches their gradients and is divided out of the update, not told", async (device) => {
  const { seeds: _, ...problem } = severalLosses();
  const [plain, scaled] = [
    await TrainingSession.create(problem, { device }),
    await TrainingSession.create(problem, { device }),
  ];
  const { x } = inputs();
  // A power of two changes no digit.
  const one = await plain.step({ x }, SETTINGS, { epoch: 1 });
  const other = await scaled.step({ x }, SETTINGS, { epoch: 1, lossScale: 1024 });
  assertEquals([other.losses, other.gradientNorm], [one.losses, one.gradientNorm]);
  assertEquals(await scaled.trained(), await plain.trained());
  const [small, large] = [await plain.gradients(), await scaled.gradients()];
  for (const [name, data] of small) assertEquals(large.get(name), data.map((value) => 1024 * value), name);
  for (const session of [plain, scaled]) session.destroy();
});

gpuTest("losses that are not finite are told by name, others as they are", async (device) => {
  const session = await TrainingSession.create(severalLosses(), { device });
  const fine = await session.step(inputs(), SETTINGS, { epoch: 1 });
  const { losses, skipped } = await session.step({ ...inputs(), x: inputs().x.fill(NaN) }, SETTINGS, { epoch: 1 });
  assert(skipped && fine.losses.gammaL1 > 0);
  const lost = nonFiniteLosses({ losses, skipped });
  assertEquals(lost, ["squares", "mean"]);
  session.destroy();
});

gpuTest("losses that are none of the problem's values are refused by name", async (device) => {
  const problem = severalLosses();
  const refused = (losses: TrainingProblem["losses"], text: string) =>
    assertRejects(() => TrainingSession.create({ ...problem, losses }, { device }), FeatherdetError, text);
  const [first] = problem.losses!;
  await refused([first, first], 'there are two losses of the name "squares"');
  await refused([{ name: "map", value: Object.keys(problem.seeds!)[0] }], "a loss has one element");
  await refused([{ ...first, gradientScale: "none" }], 'loss "squares": there is no input "none" of one element');
  await refused([{ ...first, element: 1, gradientScale: "x" }], "has 1 elements, not an element 1");
});

gpuTest(
  "a step's factors reach the gradients of the losses that they name alone, and statistics may rest",
  async (device) => {
    const { seeds: _, ...problem } = severalLosses(), { x } = inputs();
    const session = await TrainingSession.create(problem, { device }), { initial, name } = problem.statistics[0];
    const gradientsOf = async (factors: Record<string, number>) => {
      const { losses } = await session.step({ x }, undefined, { epoch: 1, factors, keepsStatistics: true });
      return { losses, found: await session.gradients() };
    };
    const whole = await gradientsOf({}), parts: (typeof whole.found)[] = [];
    for (const one of ["squares", "mean", "gammaL1"]) {
      const factors = { squares: 0, mean: 0, gammaL1: 0, [one]: 2 };
      const { losses, found } = await gradientsOf(factors);
      // What is told of a loss does not depend on what it teaches in this step.
      assertEquals(losses, whole.losses);
      parts.push(found);
    }
    for (const [parameter, data] of whole.found) {
      const scale = data.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-2);
      data.forEach((value, i) => {
        const sum = parts.reduce((sum, found) => sum + found.get(parameter)![i], 0);
        assert(Math.abs(sum - 2 * value) < 1e-4 * scale, `${parameter}[${i}]`);
      });
    }
    assertEquals((await session.trained()).get(name), initial.data);
    await session.step({ x }, undefined, { epoch: 1 });
    assert((await session.trained()).get(name)!.some((value, i) => value !== initial.data[i]));
    await assertRejects(
      () => session.step({ x }, undefined, { factors: { other: 0 } }),
      FeatherdetError,
      'a factor for "other", which is no loss',
    );
    session.destroy();
  },
);
