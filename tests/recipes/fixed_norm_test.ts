/** Training with fixed statistics: what is trained normalises as the model did, and goes on to the same bits. */

import { assert, assertEquals } from "@std/assert";
import { hashOfGraph } from "../../src/compress/graph_hash.ts";
import { historyOf } from "../../src/compress/history.ts";
import { openDataset } from "../../src/data/open.ts";
import type { Graph } from "../../src/graph/mod.ts";
import { train } from "../../src/recipes/train_detector.ts";
import { readCheckpointModel } from "../../src/recipes/train_detector.ts";
import type { TrainOptions } from "../../src/recipes/train_options.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { readCheckpoint } from "../../src/train/loop/checkpoint.ts";
import { createMemoryStore } from "../../src/train/loop/store.ts";
import { gpuTest } from "../support/gpu.ts";
import { lively } from "../support/lively.ts";
import { miniYolo11 } from "../support/mini_yolo11.ts";
import { randomTensor } from "../support/random.ts";

const dataset = await openDataset("synthetic", { split: "train", limit: 6, size: 64 });
const model = lively(miniYolo11({ width: 0.125, size: 64, classes: dataset.classes, seed: 3 }), 4);
const OPTIONS: TrainOptions = { epochs: 2, batch: 2, workers: 0, seed: 3 };
const normsOf = ({ nodes }: Graph) => nodes.filter(({ op }) => op === "BatchNormalization").length;

/** The largest difference of what two models make of a picture, beside the largest number. */
function difference(a: Graph, b: Graph): number {
  const [{ name, shape }] = a.inputs, picture = referenceTensor(shape, randomTensor(shape, 5, 0, 1));
  const [x, y] = [a, b].map((graph) => runReference(graph, { [name]: picture }).get(graph.outputs[0])!.data);
  const largest = (data: ArrayLike<number>) => Array.from(data).reduce((most, one) => Math.max(most, Math.abs(one)), 0);
  return largest(Array.from(x, (one, i) => one - y[i])) / largest(x);
}

gpuTest(
  "with fixed statistics nothing changes at a rate of zero, where a batch's own statistics change the model",
  async () => {
    const still = { ...OPTIONS, learningRate: 0 };
    const { model: fixed } = await train(model, dataset, { ...still, fixedNorm: true });
    assertEquals([normsOf(model) > 0, normsOf(fixed)], [true, 0]);
    assert(difference(model, fixed) < 1e-5, `${difference(model, fixed)}`);
    const { model: moved } = await train(model, dataset, still);
    assert(normsOf(moved) === normsOf(model) && difference(model, moved) > 1e-3, `${difference(model, moved)}`);
  },
);

gpuTest("a run with fixed statistics learns, tells what it began with, and goes on to the same bits", async () => {
  const store = createMemoryStore(), options = { ...OPTIONS, fixedNorm: true };
  const { model: trained } = await train(model, dataset, { ...options, store });
  assert(difference(model, trained) > 1e-4);
  const entry = historyOf(trained).at(-1)!;
  assertEquals([entry.parent?.hash, entry.options.fixedNorm], [hashOfGraph(model), true]);

  const stopped = createMemoryStore(), controller = new AbortController();
  const onEpoch = () => controller.abort();
  const half = await train(model, dataset, { ...options, store: stopped, signal: controller.signal, onEpoch });
  assertEquals([half.reason, half.epochs], ["interrupted", 1]);
  const resume = await readCheckpoint(stopped.files.get("last.ckpt")!, "last.ckpt");
  const begun = await readCheckpointModel(resume, "last.ckpt");
  const { model: resumed } = await train(begun, dataset, { ...options, store: stopped, resume });
  assertEquals(hashOfGraph(resumed), hashOfGraph(trained));
  assertEquals(historyOf(resumed).at(-1)!.parent?.hash, hashOfGraph(model));
});
