/** Training behind masks: zeros stay zero to the bit, with rounding too, however often the run stops. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { applyMasks, chooseMasks, hashOfMasks, maskReport } from "../../src/compress/prune/mod.ts";
import { openDataset } from "../../src/data/open.ts";
import { analyze, FeatherdetError, type Graph } from "../../src/graph/mod.ts";
import { loadOnnx } from "../../src/onnx/mod.ts";
import { train } from "../../src/recipes/train_detector.ts";
import type { TrainOptions } from "../../src/recipes/train_options.ts";
import { readCheckpoint } from "../../src/train/loop/checkpoint.ts";
import { createMemoryStore, type MemoryStore } from "../../src/train/loop/store.ts";
import { masked, trainableGraph } from "../../src/train/mod.ts";
import { gpuTest } from "../support/gpu.ts";
import { miniYolo11 } from "../support/mini_yolo11.ts";

const dataset = await openDataset("synthetic", { split: "train", limit: 6, size: 64 });
const tiny = (seed = 3): Graph => miniYolo11({ width: 0.125, size: 64, classes: dataset.classes, seed });
const masks = chooseMasks(tiny(), { sparsity: 0.6, pattern: "block4x1", ranking: "local" });

/** Three steps in an epoch, with averages and decay. */
const OPTIONS: TrainOptions = { epochs: 2, batch: 2, workers: 0, seed: 3, variants: [masked(masks)] };
const last = ({ files }: MemoryStore) => readCheckpoint(files.get("last.ckpt")!, "last.ckpt");

/** That a graph has zeros where masks have them, and that training has moved most other numbers. */
function assertMasked(graph: Graph): void {
  const begin = tiny();
  let moved = 0, left = 0;
  for (const [name, mask] of masks) {
    const [data, first] = [graph, begin].map(({ constants }) => constants.get(name)!.data);
    mask.forEach((stays, i) => {
      if (stays === 0) return assertEquals(data[i], 0, name);
      left++;
      if (data[i] !== first[i]) moved++;
    });
  }
  // Channels that read nothing but zeros have no gradient, and rounded to int8 many maps of an untrained model are zero.
  assert(moved > 0.4 * left, `${moved} of ${left} have moved`);
}

gpuTest(
  "masked weights stay zero in model, averages and checkpoint, and a stopped run goes on to the same bits",
  async () => {
    const store = createMemoryStore();
    // The model is given as it is: training itself sets the zeros.
    const { model } = await train(tiny(), dataset, { ...OPTIONS, store });
    const expected = await last(store);
    assertMasked(model);
    assertMasked(await loadOnnx(expected.model!));
    assertEquals(
      maskReport(model, masks).zeros,
      [...masks.values()].flatMap((mask) => [...mask]).filter((m) => m === 0).length,
    );
    assertEquals(model.nodes.length, (await loadOnnx(expected.model!)).nodes.length);
    const { hash } = expected.settings.masks as { hash: string };
    assertEquals(hash, hashOfMasks(masks));

    const part = createMemoryStore(), abort = new AbortController();
    let count = 0;
    await train(tiny(), dataset, {
      ...{ ...OPTIONS, store: part, signal: abort.signal },
      onStep: () => ++count === 2 && abort.abort(),
    });
    const resume = await last(part);
    await train(await loadOnnx(resume.model!), dataset, { ...OPTIONS, store: part, resume });
    assertEquals((await last(part)).state, expected.state);

    const other = [masked(chooseMasks(tiny(), { sparsity: 0.5 }))];
    await assertRejects(
      () => train(tiny(), dataset, { ...OPTIONS, variants: other, resume }),
      FeatherdetError,
      "with masks",
    );
  },
);

gpuTest("ternary weights behind masks have zeros there, and at least as many in all", async () => {
  const store = createMemoryStore();
  const { model } = await train(tiny(), dataset, { ...OPTIONS, quantize: "ternary", store });
  assertMasked(await loadOnnx((await last(store)).model!));
  assert(model.nodes.some(({ op }) => op === "UnpackWeights"));
  const floats = applyMasks(tiny(), masks);
  const zeros = (graph: Graph) => analyze(graph, { zeros: true }).zeros;
  assert(zeros(model) >= zeros(floats), `${zeros(model)} of ${zeros(floats)}`);
});

gpuTest("weights in int8 behind masks are whole numbers of zero there", async () => {
  const store = createMemoryStore();
  const { model } = await train(tiny(), dataset, { ...OPTIONS, quantize: "int8", calibrationPictures: 2, store });
  assertMasked(await loadOnnx((await last(store)).model!));
  assert(model.nodes.some(({ op }) => op === "DequantizeLinear"));
  assert(analyze(model, { zeros: true }).zeros >= maskReport(applyMasks(tiny(), masks), masks).zeros);
});

Deno.test("masks of another model, and weights of one bit, are refused", async () => {
  const wide = miniYolo11({ width: 0.25, size: 64, classes: dataset.classes });
  assertThrows(() => masked(masks).trainable(trainableGraph(wide)), FeatherdetError, "a mask of ");
  await assertRejects(
    () => train(tiny(), dataset, { ...OPTIONS, quantize: "binary" }),
    FeatherdetError,
    "weights of one bit cannot be zero",
  );
});
