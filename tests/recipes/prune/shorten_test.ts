/** Pruning of depth on pictures, alone, with channels, and in rounds of training. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { historyOf } from "../../../src/compress/history.ts";
import { refitShortened } from "../../../src/compress/prune/mod.ts";
import { openDataset } from "../../../src/data/open.ts";
import { analyze, FeatherdetError, type Graph } from "../../../src/graph/mod.ts";
import { countLayers, foldBatchNormalization, partsOf, removeParts } from "../../../src/passes/mod.ts";
import { ModelBuilder } from "../../../src/models/builder.ts";
import { batchesOf } from "../../../src/recipes/prune/measure.ts";
import { pruneOn } from "../../../src/recipes/prune/one_shot.ts";
import { pruneAndTrain, type PruneRound } from "../../../src/recipes/prune/prune_finetune.ts";
import { refitShortenedOn } from "../../../src/recipes/prune/refit.ts";
import { shortenOn } from "../../../src/recipes/prune/shorten.ts";
import { createCutMeter } from "../../../src/recipes/prune/width_meter.ts";
import { referenceTensor, runReference } from "../../../src/reference/run.ts";
import { difference } from "../../support/channels.ts";
import { lively } from "../../support/lively.ts";
import { miniYolo11 } from "../../support/mini_yolo11.ts";

const [dataset, validation] = await Promise.all(
  ["train", "val"].map((split) => openDataset("synthetic", { split, limit: 4, size: 64 })),
);
const model = lively(miniYolo11({ width: 0.25, size: 64, classes: dataset.classes, seed: 1 }), 5);
const how = { pictures: 4, batch: 2 };
const flops = (graph: Graph) => analyze(graph).flops;

Deno.test("a network without anything agrees with itself, and new statistics of it cost little", async () => {
  const meter = createCutMeter(model, dataset, how), whole = { graph: model, groups: [] };
  assertEquals(await meter.score(whole, "kept"), 1);
  const anew = await meter.score(whole);
  assert(anew < 1 && anew > 0.9, `${anew}`);
  assertEquals([await meter.score(whole), await meter.score(whole, "kept")], [anew, 1]);
});

Deno.test("layers go before channels, and what is left counts by the whole network", async () => {
  const told: string[] = [];
  const { graph, report } = await pruneOn(model, dataset, {
    ...{ ...how, budget: { gflops: 0.7 }, layers: 0.8, criterion: "l2" },
    onChoosing: (what) => void told.push(what),
  });
  const { before, after, layers, shortened } = report;
  assertEquals([before.gflops, after.gflops], [model, graph].map((one) => flops(one) / 1e9));
  assert(after.gflops <= 0.7 * before.gflops && after.gflops > 0.6 * before.gflops, `${after.gflops / before.gflops}`);
  assertEquals([shortened!.before, shortened!.after], [countLayers(model), countLayers(graph)]);
  assert(shortened!.after <= 0.8 * shortened!.before);
  const names = new Set(graph.nodes.map(({ name }) => name));
  const gone = layers.filter(({ after }) => after.outputs === 0);
  assertEquals(gone.map(({ name }) => name), layers.map(({ name }) => name).filter((name) => !names.has(name)));
  assert(gone.length > 0);
  assertEquals(historyOf(graph).map(({ name }) => name), ["shorten", "prune"]);
  assertEquals(told.length, shortened!.parts.length + shortened!.removed.length);
});

Deno.test("layers alone may go: all channels are left, with statistics of their own", async () => {
  const { graph, report: { groups, shortened } } = await pruneOn(model, dataset, { ...how, budget: {}, layers: 0.85 });
  const parts = partsOf(model).filter(({ name }) => shortened!.removed.some((one) => one.name === name));
  const plain = removeParts(model, parts);
  assertEquals(graph.nodes, plain.nodes);
  const [norm] = graph.nodes.filter(({ op }) => op === "BatchNormalization");
  const [scale, mean] = [1, 3].map((input) => [graph, plain].map((one) => one.constants.get(norm.inputs[input])!.data));
  assertEquals(scale[0], scale[1]);
  assert(mean[0].some((value, i) => value !== mean[1][i]));
  assert(groups.removed > 0 && groups.removed < groups.all);
  // The best of all parts alone is the first to go.
  const { parts: scored, removed, score } = shortened!;
  const losses = scored.map((one) => (score - one.score) / one.layers);
  assertEquals(removed[0].name, scored[losses.indexOf(Math.min(...losses))].name);
});

Deno.test("each round takes its share of the layers, of a file with folded normalisation too", async () => {
  const rounds: PruneRound[] = [];
  const options = {
    ...{ ...how, budget: { gflops: 0.7 }, layers: 0.8, criterion: "l2" as const, rounds: 2, epochs: 0, lastEpochs: 1 },
    ...{ validation, workers: 0, trainBatch: 2, augment: false as const },
    onRound: (round: PruneRound) => void rounds.push(round),
  };
  // Files hold the normalisation within the weights.
  const { model: pruned } = await pruneAndTrain(foldBatchNormalization(model), dataset, options);
  assert(countLayers(pruned) <= 0.8 * countLayers(model) && flops(pruned) <= 0.7 * flops(model));
  assertEquals(historyOf(pruned).map(({ name }) => name), ["shorten", "prune", "shorten", "prune", "train"]);
  assertEquals(rounds.map(({ parts }) => parts!.length > 0), [true, true, true]);
});

Deno.test("the history of a single round has the share of the layers that was asked for", async () => {
  const { model: pruned } = await pruneAndTrain(model, dataset, {
    ...{ ...how, budget: { gflops: 0.9 }, layers: 0.9, criterion: "l2", rounds: 1, epochs: 0, lastEpochs: 1 },
    ...{ validation, workers: 0, trainBatch: 2, augment: false },
  });
  assert(!Number.isInteger(0.9 * countLayers(model)));
  assertEquals(historyOf(pruned).find(({ name }) => name === "shorten")!.options.layers, 0.9);
});

Deno.test("what cannot be is refused before anything is scored", async () => {
  await assertRejects(
    () => pruneOn(model, undefined, { budget: { gflops: 0.5 }, layers: 0.8 }),
    FeatherdetError,
    "layers are chosen by what the model is worth without them: name a data set",
  );
  // What is asked of channels is refused before parts are scored, which takes long.
  const onChoosing = () => {
    throw new Error("scored");
  };
  const wrong = { ...how, budget: { gflops: 2 }, layers: 0.8, onChoosing };
  await assertRejects(() => pruneOn(model, dataset, wrong), FeatherdetError, "the budget of gflops is 2");
});

/** Two blocks and a layer behind them in a Concat, which a last convolution reads; that layer makes nothing that the blocks do not tell. */
function joined(): Graph {
  const b = new ModelBuilder({ seed: 6 });
  const stem = b.convBlock("stem", b.input("images", [1, 3, 32, 32]), { out: 5, kernel: 3, stride: 2 });
  const next = b.convBlock("next", stem, { out: 4, kernel: 3 });
  const plain = b.conv("plain", next, { out: 6, bias: false });
  const all = b.concat("all", [stem, next, plain]);
  return lively(b.graph("joined", [b.conv("last", all, { out: 3, kernel: 3, bias: "uniformFanIn" })]), 2);
}

/** What a graph makes of the pictures, in float64. */
async function onPictures(graph: Graph): Promise<number[]> {
  const found: number[] = [];
  for await (const { inputs: { images: { shape, data } } } of batchesOf(graph, dataset, 4)) {
    found.push(...runReference(graph, { images: referenceTensor(shape, data) }).get(graph.outputs[0])!.data);
  }
  return found;
}

Deno.test("weights are fitted so that what is left makes up for a part, as far as it can", async () => {
  const whole = joined(), part = partsOf(whole).find(({ name }) => name === "all[2]")!;
  const short = removeParts(whole, [part]), some = { ...how, positions: 1000 };
  const { graph, layers } = refitShortened(whole, short);
  assertEquals(layers.map(({ node, inputs, offset }) => [node.name, inputs.length, offset]), [["last", 9, "bias"]]);
  assertEquals(graph.nodes.at(-1)!.inputs, ["stem.act", "next.act"]);
  const fitted = await refitShortenedOn(short, whole, dataset, { ...some, ridge: 1e-9 });
  const drawn = await refitShortenedOn(short, whole, dataset, { ...some, ridge: 1e9 });
  const outputs = await Promise.all([whole, fitted, short].map(onPictures));
  assert(difference(outputs[1], outputs[0]) < 1e-4, "the layer that is gone was a product of what is left");
  assert(difference(outputs[2], outputs[0]) > 0.03);
  // A ridge beyond all measure leaves the weights; the bias may change.
  const weights = [short, drawn].map(({ constants }) => [...constants.get("last.weight")!.data].map(Number));
  assert(difference(weights[0], weights[1]) < 1e-6);
});

Deno.test("a network is nearer to the whole one with fitted weights, and its history tells them", async () => {
  const cut = async (refit?: boolean) =>
    (await shortenOn(model, dataset, { ...how, layers: 0.7, ...(refit !== undefined && { refit }) })).graph;
  const [fitted, plain] = [await cut(), await cut(false)], meter = createCutMeter(model, dataset, how);
  assertEquals(fitted.nodes, plain.nodes);
  const [near, far] = [
    await meter.score({ graph: fitted, groups: [] }),
    await meter.score({ graph: plain, groups: [] }),
  ];
  assert(near > far, `${near} and ${far}`);
  const told = (graph: Graph) => historyOf(graph).map(({ options: { refit }, seed }) => ({ refit, seed }));
  assertEquals([fitted, plain].map(told), [[{ refit: true, seed: 0 }], [{ refit: undefined, seed: undefined }]]);
});
