/** What was pruned lives on: saved and loaded, run elsewhere, trained, quantized, pruned again, in every family. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { hashOfGraph } from "../../../src/compress/graph_hash.ts";
import { historyOf } from "../../../src/compress/history.ts";
import { prune } from "../../../src/compress/prune/mod.ts";
import { packWeights, quantize } from "../../../src/compress/quantize/mod.ts";
import type { Runner } from "../../../src/compress/runner.ts";
import { createSessionRunner } from "../../../src/engine/session_runner.ts";
import { analyze, FeatherdetError, type Graph } from "../../../src/graph/mod.ts";
import { withClasses } from "../../../src/models/with_classes.ts";
import { importOnnx, saveOnnx } from "../../../src/onnx/mod.ts";
import { zeroChannels } from "../../../src/passes/mod.ts";
import { pruneOn } from "../../../src/recipes/prune/one_shot.ts";
import { train } from "../../../src/recipes/train_detector.ts";
import onnxruntime from "../../fixtures/pruned_onnxruntime.json" with { type: "json" };
import { demoDataset } from "../../support/demo_dataset.ts";
import { gpuTest } from "../../support/gpu.ts";
import { noisyPicture } from "../../support/noise.ts";
import { PRUNED_NAMES, prunedModel } from "../../support/pruned_models.ts";
import { ReferenceRunner } from "../../support/reference_runner.ts";
import { assertSameConstants } from "../../support/same_constants.ts";

const dataset = demoDataset(2);
const PEER: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: readonly number[] }>> =
  onnxruntime;

const SIDE = 64, SHAPE = [1, 3, SIDE, SIDE], images = { shape: SHAPE, data: noisyPicture(SHAPE) };

const flops = (graph: Graph) => analyze(graph).flops;

/** Shapes of the weights of convolutions, by node. */
const widths = ({ nodes, constants }: Graph) =>
  nodes.flatMap(({ op, name, inputs }) => op === "Conv" ? [`${name} ${constants.get(inputs[1])?.shape}`] : []);

/** The graph as it comes from its file, which holds the same to the bit. */
async function fromFile(graph: Graph): Promise<Graph> {
  const loaded = await importOnnx(saveOnnx(graph));
  const inOrder = ({ constants }: Graph) => new Map([...constants].sort(([a], [b]) => a < b ? -1 : 1));
  assertSameConstants(inOrder(loaded), inOrder(graph));
  assertEquals(hashOfGraph(loaded), hashOfGraph(graph));
  return loaded;
}

async function outputOf(runner: Runner, graph: Graph): Promise<Float32Array> {
  const { [graph.outputs[0]]: { data } } = await runner.run(graph, { images });
  runner.release(graph);
  return data;
}

/** Largest difference of two lists, as a share of the range of the second. */
function difference(found: Float32Array, wanted: ArrayLike<number>): number {
  const list = Array.from(wanted), range = Math.max(...list) - Math.min(...list);
  assertEquals(found.length, list.length);
  return found.reduce((most, x, i) => Math.max(most, Math.abs(x - list[i])), 0) / range;
}

for (const name of PRUNED_NAMES) {
  gpuTest(`${name}, pruned, is saved and loaded, and gives what it gives in onnxruntime`, async (device) => {
    const runner = createSessionRunner({ device, precision: "f32" });
    const { whole, pruned } = prunedModel(name);
    const loaded = await fromFile(pruned);
    assert(flops(loaded) <= 0.5 * flops(whole));
    const found = await outputOf(runner, loaded), { shape, data } = PEER[name];
    assertEquals(found.length, data.length);
    // Boxes are in pixels.
    const boxes = 4 * shape[2], unit = (i: number) => i < boxes ? SIDE : 1;
    const worst = found.reduce((most, x, i) => Math.max(most, Math.abs(x - data[i]) / unit(i)), 0);
    assert(worst < 1e-5, `differs from onnxruntime's output by ${worst}`);
    runner.destroy();
  });

  Deno.test(`${name}, pruned, is quantized and pruned again`, async () => {
    const runner = new ReferenceRunner(), loaded = await importOnnx(saveOnnx(prunedModel(name).pruned));
    const found = await outputOf(runner, loaded);
    const samples = [{ name: "noise", inputs: { images } }];
    const int8 = await quantize(loaded, samples, { runner, float: "yolo11" });
    assert(int8.report.int8Layers > 20, `${int8.report.int8Layers} layers in int8`);
    const rounded = difference(await outputOf(runner, await fromFile(int8.graph)), found);
    assert(rounded > 0 && rounded < 0.1, `int8 differs by ${rounded}`);
    const ternary = packWeights(loaded, { bits: 2 });
    assert(ternary.report.packedLayers > 20);
    const levels = await outputOf(runner, await fromFile(ternary.graph));
    assert(levels.every(Number.isFinite) && levels.some((x) => x !== 0));
    for (const graph of [int8.graph, ternary.graph]) {
      assertThrows(
        () => prune(graph, { budget: { gflops: 0.5 }, criterion: "l2" }),
        FeatherdetError,
        "quantized already",
      );
    }

    const again = prune(loaded, { budget: { gflops: 0.6 }, criterion: "l2" });
    assert(flops(again.graph) <= 0.6 * flops(loaded) && again.groups.length > 0);
    const zeroed = await outputOf(runner, zeroChannels(loaded, again.groups));
    const apart = difference(await outputOf(runner, await fromFile(again.graph)), zeroed);
    assert(apart < 1e-6, `pruned again it differs from zeroed channels by ${apart}`);
  });
}

for (const name of PRUNED_NAMES) {
  gpuTest(`${name}, pruned, trains with the channels that it has, and is pruned by pictures again`, async () => {
    const { pruned } = prunedModel(name);
    // As the command line prepares a file: folded normalisation is put back.
    const { graph: model } = withClasses(await importOnnx(saveOnnx(pruned)), dataset.classes);
    const { model: trained, run } = await train(model, dataset, { epochs: 1, batch: 2, workers: 0, augment: false });
    assert(Object.values(run.epochs[0].losses).every((loss) => Number.isFinite(loss) && loss > 0));
    assertEquals(widths(trained), widths(pruned));
    const last = trained.nodes.filter(({ op }) => op === "BatchNormalization").at(-1)!.inputs[1];
    assert(trained.constants.get(last)!.data.some((x, i) => x !== model.constants.get(last)?.data[i]), "nothing moved");
    const loaded = await fromFile(trained);
    const again = await pruneOn(loaded, dataset, { budget: { gflops: 0.7 }, pictures: 2, batch: 2 });
    assert(flops(again.graph) <= 0.7 * flops(loaded));
    assertEquals(historyOf(again.graph).map(({ name }) => name), ["train", "prune"]);
  });
}
