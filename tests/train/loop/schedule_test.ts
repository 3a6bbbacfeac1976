/** Learning rates, momentum, accumulation and averages of every step, against values worked out by hand. */

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { FeatherdetError } from "../../../src/graph/error.ts";
import {
  averageDecay,
  chooseOptimizer,
  defaultRates,
  rateFactor,
  Schedule,
  type ScheduleOptions,
  warmupSteps,
} from "../../../src/train/loop/schedule.ts";

/** 50 epochs of 20 steps: a warm-up of 100 steps, the least that is published. */
const SGD: ScheduleOptions = {
  optimizer: "sgd",
  epochs: 50,
  stepsPerEpoch: 20,
  batch: 8,
  accumulate: 2,
  learningRate: 0.01,
};

Deno.test("the learning rate falls on a line or on the cosine to its last share", () => {
  assertEquals([0, 5, 10].map((epoch) => rateFactor(epoch, 10, 0.01, false)), [1, 0.505, 0.01]);
  assertAlmostEquals(rateFactor(9, 10, 0.01, false), 0.109);
  // cos 45 degrees: 0.01 + 0.99 * (1 + 0.70710678) / 2.
  assertAlmostEquals(rateFactor(2, 8, 0.01, true), 0.8550178566);
  assertAlmostEquals(rateFactor(4, 8, 0.01, true), 0.505);
  assertEquals(rateFactor(3, 7, 1, true), 1);
});

Deno.test("by steps, the learning rate falls within an epoch too", () => {
  const schedule = new Schedule({ ...SGD, epochs: 2, warmupEpochs: 0, decayBy: "step" });
  assertEquals(schedule.learningRates(0).weight, 0.01);
  // A quarter, a half and 39 of the 40 steps are done.
  for (const [step, left] of [[10, 3 / 4], [20, 1 / 2], [39, 1 / 40]]) {
    const rates = Object.values(schedule.learningRates(step));
    for (const rate of rates) assertAlmostEquals(rate, 0.01 * (0.01 + 0.99 * left), 1e-12);
  }
  assertThrows(
    () => new Schedule({ ...SGD, decayBy: "picture" as "step" }),
    FeatherdetError,
    'training: learning rates fall by epoch or by step, not by "picture"',
  );
});

Deno.test("the warm-up takes the asked epochs, at least 100 steps, at most a fifth of the run", () => {
  assertEquals(warmupSteps(3, 200, 100), 600);
  assertEquals(warmupSteps(3, 20, 100), 100);
  assertEquals(warmupSteps(3, 20, 10), 40);
  assertEquals(warmupSteps(0, 20, 10), 0);
  assertEquals(warmupSteps(3, 1, 4), 0);
});

Deno.test("in the warm-up weights begin at 0, biases at 0.1, and momentum at 0.8", () => {
  const schedule = new Schedule(SGD);
  assertEquals(schedule.warmup, 100);
  assertEquals(schedule.learningRates(0), { weight: 0, norm: 0, bias: 0.1 });
  assertEquals(schedule.momentum(0), 0.8);
  // Step 50 is in epoch 2, whose rate is 0.01 * (1 - 0.99 * 2 / 50) = 0.009604; half of the warm-up is over.
  const { weight, norm, bias } = schedule.learningRates(50);
  assertAlmostEquals(weight, 0.004802);
  assertAlmostEquals(norm, 0.004802);
  assertAlmostEquals(bias, 0.054802);
  assertAlmostEquals(schedule.momentum(50), 0.8685);
  const after = schedule.learningRates(100);
  for (const rate of Object.values(after)) assertAlmostEquals(rate, 0.00901);
  assertEquals(schedule.momentum(100), 0.937);
  assertAlmostEquals(schedule.learningRates(999).weight, 0.01 * (1 - 0.99 * 49 / 50));
});

Deno.test("AdamW keeps its betas in the warm-up and its biases begin at 0", () => {
  const schedule = new Schedule({ ...SGD, optimizer: "adamw", learningRate: 0.002 });
  assertEquals(schedule.learningRates(0), { weight: 0, norm: 0, bias: 0 });
  assertEquals([schedule.momentum(0), schedule.momentum(500)], [0.9, 0.9]);
});

Deno.test("in the last epochs weights may rest, biases and scales go on", () => {
  const [whole, frozen] = [new Schedule(SGD), new Schedule({ ...SGD, freezeEpochs: 3 })];
  assertEquals([whole.firstFrozen, frozen.firstFrozen], [50, 47]);
  for (const step of [30, 200, 47 * 20 - 1]) assertEquals(frozen.learningRates(step), whole.learningRates(step));
  for (const step of [47 * 20, 999]) {
    assertEquals(frozen.learningRates(step), { ...whole.learningRates(step), weight: 0 });
    assert(frozen.learningRates(step).norm > 0);
  }
});

Deno.test("weight decay is scaled to the pictures of an update", () => {
  assertEquals(new Schedule(SGD).weightDecay, 0.0005 * 16 / 64);
  assertEquals(new Schedule({ ...SGD, batch: 64, accumulate: 1, weightDecay: 0.1 }).weightDecay, 0.1);
});

Deno.test("batches gather to updates, the last of an epoch to one of their own", () => {
  const late = new Schedule({ ...SGD, stepsPerEpoch: 10, accumulate: 4, warmupEpochs: 0 });
  const at = (flags: boolean[]) => flags.flatMap((flag, step) => flag ? [step] : []);
  assertEquals(at(late.updates(3)), [3, 7, 9]);
  // The warm-up ends at step 100: at first every step is an update, near its end every fourth.
  const early = new Schedule({ ...SGD, stepsPerEpoch: 50, epochs: 10, accumulate: 4, warmupEpochs: 2 });
  assertEquals(early.warmup, 100);
  assertEquals([0, 10, 20, 50, 60, 80, 90, 100].map((step) => early.accumulation(step)), [1, 1, 2, 3, 3, 3, 4, 4]);
  // 1 + 3 * step / 100, rounded: 1 below step 17, 2 below 50.
  assertEquals(at(early.updates(0)).slice(0, 22), [
    ...Array.from({ length: 17 }, (_, step) => step),
    ...[18, 20, 22, 24, 26],
  ]);
  // The second epoch goes on at step 50: 1 + 3 * 50 / 100 is 2.5, so 3 batches, and 4 from step 84 on.
  assertEquals(at(early.updates(1)), [...[2, 5, 8, 11, 14, 17, 20, 23, 26, 29, 32, 35], ...[39, 43, 47, 49]]);
});

Deno.test("the moving average forgets its beginning: 0.9999 * (1 - exp(-updates / 2000))", () => {
  assertEquals(averageDecay(0), 0);
  assertAlmostEquals(averageDecay(2000), 0.6320573471);
  assertAlmostEquals(averageDecay(100_000), 0.9999);
  assertEquals(new Schedule(SGD).settings(60, 2000).averageDecay, averageDecay(2000));
});

Deno.test("published rates by optimizer and classes, and the optimizer by length of the run", () => {
  assertEquals(defaultRates("sgd", 3), { learningRate: 0.01, momentum: 0.937 });
  assertEquals(defaultRates("adamw", 80), { learningRate: 0.000119, momentum: 0.9 });
  assertEquals(defaultRates("adamw", 3), { learningRate: 0.001429, momentum: 0.9 });
  assertEquals([chooseOptimizer(10_000), chooseOptimizer(10_001)], ["adamw", "sgd"]);
});

Deno.test("numbers out of range are refused by name", () => {
  const refused = (change: Partial<ScheduleOptions>, text: string) =>
    assertThrows(() => new Schedule({ ...SGD, ...change }), FeatherdetError, text);
  refused({ epochs: 0 }, "the number of epochs is 0, expected a whole number of at least 1");
  refused({ batch: 1.5 }, "the batch is 1.5");
  refused({ learningRate: NaN }, "the learning rate is NaN");
  refused({ momentum: 1.2 }, "the momentum is 1.2, expected a number of 0 to 1");
  refused({ finalFactor: -1 }, "the final factor is -1");
  refused({ freezeEpochs: 50 }, "the number of epochs with frozen weights is 50, expected a whole number of 0 to 49");
  refused({ clipNorm: 0 }, "the largest norm of the gradient is 0");
});
