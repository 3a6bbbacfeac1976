/** Pruning from file to file: what is reported of a cut and of rounds, with times and without. */

import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { hashOfGraph } from "../../../src/compress/graph_hash.ts";
import { createMemoryMemo } from "../../../src/compress/meter.ts";
import { layerShapes, type PrunedLayer } from "../../../src/compress/prune/mod.ts";
import { analyze, type Graph } from "../../../src/graph/mod.ts";
import { loadOnnx, saveOnnx } from "../../../src/onnx/mod.ts";
import { pruneOn } from "../../../src/recipes/prune/one_shot.ts";
import { pruneModel } from "../../../src/recipes/prune/prune_model.ts";
import { inFolder, putCoco, TINY } from "../../support/data_folders.ts";
import { byWork, fakeLayerMeter } from "../../support/fake_layer_meter.ts";
import { gpuTest } from "../../support/gpu.ts";
import { lively } from "../../support/lively.ts";
import { miniYolo11 } from "../../support/mini_yolo11.ts";

const model = lively(miniYolo11({ width: 0.25, size: 64, classes: TINY.classes, seed: 2 }), 3);

/** Asserts that widths are those of the graphs' weights, and times those of the formula. */
function assertLayers(layers: readonly PrunedLayer[], pruned: Graph, isTimed: boolean): void {
  const own = [layerShapes(model), layerShapes(pruned)];
  let timed = 0;
  for (const { name, ...states } of layers) {
    [states.before, states.after].forEach(({ inputs, outputs, milliseconds }, i) => {
      const graph = [model, pruned][i], node = graph.nodes.find((one) => one.name === name)!;
      assertEquals([outputs, inputs], graph.constants.get(node.inputs[1])!.shape.slice(0, 2), name);
      if (milliseconds === undefined) return;
      assert(Math.abs(milliseconds - byWork(own[i].get(name)!)) < 1e-9, name);
      timed++;
    });
  }
  assert(isTimed ? timed > 80 : timed === 0, `${timed} times`);
}

gpuTest(
  "a report of rounds is of all that they did, layer by layer, with times where they are asked for",
  () =>
    inFolder(async (folder) => {
      const source = join(folder, "model.onnx"), out = join(folder, "pruned.onnx"), data = join(folder, "data");
      await Deno.writeFile(source, saveOnnx(model));
      for (const split of ["train", "val"]) await putCoco(data, TINY, `instances_${split}.json`);
      const made = await pruneModel({
        ...{ model: source, out, data, budget: { gflops: 0.6 }, pictures: 4, batch: 2, criterion: "l2", times: true },
        ...{ layerMeter: fakeLayerMeter(byWork), memo: createMemoryMemo() },
        training: { folder: join(folder, "run"), rounds: 2, epochs: 0, lastEpochs: 1, trainBatch: 2, workers: 0 },
      });
      assertEquals([made.reason, made.rounds!.length], ["finished", 2]);
      const { before, after, groups, layers } = made.report!;
      const pruned = await loadOnnx(out);
      assertEquals([before.gflops, after.gflops], [model, pruned].map((graph) => analyze(graph).flops / 1e9));
      assertEquals(groups.removed, made.rounds!.reduce((sum, { removed }) => sum + removed, 0));
      assertLayers(layers, pruned, true);
    }),
);

Deno.test("a report of one cut has measured times, none of them guessed, or none at all", async () => {
  const how = { budget: { gflops: 0.6 }, layerMeter: fakeLayerMeter(byWork) };
  const timed = await pruneOn(model, undefined, { ...how, times: true });
  assertLayers(timed.report.layers, timed.graph, true);
  assert(timed.report.before.latency! > timed.report.after.latency!);
  const plain = await pruneOn(model, undefined, how);
  assertLayers(plain.report.layers, plain.graph, false);
  assertEquals(plain.report.before.latency, undefined);
  assertEquals(hashOfGraph(plain.graph), hashOfGraph(timed.graph));
});
