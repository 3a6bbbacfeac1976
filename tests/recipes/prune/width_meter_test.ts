/** Cuts by measured time and by scored candidates, on a tiny detector: what is measured, what is remembered, and what comes of it. */

import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { historyOf } from "../../../src/compress/history.ts";
import { createMemoryMemo, type LayerShape, type Memo } from "../../../src/compress/meter.ts";
import { laddersOf } from "../../../src/compress/prune/select.ts";
import { layerShapes, pruneProblem, pruneTo } from "../../../src/compress/prune/mod.ts";
import { openDataset } from "../../../src/data/open.ts";
import { createAgreementMeter } from "../../../src/eval/agreement_meter.ts";
import { createLayerMeter } from "../../../src/eval/layer_meter.ts";
import { createMeter } from "../../../src/eval/meter.ts";
import { analyze, FeatherdetError, type Graph } from "../../../src/graph/mod.ts";
import { ModelBuilder } from "../../../src/models/builder.ts";
import { yolo11 } from "../../../src/models/yolo11.ts";
import { withBatch } from "../../../src/passes/mod.ts";
import { latencyOfLayers } from "../../../src/recipes/prune/latency.ts";
import { batchesOf, reestimateOn } from "../../../src/recipes/prune/measure.ts";
import { pruneOn } from "../../../src/recipes/prune/one_shot.ts";
import { pruneAndTrain, type PruneFinetuneOptions } from "../../../src/recipes/prune/prune_finetune.ts";
import { scoreAll } from "../../../src/compress/prune/width_problem.ts";
import { jobHandler } from "../../../src/recipes/jobs/mod.ts";
import { queueWidthMeter } from "../../../src/recipes/jobs/score_widths.ts";
import { createWidthMeter } from "../../../src/recipes/prune/width_meter.ts";
import { createMemoryStore, type TrainingStore } from "../../../src/train/loop/store.ts";
import { inFolder, putYolo, TINY } from "../../support/data_folders.ts";
import { fakeLayerMeter } from "../../support/fake_layer_meter.ts";
import { gpuTest } from "../../support/gpu.ts";
import { instantQueue } from "../../support/instant_queue.ts";
import { lively } from "../../support/lively.ts";
import { miniYolo11 } from "../../support/mini_yolo11.ts";

const [dataset, validation] = await Promise.all(
  ["train", "val"].map((split) => openDataset("synthetic", { split, limit: 4, size: 64 })),
);
const model = lively(miniYolo11({ width: 0.25, size: 64, classes: dataset.classes, seed: 1 }), 5);

/** A memo that lists the kinds and keys of what is written. */
function countingMemo(): Memo & { readonly written: string[]; readonly keys: string[] } {
  const memo = createMemoryMemo(), written: string[] = [], keys: string[] = [];
  return {
    written,
    keys,
    read: (kind, key) => memo.read(kind, key),
    write(kind, key, value) {
      written.push(kind);
      keys.push(key);
      return memo.write(kind, key, value);
    },
  };
}

/** Milliseconds that only channels of large maps take. */
const large = ({ map, outputs }: LayerShape) => map[1] >= 16 ? outputs : 1e-3 * outputs;

const timeOf = (graph: Graph, rest: number) =>
  [...layerShapes(graph).values()].reduce((sum, shape) => sum + large(shape), rest);

Deno.test("a budget of latency is met by the meter's times, in one cut and in rounds", async () => {
  const memo = countingMemo(), layerMeter = fakeLayerMeter(large, { rest: 0.5 });
  const how = { budget: { latency: 0.6 }, criterion: "l2", layerMeter, memo, pictures: 4, batch: 2 } as const;
  const { graph, report } = await pruneOn(model, dataset, how);
  assertAlmostEquals(report.before.latency!, timeOf(model, 0.5), 1e-9);
  assertAlmostEquals(report.after.latency!, timeOf(graph, 0.5), 1e-9);
  assert(report.after.latency! <= 0.6 * report.before.latency!);
  assertEquals(historyOf(graph).at(-1)!.options.budget, { latency: 0.6 });
  // Another run measures nothing.
  const before = memo.written.length, asked = layerMeter.asked.length;
  await pruneOn(model, dataset, how);
  assertEquals([memo.written.length, layerMeter.asked.length], [before, asked]);
  const { rounds, model: pruned } = await pruneAndTrain(model, dataset, {
    ...how,
    ...{ rounds: 2, epochs: 0, lastEpochs: 1, validation, workers: 0, trainBatch: 2, augment: false },
  });
  // Shares are of the model that the run began with, in every round.
  const whole = timeOf(model, 0.5);
  for (const { budget, left } of rounds) assert(left.latency! <= budget.latency! * whole + 1e-9);
  assert(timeOf(pruned, 0.5) > 0.45 * whole, `${timeOf(pruned, 0.5) / whole}`);
});

Deno.test("scores divided by milliseconds spare what takes no time", async () => {
  const layerMeter = fakeLayerMeter(large);
  const flops = await pruneOn(model, undefined, { budget: { gflops: 0.6 }, criterion: "l2" });
  const time = await pruneOn(model, undefined, {
    budget: { gflops: 0.6 },
    criterion: "l2",
    per: "latency",
    layerMeter,
  });
  assert(timeOf(time.graph, 0) < timeOf(flops.graph, 0));
});

Deno.test("widths are scored after statistics are measured anew, and each once", async () => {
  const memo = countingMemo();
  const problem = pruneProblem(model, { budget: { gflops: 0.5 }, criterion: "l2" });
  const meter = (proxy: "map" | "agreement") =>
    createWidthMeter(problem, dataset, { proxy, memo, pictures: 4, batch: 2 });
  const narrow = problem.whole.map((count, i) => problem.ladders[i].steps[0] ?? count);
  const agreement = meter("agreement");
  assertAlmostEquals(await agreement.score(problem.whole), 1, 1e-6);
  const score = await agreement.score(narrow);
  assert(score > 0 && score < 1, `${score}`);
  assertEquals(await meter("agreement").score(narrow), score);
  assertEquals(memo.written, ["proxy", "proxy"]);
  // The same by hand: cut, new statistics, agreement and mAP.
  const map = await meter("map").score(narrow), made = pruneTo(problem, narrow), whole = withBatch(model, 2);
  const graph = await reestimateOn(made, model, dataset, { pictures: 4, batch: 2 });
  const batches = await Array.fromAsync(batchesOf(whole, dataset, 4));
  const byHand = createAgreementMeter(whole, batches, "by hand");
  assertEquals(score, await byHand.score({ graph: withBatch(graph, 2) }));
  assert(score !== await byHand.score({ graph: withBatch(made.graph, 2) }));
  assertEquals(map, await createMeter(dataset).score({ graph }));
  assertEquals(memo.written.length, 3);
});

gpuTest(
  "workers of a queue score widths as this process does, and refuse other pictures and other layers",
  () =>
    inFolder(async (folder) => {
      const queue = instantQueue(
        folder,
        (own) =>
          jobHandler(own, { run: () => Promise.reject(new Error("no verb")), say: () => {} }, join(folder, "worker")),
      );
      const problem = pruneProblem(model, { budget: { gflops: 0.5 }, criterion: "l2" });
      const how = { pictures: 4, batch: 2 }, here = createWidthMeter(problem, dataset, how);
      // The pictures of other seeds and sizes would be others.
      const set = join(folder, "set"), { pictures } = TINY;
      await putYolo(set, TINY);
      const seen = await openDataset(set, { split: "val" });
      const far = (limit?: number) => queueWidthMeter(queue, { data: set, split: "val", limit })(problem, seen, how);
      const near = createWidthMeter(problem, seen, how);
      const narrow = problem.whole.map((count, i) => problem.ladders[i].steps[0] ?? count);
      const scores = await scoreAll({ ...far(), together: 2 }, [problem.whole, narrow, narrow]);
      const own = await near.score(narrow);
      assertEquals(scores, [await near.score(problem.whole), own, own]);
      assert(own > 0 && own < 1 && own !== await here.score(narrow), `${own}`);
      assertEquals(queue.jobs.map(({ kind }) => kind), ["score-widths", "score-widths"]);
      assert(pictures.length > 1);
      await assertRejects(() => far(1).score(narrow), FeatherdetError, "has other pictures here than where");
      const short = { ...problem, ladders: problem.ladders.slice(1) };
      const wrong = queueWidthMeter(queue, { data: set, split: "val" })(short, seen, how).score(narrow.slice(1));
      await assertRejects(() => wrong, FeatherdetError, `its model has ${problem.ladders.length}`);
    }),
);

/** Three layers in a row, with normalisation. */
function tiny(): Graph {
  const b = new ModelBuilder({ seed: 3 });
  const x = b.convBlock("one", b.input("images", [1, 3, 64, 64]), { out: 16, kernel: 3, stride: 4 });
  const y = b.convBlock("two", x, { out: 12, kernel: 3, stride: 2 });
  return b.graph("tiny", [b.conv("three", y, { out: 5 })]);
}

Deno.test("knapsack and NetAdapt cut within their budgets and tell their method", async () => {
  const whole = tiny();
  for (const method of ["knapsack", "netadapt"] as const) {
    const told: string[] = [];
    const { graph } = await pruneOn(whole, dataset, {
      ...{ budget: { gflops: 0.5 }, criterion: "l2", method, pictures: 4, batch: 2 },
      onChoosing: (what) => void told.push(what),
    });
    assert(analyze(graph).flops <= 0.5 * analyze(whole).flops && told.length > 1);
    assertEquals(historyOf(graph).at(-1)!.options.method, method);
  }
  await assertRejects(
    () => pruneOn(model, undefined, { budget: { gflops: 0.7 }, method: "knapsack" }),
    FeatherdetError,
    'method "knapsack" scores candidates on pictures',
  );
  const problem = pruneProblem(model, { budget: { gflops: 0.5 }, criterion: "l2" });
  assertEquals(problem.ladders, laddersOf(problem.ladders.map(({ scores }) => scores)));
  try {
    createWidthMeter(problem, dataset, { proxy: "loss" as "map" });
    assert(false);
  } catch (error) {
    assert(error instanceof FeatherdetError && error.message.includes('unknown proxy "loss"'));
  }
});

Deno.test("a run that is stopped while candidates are scored goes on without scoring them again", async () => {
  const storeMap = new Map<string, TrainingStore>(), memo = countingMemo(), abort = new AbortController();
  const storeOf = (name: string) => {
    const store = storeMap.get(name) ?? createMemoryStore();
    storeMap.set(name, store);
    return Promise.resolve(store);
  };
  const options: PruneFinetuneOptions = {
    ...{ budget: { gflops: 0.9 }, criterion: "l2", method: "knapsack", memo, storeOf, pictures: 2, batch: 2 },
    ...{ rounds: 1, epochs: 0, lastEpochs: 1, validation, workers: 0, trainBatch: 2, augment: false },
    keep: ["model.1*", "model.3*", "model.6*", "model.9*"],
  };
  let told = 0;
  const onChoosing = () => {
    if (++told === 3) abort.abort(new Error("stop"));
  };
  const first = await pruneAndTrain(model, dataset, { ...options, signal: abort.signal, onChoosing });
  assertEquals([first.reason, first.rounds.length, told], ["interrupted", 0, 3]);
  const scored = memo.written.length;
  assert(scored > 1);
  const { reason, rounds } = await pruneAndTrain(model, dataset, options);
  assertEquals([reason, rounds.length], ["finished", 1]);
  assertEquals(new Set(memo.keys).size, memo.written.length);
  assert(memo.written.length > scored);
});

gpuTest("layers of every kind are timed on the adapter, each by its own dispatches", async () => {
  const meter = await createLayerMeter({ rounds: 2 });
  const shapes = [...layerShapes(yolo11({ width: 0.125, size: 64, classes: 3 })).values()];
  const odd: LayerShape = {
    ...{ kernel: [3, 3], strides: [2, 2], dilations: [1, 1], pads: [1, 1, 1, 1], groups: 1, map: [3, 13, 127] },
    ...{ behind: [{ op: "Add", attributes: {} }, { op: "Relu", attributes: {} }], inputs: 1, outputs: 7 },
  };
  const layers = [...shapes, odd, { ...odd, groups: "each" as const, inputs: 7 }, {
    ...odd,
    groups: 2,
    inputs: 6,
    outputs: 8,
  }];
  const times = await meter.milliseconds(layers);
  assertEquals(times.length, layers.length);
  times.forEach((time, i) => assert(time > 0 && Number.isFinite(time), JSON.stringify(layers[i])));
  // What computes a layer is part of what its time is remembered by.
  const [one, other] = [meter.revision(odd), meter.revision({ ...odd, map: [3, 13, 126] })];
  assert(one !== "" && one !== other && one === meter.revision({ ...odd }));
  assert(await latencyOfLayers(model, { layerMeter: meter }) > 0);
});
