/** Pruning with pictures and training, on a tiny detector: rounds, resuming, files with folded normalisation. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { historyOf } from "../../../src/compress/history.ts";
import { openDataset } from "../../../src/data/open.ts";
import { analyze, FeatherdetError, type Graph } from "../../../src/graph/mod.ts";
import { foldBatchNormalization } from "../../../src/passes/mod.ts";
import { pruneOn } from "../../../src/recipes/prune/one_shot.ts";
import {
  pruneAndTrain,
  type PruneFinetuneOptions,
  type PruneRound,
} from "../../../src/recipes/prune/prune_finetune.ts";
import { createMemoryStore, type TrainingStore } from "../../../src/train/loop/store.ts";
import { lively } from "../../support/lively.ts";
import { miniYolo11 } from "../../support/mini_yolo11.ts";
import { assertSameConstants } from "../../support/same_constants.ts";

const [dataset, validation] = await Promise.all(
  ["train", "val"].map((split) => openDataset("synthetic", { split, limit: 4, size: 64 })),
);
const model = lively(miniYolo11({ width: 0.25, size: 64, classes: dataset.classes, seed: 1 }), 5);
const flops = (graph: Graph) => analyze(graph).flops;

function stores() {
  const made = new Map<string, TrainingStore>();
  return (name: string) => {
    if (!made.has(name)) made.set(name, createMemoryStore());
    return Promise.resolve(made.get(name)!);
  };
}

const options: PruneFinetuneOptions = {
  ...{ budget: { gflops: 0.5 }, rounds: 2, epochs: 1, lastEpochs: 1, validation, workers: 0, trainBatch: 2 },
  ...{ pictures: 4, batch: 2 },
  augment: false,
};

Deno.test("rounds of cuts and training meet the budget, and the history tells them all", async () => {
  const told: PruneRound[] = [];
  const { model: pruned, rounds, reason } = await pruneAndTrain(model, dataset, {
    ...options,
    onRound: (round) => void told.push(round),
  });
  assertEquals([reason, rounds.length, told.length], ["finished", 2, 4]);
  assert(flops(pruned) <= 0.5 * flops(model));
  assert(rounds[0].left.gflops > rounds[1].left.gflops);
  assertEquals(historyOf(pruned).map(({ name }) => name), ["prune", "train", "prune", "train"]);
  for (const { score, afterCut } of rounds) assert(score && afterCut.map >= 0);
});

Deno.test("a run that was stopped in the middle of a round goes on to the same bits", async () => {
  const whole = await pruneAndTrain(model, dataset, options);
  const storeOf = stores(), abort = new AbortController();
  let steps = 0;
  const first = await pruneAndTrain(model, dataset, {
    ...options,
    ...{ storeOf, signal: abort.signal },
    // The third step is the first of the second round.
    onStep: () => {
      if (++steps === 3) abort.abort(new Error("stop"));
    },
  });
  assertEquals(first.reason, "interrupted");
  assertEquals(first.rounds.map(({ score }) => score !== undefined), [true, false]);
  const resumed = await pruneAndTrain(model, dataset, { ...options, storeOf });
  assertEquals(resumed.reason, "finished");
  assertSameConstants(resumed.model.constants, whole.model.constants);
  // Where files lie is beside the point, what they hold is not.
  const elsewhere = { ...options, storeOf, out: "elsewhere.onnx", model: "/moved/model.onnx" };
  assertEquals((await pruneAndTrain(model, dataset, elsewhere)).reason, "finished");
  const [[name, weight]] = model.constants, data = Float32Array.from(weight.data, (one) => one + 1);
  const other = { ...model, constants: new Map([...model.constants, [name, { ...weight, data } as typeof weight]]) };
  for (const [begun, changed] of [[model, { epochs: 2 }], [other, {}]] as const) {
    await assertRejects(
      () => pruneAndTrain(begun, dataset, { ...options, storeOf, ...changed }),
      FeatherdetError,
      "of a run with other settings",
    );
  }
});

Deno.test("a cut asks for the pictures that its criterion needs, also of a file with folded normalisation", async () => {
  const folded = foldBatchNormalization(model);
  for (const criterion of ["taylor", "activation", "bn"] as const) {
    const { graph } = await pruneOn(folded, dataset, { budget: { gflops: 0.7 }, criterion, pictures: 4, batch: 2 });
    assert(graph.nodes.some(({ op }) => op === "BatchNormalization"));
    assert(flops(graph) <= 0.7 * flops(model));
    assertEquals(historyOf(graph).at(-1)!.options.criterion, criterion);
  }
  await assertRejects(
    () => pruneOn(model, undefined, { budget: { gflops: 0.7 }, criterion: "taylor" }),
    FeatherdetError,
    "needs pictures",
  );
  const { graph } = await pruneOn(folded, undefined, { budget: { gflops: 0.7 } });
  assert(graph.nodes.every(({ op }) => op !== "BatchNormalization"));
});
