/** Training on the device from data set to model: what is learned, and resuming to the bit. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { openDataset } from "../src/data/open.ts";
import { FeatherdetError } from "../src/graph/error.ts";
import { yolo11 } from "../src/models/yolo11.ts";
import { loadOnnx } from "../src/onnx/mod.ts";
import { readCheckpoint } from "../src/train/checkpoint.ts";
import type { EpochRecord } from "../src/train/record.ts";
import { type MemoryStore, memoryStore } from "../src/train/store.ts";
import { train, type TrainOptions } from "../src/training_run.ts";

const dataset = await openDataset("synthetic", { split: "train", limit: 10, size: 64 });
const validation = await openDataset("synthetic", { split: "val", limit: 2, size: 64 });

/** Ten steps in two epochs, on the smallest YOLO11 there is. */
const OPTIONS: TrainOptions = { epochs: 2, batch: 2, validation, workers: 0, seed: 3, validateEvery: 2 };
const tiny = () => yolo11({ width: 0.0625, depth: 0.3, size: 64, classes: dataset.classes, seed: 3 });

const last = ({ files }: MemoryStore) => readCheckpoint(files.get("last.ckpt")!, "last.ckpt");

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

Deno.test("ten steps straight are five, a resume and five more: the same weights to the bit", async () => {
  const store = memoryStore();
  const straight = await train(tiny(), dataset, { ...OPTIONS, store });
  const expected = await last(store);
  assertEquals([straight.reason, straight.epochs, expected.state.updates], ["finished", 2, 10]);
  assert([...expected.state.arrays.values()].every((data) => data.every(Number.isFinite)));
  for (const stop of [5, 8]) {
    const abort = new AbortController();
    const part = memoryStore();
    let steps = 0;
    const half = await train(tiny(), dataset, {
      ...OPTIONS,
      store: part,
      signal: abort.signal,
      onStep: () => ++steps === stop && abort.abort(),
    });
    assertEquals(half.reason, "interrupted");
    const resume = await last(part);
    assert(resume.state.updates >= stop && resume.state.updates < 10, `${resume.state.updates} updates`);
    // As the command line does: the model is what the checkpoint holds.
    const rest = await train(await loadOnnx(resume.model!), dataset, { ...OPTIONS, store: part, resume });
    const found = await last(part);
    assertEquals(found.state, expected.state, `stopped at step ${stop}`);
    assertEquals(untimed(rest.run.epochs), untimed(straight.run.epochs));
    assertEquals([...found.model!], [...expected.model!]);
  }
});

Deno.test("a run of other pictures, classes or settings than the checkpoint's is refused", async () => {
  const store = memoryStore();
  const abort = new AbortController();
  await train(tiny(), dataset, { ...OPTIONS, store, signal: abort.signal, onStep: () => abort.abort() });
  const resume = await last(store);
  const refused = (options: TrainOptions, text: string, set = dataset) =>
    assertRejects(() => train(tiny(), set, { ...OPTIONS, ...options, resume }), FeatherdetError, text);
  await refused({ batch: 5 }, "the checkpoint is of a run with batch 2, asked for is 5");
  await refused({ seed: 4 }, "the checkpoint is of a run with seed 3, asked for is 4");
  await refused({ optimizer: "sgd" }, 'the checkpoint is of a run with optimizer "adamw", asked for is "sgd"');
  await refused({ augment: { mosaic: 0 } }, "the checkpoint is of a run with ");
  const fewer = await openDataset("synthetic", { split: "train", limit: 9, size: 64 });
  await refused({}, "the checkpoint is of a run with dataset ", fewer);
});

Deno.test("a model for other classes is refused before anything is computed", async () => {
  const other = yolo11({ width: 0.0625, size: 64, classes: ["a", "b"] });
  await assertRejects(
    () => train(other, dataset),
    FeatherdetError,
    '"yolo11n" is for 2 classes (a, b), data set "synthetic"',
  );
});
