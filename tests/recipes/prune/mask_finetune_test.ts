/** Zeros with pictures and training, on a tiny detector: at once, in rounds, resumed. */

import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { historyOf } from "../../../src/compress/history.ts";
import { maskedLayers } from "../../../src/compress/prune/mod.ts";
import { openDataset } from "../../../src/data/open.ts";
import { analyze, FeatherdetError, type Graph } from "../../../src/graph/mod.ts";
import { sparsify, sparsifyAndTrain, type SparsifyFinetuneOptions } from "../../../src/recipes/prune/mask_finetune.ts";
import { lively } from "../../support/lively.ts";
import { miniYolo11 } from "../../support/mini_yolo11.ts";

const [dataset, validation] = await Promise.all(
  ["train", "val"].map((split) => openDataset("synthetic", { split, limit: 4, size: 64 })),
);
const model = lively(miniYolo11({ width: 0.25, size: 64, classes: dataset.classes, seed: 1 }), 5);

const options: SparsifyFinetuneOptions = {
  ...{ sparsity: 0.8, pattern: "block4x4", rounds: 2, epochs: 1, lastEpochs: 1, validation, workers: 0 },
  ...{ trainBatch: 2, pictures: 4, batch: 2, augment: false },
};

/** Share of zeros in the layers that take part. */
function sparsityOf(graph: Graph): number {
  const all = maskedLayers(graph).flatMap(({ data }) => [...data]);
  return all.filter((x) => x === 0).length / all.length;
}

Deno.test("at once: statistics are measured anew with pictures, the history says how, shapes and costs stay", async () => {
  const { graph, report } = await sparsify(model, dataset, { sparsity: 0.7, pictures: 4, batch: 2 });
  assertAlmostEquals(sparsityOf(graph), 0.7, 1e-4);
  assertEquals([report.sparsity, analyze(graph).parameters], [sparsityOf(graph), analyze(model).parameters]);
  const means = (of: Graph) =>
    of.nodes.flatMap((node) => node.op === "BatchNormalization" ? [...of.constants.get(node.inputs[3])!.data] : []);
  assert(String(means(graph)) !== String(means(model)));
  assertEquals(String(means((await sparsify(model, undefined, { sparsity: 0.7 })).graph)), String(means(model)));
  const { name, options: how, dataset: data } = historyOf(graph).at(-1)!;
  assertEquals([name, how.pattern, how.sparsity, data?.pictures], ["prune", "unstructured", report.sparsity, 4]);
  assert(/^[0-9a-f]{64}$/.test(String(how.masks)));
});

Deno.test("rounds set zeros by the cubic schedule, training keeps them, and the history tells all", async () => {
  const { model: made, rounds, reason, report } = await sparsifyAndTrain(model, dataset, options);
  assertEquals([reason, rounds.length], ["finished", 2]);
  // 1 - (1 - 1/2)^3 of the way (Zhu and Gupta 2017).
  [0.8 * 7 / 8, 0.8].forEach((sparsity, i) => assertAlmostEquals(rounds[i].sparsity, sparsity, 2e-3));
  assertEquals(sparsityOf(made), rounds[1].sparsity);
  assertEquals(report?.sparsity, rounds[1].sparsity);
  assertEquals(historyOf(made).map(({ name }) => name), ["prune", "train", "prune", "train"]);
  for (const { score, afterCut } of rounds) assert(score && afterCut.map >= 0);
});

Deno.test("of two in four there is one round", async () => {
  const ratio = { ...options, sparsity: undefined, pattern: "2:4" } as const;
  await assertRejects(() => sparsifyAndTrain(model, dataset, ratio), FeatherdetError, "asked for were 2");
  const { rounds, model: made } = await sparsifyAndTrain(model, dataset, { ...ratio, rounds: undefined });
  assertEquals([rounds.length, rounds[0].sparsity], [1, sparsityOf(made)]);
  assertAlmostEquals(sparsityOf(made), 0.5, 0.01);
});
