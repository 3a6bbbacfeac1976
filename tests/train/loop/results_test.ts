/** `results.csv`: a line an epoch, whatever losses there are, and the same after a run was stopped and gone on with. */

import { assert, assertEquals } from "@std/assert";
// @ts-types="npm:@types/d3-dsv@3.0.7"
import { csvParse } from "npm:d3-dsv@3.0.2";
import { readCheckpoint } from "../../../src/train/loop/checkpoint.ts";
import { type BatchSource, type LoopOptions, runTraining } from "../../../src/train/loop/loop.ts";
import { RESULTS_FILE, resultsCsv } from "../../../src/train/loop/results.ts";
import { Schedule } from "../../../src/train/loop/schedule.ts";
import { createMemoryStore, type MemoryStore } from "../../../src/train/loop/store.ts";
import { FakeTrainer } from "../../support/fake_trainer.ts";
import { randomTensor } from "../../support/random.ts";

const STEPS = 5, EPOCHS = 6;

const BATCHES: BatchSource = {
  stepsPerEpoch: STEPS,
  async *read({ epoch, step }) {
    for (;; epoch++, step = 0) {
      for (; step < STEPS; step++) {
        yield await Promise.resolve({
          images: randomTensor([4, 3], 100 * epoch + step, 0, 1),
          boxes: randomTensor([4, 5], 100 * epoch + step, 0, 1),
        });
      }
    }
  },
};

const run = (store: MemoryStore, options: Partial<LoopOptions> = {}) =>
  runTraining(new FakeTrainer({ losses: (box) => ({ losses: { box, "distil cwd, x": 2 * box } }) }), BATCHES, {
    schedule: new Schedule({
      ...{ optimizer: "sgd", epochs: EPOCHS, stepsPerEpoch: STEPS, batch: 4, learningRate: 0.05, warmupEpochs: 1 },
    }),
    validate: (_, epoch) => Promise.resolve({ map: epoch / 16, map50: epoch / 8 }),
    validateEvery: 2,
    store,
    ...options,
  });

const textOf = (store: MemoryStore) => new TextDecoder().decode(store.files.get(RESULTS_FILE));

/** Lines without what depends on the clock. */
const untimed = (store: MemoryStore) =>
  csvParse(textOf(store)).map(({ images_per_second: _, seconds: __, ...rest }) => rest);

Deno.test("results.csv has a line for each epoch, with the figures of its record", async () => {
  const store = createMemoryStore(), texts: string[] = [];
  const { run: { epochs } } = await run(store, { onEpoch: () => void texts.push(textOf(store)) });
  const lines = csvParse(textOf(store));
  assertEquals(lines.columns, [
    ...["epoch", "loss_box", "loss_distil_cwd,_x", "map50", "map", "rate_weight", "rate_bias", "rate_norm"],
    ...["images_per_second", "seconds", "skipped"],
  ]);
  assertEquals(lines.length, EPOCHS);
  lines.forEach((line, i) => {
    const { losses, score, learningRates, seconds } = epochs[i];
    assertEquals([line.epoch, line.seconds, line.skipped], [`${i + 1}`, `${seconds}`, "0"]);
    assertEquals(Number(line.loss_box), losses.box);
    assertEquals([line.map50, line.map], i % 2 === 0 ? ["", ""] : [`${score!.map50}`, `${score!.map}`]);
    assertEquals(Number(line.rate_bias), learningRates.bias);
  });
  // There at once: whoever looks at a run that goes on sees all of it.
  texts.forEach((text, i) => assertEquals(csvParse(text).length, i + 1));
  assertEquals(resultsCsv(epochs), textOf(store));
});

Deno.test("a run that was stopped anywhere has the same columns and lines when it is done", async () => {
  const whole = createMemoryStore();
  await run(whole);
  for (const stop of [3, 2 * STEPS, 3 * STEPS + 1]) {
    const abort = new AbortController(), store = createMemoryStore();
    let steps = 0;
    await run(store, { signal: abort.signal, onStep: () => ++steps === stop && abort.abort() });
    const done = Math.floor(stop / STEPS);
    assert(!store.files.has(RESULTS_FILE) || untimed(store).length <= done + 1);
    // Lines of a part that was lost, as by a crash after the checkpoint, are there once.
    if (done > 0) await store.append(RESULTS_FILE, `${done + 1},9,9,9,9,9,9,9,9,9,9\n`);
    const resume = await readCheckpoint(store.files.get("last.ckpt")!, "last.ckpt");
    let atFirst: number | undefined;
    await run(store, {
      resume,
      onStep: () => void (atFirst ??= store.files.has(RESULTS_FILE) ? untimed(store).length : 0),
    });
    const { epochs, position } = resume.run;
    // Where only the validation is left, its epoch ends first.
    assertEquals(atFirst, epochs.length + (position.step === STEPS ? 1 : 0), "before anything is done anew");
    assertEquals(untimed(store), untimed(whole), `stopped after ${stop} steps`);
    assertEquals(csvParse(textOf(store)).columns, csvParse(textOf(whole)).columns);
  }
});
