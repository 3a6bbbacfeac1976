/** Zeros in rounds of training that are stopped in the middle. */

import { assertEquals, assertRejects } from "@std/assert";
import { openDataset } from "../../src/data/open.ts";
import { FeatherdetError } from "../../src/graph/mod.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { sparsifyAndTrain, type SparsifyFinetuneOptions } from "../../src/recipes/prune/mask_finetune.ts";
import { createMemoryStore, type TrainingStore } from "../../src/train/loop/store.ts";
import { lively } from "../support/lively.ts";
import { assertSameConstants } from "../support/same_constants.ts";

const [dataset, validation] = await Promise.all(
  ["train", "val"].map((split) => openDataset("synthetic", { split, limit: 4, size: 64 })),
);
const model = lively(yolo11({ width: 0.125, size: 64, classes: dataset.classes, seed: 1 }), 5);

function stores() {
  const made = new Map<string, TrainingStore>();
  return (name: string) => {
    if (!made.has(name)) made.set(name, createMemoryStore());
    return Promise.resolve(made.get(name)!);
  };
}

const options: SparsifyFinetuneOptions = {
  ...{ sparsity: 0.8, pattern: "block4x4", rounds: 2, epochs: 1, lastEpochs: 1, validation, workers: 0 },
  ...{ trainBatch: 2, pictures: 4, batch: 2, augment: false },
};

Deno.test("a run that was stopped in the middle of a round goes on to the same bits", async () => {
  const whole = await sparsifyAndTrain(model, dataset, options);
  const storeOf = stores(), abort = new AbortController();
  let steps = 0;
  const first = await sparsifyAndTrain(model, dataset, {
    ...{ ...options, storeOf, signal: abort.signal },
    onStep: () => {
      if (++steps === 3) abort.abort(new Error("stop"));
    },
  });
  assertEquals([first.reason, first.rounds.length], ["interrupted", 2]);
  const resumed = await sparsifyAndTrain(model, dataset, { ...options, storeOf });
  assertSameConstants(resumed.model.constants, whole.model.constants);
  assertEquals(resumed.report, whole.report);
  await assertRejects(
    () => sparsifyAndTrain(model, dataset, { ...options, storeOf, sparsity: 0.7 }),
    FeatherdetError,
    "of a run with other settings",
  );
});
