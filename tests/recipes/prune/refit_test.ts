/** Weights fitted on pictures: against the same sums of the reference, and where the recipes fit. */

import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { historyOf } from "../../../src/compress/history.ts";
import { prune, refitLayers, refitSums, withRefitted, writeRow } from "../../../src/compress/prune/mod.ts";
import { openDataset } from "../../../src/data/open.ts";
import { createSessionRunner } from "../../../src/engine/session_runner.ts";
import { FeatherdetError, type Graph } from "../../../src/graph/mod.ts";
import { ModelBuilder } from "../../../src/models/builder.ts";
import { batchesOf } from "../../../src/recipes/prune/measure.ts";
import { pruneOn } from "../../../src/recipes/prune/one_shot.ts";
import { pruneAndTrain } from "../../../src/recipes/prune/prune_finetune.ts";
import { refitOn } from "../../../src/recipes/prune/refit.ts";
import { referenceTensor, runReference } from "../../../src/reference/run.ts";
import { lively } from "../../support/lively.ts";
import { miniYolo11 } from "../../support/mini_yolo11.ts";

const [dataset, validation] = await Promise.all(
  ["train", "val"].map((split) => openDataset("synthetic", { split, limit: 4, size: 64 })),
);
const model = lively(miniYolo11({ width: 0.25, size: 64, classes: dataset.classes, seed: 1 }), 5);

function smallNetwork(): Graph {
  const b = new ModelBuilder({ seed: 4 });
  const stem = b.convBlock("stem", b.input("images", [1, 3, 32, 32]), { out: 13, kernel: 3, stride: 2 });
  const next = b.convBlock("next", stem, { out: 9, kernel: 3, stride: 2 });
  return lively(b.graph("small", [b.conv("last", next, { out: 5, bias: "uniformFanIn" })]), 2);
}

Deno.test("a fit at all positions is that of the reference's values, however little is held at a time", async () => {
  const whole = smallNetwork();
  const { graph: pruned, groups } = prune(whole, {
    budget: { parameters: 0.6 },
    criterion: "l2",
    ranking: "local",
    multiple: 1,
  });
  const how = { pictures: 4, batch: 1, positions: 1000, ridge: 0.02 };
  const found = await refitOn({ graph: pruned, groups }, whole, dataset, how);
  const inParts = await refitOn({ graph: pruned, groups }, whole, dataset, { ...how, bytes: 1 });
  const fits = refitLayers(whole, groups).map((layer) => [layer, refitSums(layer)] as const);
  assertEquals(fits.map(([{ node, offset }]) => [node.name, offset]), [["next.conv", "normalisation"], [
    "last",
    "bias",
  ]]);
  for await (const { inputs: { images: { shape, data } } } of batchesOf(whole, dataset, 4)) {
    const values = runReference(whole, { images: referenceTensor(shape, data) }, { keepAll: true });
    for (const [layer, sums] of fits) {
      const [input] = layer.node.inputs,
        [output] = layer.node.outputs,
        row = new Float32Array(sums.inputs + sums.outputs);
      const maps = { input: values.get(input)!, output: values.get(output)! };
      for (let position = 0; position < 64; position++) {
        writeRow(layer, maps, 0, position, row, 0);
        sums.add(row, 1);
      }
    }
  }
  const wanted = withRefitted(pruned, fits, 0.02);
  let moved = 0;
  for (const [name, { data }] of wanted.constants) {
    const [ours, parts, plain] = [found, inParts, pruned].map(({ constants }) => constants.get(name)!.data);
    for (const [i, value] of data.entries()) {
      assertAlmostEquals(Number(ours[i]), Number(value), 2e-5, name);
      assertAlmostEquals(Number(parts[i]), Number(value), 2e-5, name);
      moved = Math.max(moved, Math.abs(Number(value) - Number(plain[i])));
    }
  }
  assert(moved > 0.01, `weights have moved by ${moved}`);
  assert(await refitOn({ graph: whole, groups: [] }, whole, dataset, how) === whole);
});

/** Sum of the squares by which outputs of two graphs differ on the pictures. */
async function apart(one: Graph, other: Graph): Promise<number> {
  const runner = createSessionRunner();
  let sum = 0;
  for await (const { inputs } of batchesOf(one, dataset, 4)) {
    const [[a], [b]] = await Promise.all([one, other].map(async (g) => Object.values(await runner.run(g, inputs))));
    sum += a.data.reduce((all, value, i) => all + (value - b.data[i]) ** 2, 0);
  }
  runner.destroy();
  return sum;
}

Deno.test("a cut with pictures fits its weights, which the history tells, unless it is told not to", async () => {
  const how = { budget: { gflops: 0.6 }, criterion: "l2", pictures: 4, batch: 2 } as const;
  const cut = async (options: { readonly refit?: boolean }) =>
    (await pruneOn(model, dataset, { ...how, ...options })).graph;
  const [fitted, plain] = [await cut({}), await cut({ refit: false })];
  assertEquals(fitted.nodes, plain.nodes);
  const [near, far] = [await apart(model, fitted), await apart(model, plain)];
  assert(near < 0.8 * far, `${near} of ${far}`);
  const told = (graph: Graph) => historyOf(graph).map(({ options: { refit }, seed }) => ({ refit, seed }));
  assertEquals([fitted, plain].map(told), [[{ refit: true, seed: 0 }], [{ refit: undefined, seed: undefined }]]);
  // Without pictures nothing is fitted.
  const { graph } = await pruneOn(model, undefined, how);
  assertEquals(told(graph), told(plain));
  await assertRejects(
    () => pruneOn(model, undefined, { ...how, refit: true }),
    FeatherdetError,
    "fitted to what layers make on pictures: name a data set",
  );
});

Deno.test("rounds fit weights only where they are asked to", async () => {
  for (const refit of [undefined, true]) {
    const { model: made } = await pruneAndTrain(model, dataset, {
      ...{ budget: { gflops: 0.7 }, criterion: "l2", rounds: 2, epochs: 0, lastEpochs: 0, refit },
      ...{ validation, workers: 0, pictures: 2, batch: 2 },
    });
    const told = historyOf(made).map(({ name, options }) => [name, options.refit]);
    assertEquals(told, [["prune", refit], ["prune", refit]]);
  }
});
