/** Training on the device from data set to model: what is learned, and resuming to the bit. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { openDataset } from "../../src/data/open.ts";
import { createTrainer } from "../../src/recipes/detection_trainer.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { loadOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { readCheckpoint } from "../../src/train/loop/checkpoint.ts";
import type { EpochRecord } from "../../src/train/loop/record.ts";
import { createMemoryStore, type MemoryStore } from "../../src/train/loop/store.ts";
import type { TrainerState } from "../../src/train/loop/trainer.ts";
import { train } from "../../src/recipes/train_detector.ts";
import type { TrainOptions } from "../../src/recipes/train_options.ts";
import { miniYolo11 } from "../support/mini_yolo11.ts";

const dataset = await openDataset("synthetic", { split: "train", limit: 6, size: 64 });
/** As many as make the loss scale move more than once. */
const more = await openDataset("synthetic", { split: "train", limit: 10, size: 64 });
const validation = await openDataset("synthetic", { split: "val", limit: 2, size: 64 });

/** Six steps in two epochs. */
const OPTIONS: TrainOptions = { epochs: 2, batch: 2, validation, workers: 0, seed: 3, validateEvery: 2 };
const tiny = () => miniYolo11({ width: 0.125, size: 64, classes: dataset.classes, seed: 3 });

const last = ({ files }: MemoryStore) => readCheckpoint(files.get("last.ckpt")!, "last.ckpt");

/** That states are equal to the bit; told by their first difference, as all of them would take minutes to print. */
function assertSameState(found: TrainerState, expected: TrainerState, what: string): void {
  assertEquals([found.updates, [...found.arrays.keys()]], [expected.updates, [...expected.arrays.keys()]], what);
  for (const [name, data] of expected.arrays) {
    const other = found.arrays.get(name)!;
    assertEquals(other.length, data.length, `${what}: ${name}`);
    const at = data.findIndex((value, i) => !Object.is(value, other[i]));
    assert(at < 0, `${what}: ${name}[${at}] is ${other[at]}, expected was ${data[at]}`);
  }
}

/** What does not depend on the clock. */
function untimed(epochs: readonly EpochRecord[]) {
  return epochs.map(({ epoch, losses, learningRates, skipped, score }) => ({
    epoch,
    losses,
    learningRates,
    skipped,
    score,
  }));
}

Deno.test("six steps straight are three, a resume and three more: the same weights to the bit", async () => {
  const store = createMemoryStore();
  const warnings = ["1 box was clipped to its picture"];
  const straight = await train(tiny(), { ...dataset, warnings }, { ...OPTIONS, store });
  assertEquals(straight.warnings, warnings);
  const expected = await last(store);
  assertEquals([straight.reason, straight.epochs, expected.state.updates], ["finished", 2, 6]);
  assert([...expected.state.arrays.values()].every((data) => data.every(Number.isFinite)));
  for (const stop of [3, 4]) {
    const abort = new AbortController();
    const part = createMemoryStore();
    let steps = 0;
    const half = await train(tiny(), dataset, {
      ...OPTIONS,
      store: part,
      signal: abort.signal,
      onStep: () => ++steps === stop && abort.abort(),
    });
    assertEquals(half.reason, "interrupted");
    const resume = await last(part);
    assert(resume.state.updates >= stop && resume.state.updates < 6, `${resume.state.updates} updates`);
    // As the command line does: the model is what the checkpoint holds.
    const rest = await train(await loadOnnx(resume.model!), dataset, { ...OPTIONS, store: part, resume });
    const found = await last(part);
    assertSameState(found.state, expected.state, `stopped at step ${stop}`);
    assertEquals(untimed(rest.run.epochs), untimed(straight.run.epochs));
    assertEquals([...found.model!], [...expected.model!]);
  }
});

/**
 * A trainer whose loss scale soon moves: so many updates without overflow are behind it when it begins, and these updates are said to have
 * overflowed, counted from 1. Which really do depends on the adapter: some store the largest f16 instead.
 */
function movedScale(good: number, overflows: readonly number[]): TrainOptions["createTrainer"] {
  return async (model, options) => {
    const trainer = await createTrainer(model, options);
    const { updates, arrays } = await trainer.state();
    trainer.restore({ updates, arrays: new Map([...arrays, ["train/loss_scale", Float32Array.of(1024, good)]]) });
    const { session } = trainer;
    const step = session.step.bind(session);
    session.step = async (inputs, update, scale) => {
      const made = step(inputs, update, scale);
      const { updates } = session;
      const report = await made;
      return update && overflows.includes(updates) ? { ...report, skipped: true } : report;
    };
    return trainer;
  };
}

for (
  const { good, overflows, accumulate, stops, end } of [
    { good: 497, overflows: [], accumulate: 1, stops: [2], end: [2048, 505, 0, 0] },
    { good: 0, overflows: [1, 3, 6], accumulate: 2, stops: [1, 5], end: [256, 1, 0, 1] },
  ]
) {
  const what = `${good} good updates before, overflows at [${overflows}], ${accumulate} batches an update`;
  Deno.test(`f16 with a loss scale that moves is the same to the bit wherever it is resumed (${what})`, async () => {
    const options: TrainOptions = {
      ...{ ...OPTIONS, validation: undefined, precision: "f16", accumulate },
      createTrainer: movedScale(good, overflows),
    };
    const store = createMemoryStore();
    await train(tiny(), more, { ...options, store });
    const expected = await last(store);
    assertEquals([...expected.state.arrays.get("train/loss_scale")!], end);
    for (const stop of stops) {
      const abort = new AbortController();
      const part = createMemoryStore();
      let steps = 0;
      const onStep = () => ++steps === stop && abort.abort();
      await train(tiny(), more, { ...options, store: part, signal: abort.signal, onStep });
      const resume = await last(part);
      assert(resume.state.updates < expected.state.updates);
      await train(await loadOnnx(resume.model!), more, { ...options, store: part, resume });
      assertSameState((await last(part)).state, expected.state, `stopped at step ${stop}`);
    }
  });
}

Deno.test("a run of other pictures, classes or settings than the checkpoint's is refused", async () => {
  const store = createMemoryStore();
  const abort = new AbortController();
  await train(tiny(), dataset, { ...OPTIONS, store, signal: abort.signal, onStep: () => abort.abort() });
  const resume = await last(store);
  const refused = (options: TrainOptions, text: string, set = dataset) =>
    assertRejects(() => train(tiny(), set, { ...OPTIONS, ...options, resume }), FeatherdetError, text);
  await refused({ batch: 5 }, "the checkpoint is of a run with batch 2, asked for is 5");
  await refused({ seed: 4 }, "the checkpoint is of a run with seed 3, asked for is 4");
  await refused({ optimizer: "sgd" }, 'the checkpoint is of a run with optimizer "adamw", asked for is "sgd"');
  await refused({ augment: { mosaic: 0 } }, "the checkpoint is of a run with ");
  const fewer = await openDataset("synthetic", { split: "train", limit: 5, size: 64 });
  const text = "the checkpoint is of a run with dataset synthetic (train), 6 pictures, 10 classes (striped disc, ";
  await refused({}, text, fewer);
  // Other classes are other pictures first.
  await refused({}, text, { ...fewer, classes: ["a", "b"] });
});

Deno.test("pictures without a box that can be seen at the size of the input are refused", async () => {
  const small = dataset.images.map((image) => ({
    ...image,
    boxes: image.boxes.map((one) => ({ ...one, box: [3, 3, 4.2, 40] as const })),
  }));
  const text = "the data set synthetic (train) has no box of more than 2 pixels in an input of 64x64: there is nothing";
  const tried = (augment: TrainOptions["augment"], images = small) =>
    train(tiny(), { ...dataset, images }, { ...OPTIONS, augment, signal: AbortSignal.abort() });
  await assertRejects(() => tried({}), FeatherdetError, text);
  // Nearly twice as large they can be.
  assertEquals((await tried({ scale: 0.9 })).reason, "interrupted");
  await assertRejects(() => tried({}, small.map((image) => ({ ...image, boxes: [] }))), FeatherdetError, text);
});

Deno.test("an optimizer that there is not and a validation set without boxes are refused", async () => {
  const refused = (options: TrainOptions, text: string) =>
    assertRejects(
      () => train(tiny(), dataset, { ...OPTIONS, ...options, signal: AbortSignal.abort() }),
      FeatherdetError,
      text,
    );
  await refused({ optimizer: "adam" as "adamw" }, 'training: there is no optimizer "adam", there are sgd and adamw');
  const text = 'the validation set "synthetic" has no box that could be found';
  await refused({ validation: { ...validation, images: [] } }, text);
  const images = validation.images.map((image) => ({ ...image, boxes: [] }));
  await refused({ validation: { ...validation, images } }, text);
});

Deno.test("a run that is stopped before its first validation gives its own model, not what lies in the store", async () => {
  const store = createMemoryStore();
  await store.write("best.onnx", saveOnnx({ ...yolo11({ width: 0.0625, size: 32 }), name: "another" }));
  const { reason, model } = await train(tiny(), dataset, { ...OPTIONS, store, signal: AbortSignal.abort() });
  assertEquals([reason, model.name, model.inputs[0].shape], ["interrupted", "mini", [1, 3, 64, 64]]);
});

Deno.test("a model for other classes is refused before anything is computed", async () => {
  const other = yolo11({ width: 0.0625, size: 64, classes: ["a", "b"] });
  await assertRejects(
    () => train(other, dataset),
    FeatherdetError,
    '"yolo11n" is for 2 classes (a, b), data set "synthetic"',
  );
});
