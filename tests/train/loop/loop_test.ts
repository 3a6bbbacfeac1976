/** The training loop, with a trainer that needs no device. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { FeatherdetError } from "../../../src/graph/error.ts";
import { readCheckpoint } from "../../../src/train/loop/checkpoint.ts";
import { type BatchSource, type LoopOptions, runTraining } from "../../../src/train/loop/loop.ts";
import { type EpochRecord, meanLosses, type Score, tallied } from "../../../src/train/loop/record.ts";
import { Schedule, type ScheduleOptions } from "../../../src/train/loop/schedule.ts";
import { createMemoryStore, type TrainingStore } from "../../../src/train/loop/store.ts";
import type { TrainingBatch } from "../../../src/train/loop/trainer.ts";
import { type FakeOptions, FakeTrainer } from "../../support/fake_trainer.ts";
import { randomTensor } from "../../support/random.ts";

/** What the fake trainer finds: three weights and a bias. */
const TRUTH = [0.5, -1, 2, 0.25];

/** Pictures of one pixel whose boxes begin at a weighted sum of its colours: the same for the same step. */
function batchAt(epoch: number, step: number): TrainingBatch {
  const images = randomTensor([4, 3], 1000 * epoch + step, 0, 1);
  const boxes = new Float32Array(4 * 5);
  for (let i = 0; i < 4; i++) {
    const [r, g, b] = images.subarray(3 * i);
    boxes[5 * i + 1] = TRUTH[0] * r + TRUTH[1] * g + TRUTH[2] * b + TRUTH[3];
  }
  return { images, boxes };
}

interface Watched extends BatchSource {
  closed: number;
}

function source(stepsPerEpoch: number): Watched {
  const watched: Watched = {
    stepsPerEpoch,
    closed: 0,
    async *read({ epoch, step }) {
      try {
        for (let at = step;; at = 0, epoch++) {
          for (; at < stepsPerEpoch; at++) yield await Promise.resolve(batchAt(epoch, at));
        }
      } finally {
        watched.closed++;
      }
    },
  };
  return watched;
}

const STEPS = 7;

function schedule(options: Partial<ScheduleOptions> = {}): Schedule {
  return new Schedule({
    optimizer: "sgd",
    epochs: 4,
    stepsPerEpoch: STEPS,
    batch: 4,
    learningRate: 0.05,
    warmupEpochs: 1,
    ...options,
  });
}

/** Runs with the fake trainer; whatever is given replaces what is usual. */
async function run(
  options: Partial<LoopOptions> & { fake?: FakeOptions; batches?: BatchSource } = {},
) {
  const trainer = new FakeTrainer(options.fake);
  const store = createMemoryStore();
  const settings = { epochs: 4, note: "fake" };
  const batches = options.batches ?? source((options.schedule ?? schedule()).options.stepsPerEpoch);
  const result = await runTraining(trainer, batches, {
    schedule: schedule(),
    store,
    settings,
    ...options,
  });
  return { trainer, store: (options.store ?? store) as typeof store, result };
}

function lines(store: { files: ReadonlyMap<string, Uint8Array> }) {
  const text = new TextDecoder().decode(store.files.get("log.jsonl"));
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}

const last = (store: { files: ReadonlyMap<string, Uint8Array> }) =>
  readCheckpoint(store.files.get("last.ckpt")!, "last.ckpt");

Deno.test("weights that are frozen rest at their average, biases learn on, and a resumed run is the same", async () => {
  const options = { schedule: schedule({ freezeEpochs: 2 }) };
  const averages: Float32Array[] = [];
  const watch = {
    ...options,
    validate: (weights: ReadonlyMap<string, Float32Array>): Promise<Score> => {
      averages.push(weights.get("w")!);
      return Promise.resolve({ map: 0, map50: 0 });
    },
  };
  const { trainer, store } = await run(watch);
  const found = (await trainer.trained("current")).get("w")!;
  assertEquals(
    [...found.subarray(0, 3)],
    [...averages[1].subarray(0, 3)],
    "the average of the last epoch that moved them",
  );
  assertEquals(averages.slice(2).map((each) => [...each.subarray(0, 3)]), [
    [...averages[1].subarray(0, 3)],
    [...averages[1].subarray(0, 3)],
  ]);
  assert(new Set(averages.map((each) => each[3])).size === 4, "the bias moves in every epoch");
  const free = await run({ schedule: schedule() });
  assert(String([...(await free.trainer.trained("current")).get("w")!]) !== String([...found]));

  for (const steps of [2 * STEPS, 2 * STEPS + 3]) {
    const abort = new AbortController();
    let count = 0;
    const part = await run({ ...options, signal: abort.signal, onStep: () => ++count === steps && abort.abort() });
    const rest = await run({ ...options, resume: await last(part.store) });
    assertEquals((await rest.trainer.trained("current")).get("w"), found, `stopped after ${steps} steps`);
    assertEquals((await last(rest.store)).state, (await last(store)).state);
  }
});

Deno.test("a run learns, reports every step and epoch, and leaves its files", async () => {
  const epochs: EpochRecord[] = [];
  const steps: number[] = [];
  const { trainer, store, result } = await run({
    schedule: schedule({ epochs: 60, learningRate: 0.2, finalFactor: 0.5 }),
    onEpoch: (epoch) => void epochs.push(epoch),
    onStep: ({ epoch, step, imagesPerSecond }) => {
      steps.push(epoch * STEPS + step);
      assert(imagesPerSecond > 0);
    },
    exportModel: (weights) => new Uint8Array(weights.get("w")!.buffer.slice(0)),
  });
  assertEquals([result.reason, result.run.epochs.length], ["finished", 60]);
  assertEquals(steps, Array.from({ length: 60 * STEPS }, (_, i) => i));
  assertEquals(epochs, [...result.run.epochs]);
  assert(epochs[59].losses.box < 1e-3 * epochs[0].losses.box, `${epochs[0].losses.box} to ${epochs[59].losses.box}`);
  assertEquals(epochs[59].losses.classes, 2 * epochs[59].losses.box);
  const found = (await trainer.trained("current")).get("w")!;
  TRUTH.forEach((value, k) => assert(Math.abs(found[k] - value) < 0.05, `${found}`));
  // Without a validation the last model is the best that there is.
  assertEquals([...store.files.keys()].sort(), ["best.ckpt", "best.onnx", "last.ckpt", "log.jsonl", "results.csv"]);
  assertEquals(new Float32Array(store.files.get("best.onnx")!.buffer), (await trainer.trained("average")).get("w")!);
  const events = lines(store).map(({ event }) => event);
  assertEquals([events[0], events.at(-1)], ["start", "end"]);
  assertEquals(events.filter((event) => event === "step").length, 60 * STEPS);
  const [, step] = lines(store);
  assertEquals([step.epoch, step.step, step.positives, step.skipped], [0, 0, 4, false]);
  assert(Object.values(step.losses).length === 3 && step.learningRates.bias === 0.1 && step.momentum === 0.8);
});

Deno.test("whatever losses there are are logged, averaged and kept, with the weights of each step", async () => {
  const losses = (loss: number, epoch: number) => ({
    losses: { "hint 2": loss, norm: epoch * loss },
    lossWeights: { norm: epoch },
  });
  const { store, result } = await run({ fake: { losses }, schedule: schedule({ epochs: 2 }) });
  const steps = lines(store).filter(({ event }) => event === "step");
  steps.forEach(({ losses, lossWeights }, i) => {
    assertEquals(Object.keys(losses), ["hint 2", "norm"]);
    // Epochs count with fractions, steps of an epoch evenly.
    assertEquals(lossWeights, { norm: Math.floor(i / STEPS) + (i % STEPS) / STEPS });
  });
  const mean = (epoch: number, name: string) =>
    steps.slice(epoch * STEPS, (epoch + 1) * STEPS).reduce((sum, { losses }) => sum + losses[name], 0) / STEPS;
  result.run.epochs.forEach(({ losses }, epoch) => {
    assertEquals(losses, { "hint 2": mean(epoch, "hint 2"), norm: mean(epoch, "norm") });
  });
  const { run: kept } = await last(store);
  assertEquals(Object.keys(kept.epochs[1].losses), ["hint 2", "norm"]);
});

Deno.test("losses that are not finite are named where a run fails", async () => {
  const losses = (loss: number) => ({ losses: { box: loss, hint: NaN, norm: Infinity } });
  await assertRejects(
    () => run({ fake: { losses }, lostLimit: 3 }),
    FeatherdetError,
    '3 steps in a row gave numbers that are not finite, in the losses "hint", "norm"; a lower learning rate',
  );
  await assertRejects(
    () => run({ fake: { losses, layer: "model.0" }, lostLimit: 3 }),
    FeatherdetError,
    'not finite, first in layer "model.0" and in the losses "hint", "norm"; a lower',
  );
});

Deno.test("an epoch that was lost as a whole has zeros for its losses, and a run of before goes on", async () => {
  const { result } = await run({ fake: { lost: () => true }, lostLimit: 1000, schedule: schedule({ epochs: 1 }) });
  assertEquals(result.run.epochs[0].losses, { box: 0, classes: 0, distribution: 0 });
  // A tally as runs had them that knew three losses and no others.
  const losses = { box: 1, classes: 2, distribution: 3 };
  const report = { losses: { box: 4, classes: 5, distribution: 6 }, skipped: false };
  const tally = { steps: 1, losses, skipped: 0, seconds: 1 };
  assertEquals(meanLosses(tallied(tally, report, 1)), { box: 2.5, classes: 3.5, distribution: 4.5 });
  const empty = { ...tally, steps: 0, losses: { box: 0, classes: 0, distribution: 0 } };
  assertEquals(meanLosses(tallied(empty, report, 1)), report.losses);
});

Deno.test("two steps are in flight and never more", async () => {
  // Reports come in a later turn of the event loop, as a device's do.
  const delay = () => new Promise<void>((resolve) => setTimeout(resolve, 0));
  const { trainer } = await run({ fake: { delay } });
  assertEquals(trainer.mostInFlight, 2);
});

Deno.test("gradients of several batches are one update, those left at an epoch's end another", async () => {
  const { trainer } = await run({ schedule: schedule({ accumulate: 3, warmupEpochs: 0, epochs: 2 }) });
  assertEquals(trainer.summed, [3, 3, 1, 3, 3, 1]);
  assertEquals(trainer.settings.length, 6);
  assertEquals(trainer.settings[5].weightDecay, 0.0005 * 12 / 64);
});

for (const accumulate of [1, 3]) {
  Deno.test(`a run that is stopped anywhere and resumed is the same to the bit (${accumulate} batches an update)`, async () => {
    const options = { schedule: schedule({ accumulate }) };
    const validate = (weights: ReadonlyMap<string, Float32Array>): Promise<Score> =>
      Promise.resolve({ map: weights.get("w")![0], map50: 0.5 });
    const whole = await run({ ...options, validate });
    const expected = await last(whole.store);
    for (const stop of [1, 5, 7, 13, 27]) {
      const abort = new AbortController();
      let count = 0;
      const first = await run({
        ...options,
        validate,
        signal: abort.signal,
        onStep: () => ++count === stop && abort.abort(),
      });
      assertEquals(first.result.reason, "interrupted");
      const resume = await last(first.store);
      assert(resume.run.position.epoch * STEPS + resume.run.position.step <= stop + accumulate + 1);
      const second = await run({ ...options, validate, resume, store: first.store });
      const found = await last(first.store);
      assertEquals(found.state, expected.state, `stopped after ${stop} steps`);
      const { seconds: _, epochs, ...rest } = found.run;
      const { seconds: __, epochs: wholeEpochs, ...wholeRest } = expected.run;
      assertEquals(rest, wholeRest);
      // Means of losses are the same too; times are not.
      assertEquals(
        epochs.map(({ losses, score }) => [losses, score]),
        wholeEpochs.map((one) => [one.losses, one.score]),
      );
      assertEquals(second.result.reason, "finished");
      // Every step and epoch is in the log once, in order.
      const placed = lines(first.store).filter(({ event }) => event === "step").map(({ epoch, step }) =>
        epoch * STEPS + step
      );
      assertEquals(placed, Array.from({ length: 4 * STEPS }, (_, i) => i));
      assertEquals(lines(first.store).filter(({ event }) => event === "epoch").map(({ epoch }) => epoch), [0, 1, 2, 3]);
    }
  });
}

Deno.test("ten steps straight are five, a resume and five more", async () => {
  const ten = { schedule: schedule({ epochs: 2, stepsPerEpoch: 5 }), batches: source(5) };
  const straight = await run(ten);
  const abort = new AbortController();
  const half = await run({ ...ten, signal: abort.signal, onEpoch: () => abort.abort() });
  const resume = await last(half.store);
  assertEquals(resume.run.position, { epoch: 1, step: 0, updates: 5 });
  const rest = await run({ ...ten, resume });
  assertEquals(await rest.trainer.state(), await straight.trainer.state());
});

Deno.test("a run that died after its last checkpoint says nothing twice when it goes on from there", async () => {
  const store = createMemoryStore();
  const checkpoints: Uint8Array[] = [];
  const options = { schedule: schedule({ epochs: 3 }), validate: () => Promise.resolve({ map: 0.1, map50: 0.2 }) };
  const first = await run({
    ...options,
    store,
    saveEvery: 0,
    onStep: () => void checkpoints.push(store.files.get("last.ckpt") ?? new Uint8Array(0)),
  });
  // The log of all three epochs is there, its end cut; the checkpoint is of the third step of the second.
  await store.append("log.jsonl", '{"event":"step","epo');
  const resume = await readCheckpoint(checkpoints[STEPS + 3], "last.ckpt");
  assertEquals(resume.run.position, { epoch: 1, step: 3, updates: STEPS + 3 });
  await run({ ...options, store, resume });
  const told = lines(store).filter(({ event }) => event === "step" || event === "epoch");
  const expected = [0, 1, 2].flatMap((
    epoch,
  ) => [...Array(STEPS).keys().map((step) => [epoch, step]), [epoch, undefined]]);
  assertEquals(told.map(({ epoch, step }) => [epoch, step]), expected);
  assertEquals((await last(store)).state, await first.trainer.state());
});

Deno.test("the signal during a validation stops it, and the resumed run begins with it", async () => {
  const abort = new AbortController();
  const score = { map: 0.5, map50: 0.7 };
  const first = await run({
    signal: abort.signal,
    validate: (_, epoch) => {
      if (epoch < 1) return Promise.resolve(score);
      abort.abort();
      return Promise.reject(abort.signal.reason);
    },
  });
  assertEquals(first.result.reason, "interrupted");
  const resume = await last(first.store);
  assertEquals(resume.run.position, { epoch: 1, step: STEPS, updates: 2 * STEPS });
  const validated: number[] = [];
  const second = await run({
    resume,
    store: first.store,
    validate: (_, epoch) => {
      validated.push(epoch);
      return Promise.resolve(score);
    },
  });
  assertEquals([validated, second.result.run.epochs.length], [[1, 2, 3], 4]);
  assertEquals(await second.trainer.state(), await (await run()).trainer.state());
});

/** A validation whose figures are given by epoch. */
function scored(maps: readonly number[]) {
  const asked: number[] = [];
  const validate = (_: unknown, epoch: number): Promise<Score> => {
    asked.push(epoch);
    return Promise.resolve({ map: maps[epoch], map50: 1 - maps[epoch] });
  };
  return { asked, validate };
}

Deno.test("best files are those of the best validation, by the metric that was asked for", async () => {
  const maps = [0.1, 0.4, 0.2, 0.3];
  const exportModel = (weights: ReadonlyMap<string, Float32Array>) => new Uint8Array(weights.get("w")!.buffer.slice(0));
  for (const [metric, best] of [["map", 1], ["map50", 0]] as const) {
    const models: number[][] = [];
    const { validate } = scored(maps);
    const { store, result } = await run({
      exportModel,
      metric,
      validate: (weights, epoch) => {
        models.push([...weights.get("w")!]);
        return validate(weights, epoch);
      },
    });
    assertEquals(result.run.best, { epoch: best, map: maps[best], map50: 1 - maps[best] });
    const kept = await readCheckpoint(store.files.get("best.ckpt")!, "best.ckpt");
    assertEquals([kept.run.position.epoch, kept.settings], [best + 1, { epochs: 4, note: "fake" }]);
    assertEquals([...new Float32Array(store.files.get("best.onnx")!.buffer)], models[best]);
    assertEquals(kept.model, store.files.get("best.onnx"));
    assertEquals((await last(store)).run.best?.epoch, best);
  }
});

Deno.test("validation comes every few epochs and after the last one", async () => {
  const { asked, validate } = scored([0, 1, 2, 3, 4, 5, 6, 7].map((value) => value / 10));
  const { result } = await run({ schedule: schedule({ epochs: 8 }), validate, validateEvery: 3 });
  assertEquals(asked, [2, 5, 7]);
  assertEquals(
    result.run.epochs.map(({ score }) => score !== undefined),
    [0, 1, 2, 3, 4, 5, 6, 7].map((k) => asked.includes(k)),
  );
});

Deno.test("a run ends when no epoch was better for too long, also after a resume", async () => {
  const { asked, validate } = scored([0.1, 0.5, 0.4, 0.5, 0.3, 0.9, 0.9]);
  const options = { schedule: schedule({ epochs: 7 }), validate, patience: 3 };
  const { store, result } = await run(options);
  assertEquals([result.reason, asked], ["patience", [0, 1, 2, 3, 4]]);
  assertEquals(result.run.best?.epoch, 1);
  assertEquals(lines(store).at(-1).reason, "patience");
  const again = await run({ ...options, resume: await last(store) });
  assertEquals([again.result.reason, asked.length], ["patience", 5]);
  const further = await run({ ...options, resume: await last(store), patience: 0 });
  assertEquals([further.result.reason, asked.length, further.result.run.best?.epoch], ["finished", 7, 5]);
});

Deno.test("single steps without finite numbers are counted, many in a row stop the run and name the layer", async () => {
  const some = await run({ fake: { lost: (step) => step % 3 === 1 }, lostLimit: 2 });
  assertEquals(some.result.run.epochs.map(({ skipped }) => skipped), [2, 3, 2, 2]);
  assert(some.result.run.epochs.every(({ losses }) => Number.isFinite(losses.box)));
  const store = createMemoryStore();
  const { validate } = scored([0.1, 0.2, 0.3, 0.4]);
  const error = await assertRejects(
    () => run({ store, validate, fake: { lost: (step) => step >= 10, layer: "model.3.conv" }, lostLimit: 3 }),
    FeatherdetError,
    'training stopped in epoch 2 at step 6: 3 steps in a row gave numbers that are not finite, first in layer "model.3.conv"',
  );
  assert(!error.message.includes("\n"));
  assertEquals((await last(store)).run.position, { epoch: 1, step: 0, updates: STEPS });
});

Deno.test("a checkpoint with numbers that are not finite never replaces one to go on from", async () => {
  const store = createMemoryStore();
  class Broken extends FakeTrainer {
    override async state() {
      const state = await super.state();
      if (state.updates > STEPS) state.arrays.get("values")![2] = NaN;
      return state;
    }
  }
  const { validate } = scored([0.1, 0.2, 0.3, 0.4]);
  await runTraining(new Broken(), source(STEPS), { schedule: schedule(), store, validate });
  assertEquals((await last(store)).run.position.epoch, 1);
});

Deno.test("checkpoints come in the middle of an epoch where it takes long", async () => {
  const positions: number[] = [];
  const memory = createMemoryStore();
  const store: TrainingStore = {
    ...memory,
    async write(name, content) {
      await memory.write(name, content);
      if (name !== "last.ckpt") return;
      const { run: { position } } = await readCheckpoint(content as Uint8Array, name);
      positions.push(position.epoch * STEPS + position.step);
    },
  };
  const options = { schedule: schedule({ epochs: 2, accumulate: 2, warmupEpochs: 0 }), saveEvery: 0 };
  const often = await run({ ...options, store }).then(() => undefined, (error) => error);
  assertEquals(often, undefined);
  assertEquals(positions.slice(0, 4), [2, 4, 6, 7]);
});

Deno.test("what trainer, batches, validation or store throw ends the run, and the batches are closed", async () => {
  const batches = source(STEPS);
  const failing = (name: string): TrainingStore => ({
    ...createMemoryStore(),
    write: (file) => file === name ? Promise.reject(new FeatherdetError("no space", { file })) : Promise.resolve(),
  });
  await assertRejects(() => run({ batches, store: failing("last.ckpt") }), FeatherdetError, "last.ckpt: no space");
  await assertRejects(
    () => run({ batches, validate: () => Promise.reject(new FeatherdetError("a broken picture")) }),
    FeatherdetError,
    "a broken picture",
  );
  await assertRejects(
    () => run({ batches, fake: { delay: () => Promise.reject(new FeatherdetError("the device was lost")) } }),
    FeatherdetError,
    "the device was lost",
  );
  assertEquals(batches.closed, 3);
});

Deno.test("a new run begins a log of its own", async () => {
  const store = createMemoryStore();
  await store.append("log.jsonl", '{"event":"start"}\n{"event":"step","epoch":0,"step":0}\n{"ev');
  await run({ store });
  const events = lines(store);
  assertEquals([events.length, events[0].event, events[1].step], [1 + 4 * STEPS + 4 + 1, "start", 0]);
});

Deno.test("options out of range and fewer epochs than were done end in one sentence, before anything is written", async () => {
  const { store } = await run();
  const resume = await last(store);
  const cases: [Partial<LoopOptions>, string][] = [
    [{ validateEvery: NaN }, "training: validateEvery is NaN, expected a whole number of at least 0"],
    [{ validateEvery: -1 }, "training: validateEvery is -1, expected"],
    [{ patience: 1.5 }, "training: patience is 1.5, expected a whole number of at least 0"],
    [{ lostLimit: 0 }, "training: lostLimit is 0, expected a whole number of at least 1"],
    [{ saveEvery: NaN }, "training: saveEvery is NaN, expected a number of seconds"],
    [{ metric: "map75" as "map" }, 'training: there is no metric "map75", there are map and map50'],
    [
      { resume, schedule: schedule({ epochs: 3 }) },
      "the checkpoint is of a run that has done 4 epochs already, asked for are 3",
    ],
  ];
  for (const [options, text] of cases) {
    const untouched = createMemoryStore();
    await assertRejects(() => run({ ...options, store: untouched }), FeatherdetError, text);
    assertEquals(untouched.files.size, 0);
  }
});
