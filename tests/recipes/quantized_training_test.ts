/** Quantization-aware training from data set to file: what the files hold, resuming to the bit, and what it brings. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { packWeights } from "../../src/compress/quantize/mod.ts";
import { openDataset } from "../../src/data/open.ts";
import { FeatherdetError, type Graph } from "../../src/graph/mod.ts";
import { historyOf } from "../../src/compress/history.ts";
import { loadOnnx } from "../../src/onnx/mod.ts";
import { readCheckpoint } from "../../src/train/loop/checkpoint.ts";
import type { RunRecord } from "../../src/train/loop/record.ts";
import { createMemoryStore, type MemoryStore } from "../../src/train/loop/store.ts";
import { train } from "../../src/recipes/train_detector.ts";
import type { TrainOptions } from "../../src/recipes/train_options.ts";
import { gpuTest } from "../support/gpu.ts";
import { miniYolo11 } from "../support/mini_yolo11.ts";

const dataset = await openDataset("synthetic", { split: "train", limit: 6, size: 64 });
const validation = await openDataset("synthetic", { split: "val", limit: 2, size: 64 });

/** Six steps in two epochs. */
const OPTIONS: TrainOptions = { epochs: 2, batch: 2, validation, workers: 0, seed: 3, validateEvery: 2 };
const tiny = (): Graph => miniYolo11({ width: 0.125, size: 64, classes: dataset.classes, seed: 3 });

const last = ({ files }: MemoryStore) => readCheckpoint(files.get("last.ckpt")!, "last.ckpt");
const operators = ({ nodes }: Graph) => new Set(nodes.map(({ op }) => op));
const losses = ({ epochs }: RunRecord) => epochs.map(({ losses, score }) => ({ losses, score }));

for (
  const [quantize, made] of [["4bit", "UnpackWeights"], ["ternary", "UnpackWeights"], [
    "int8",
    "QuantizeLinear",
  ]] as const
) {
  gpuTest(`${quantize}: the best model is the rounded one; a resume and the rest are the run in one`, async () => {
    const options: TrainOptions = { ...OPTIONS, quantize, ...(quantize === "int8" && { calibrationPictures: 2 }) };
    const store = createMemoryStore();
    const straight = await train(tiny(), dataset, { ...options, store });
    const best = await loadOnnx(store.files.get("best.onnx")!);
    assert(operators(best).has(made) && !operators(best).has("BatchNormalization"));
    assertEquals(operators(straight.model), operators(best));
    const [trained, converted] = historyOf(best);
    assertEquals([trained.name, trained.options.quantize, trained.seed], ["train", quantize, 3]);
    assertEquals([converted.name, converted.options.weights], [
      "convertQat",
      quantize === "int8" ? "channel" : quantize,
    ]);
    const expected = await last(store);
    const floats = await loadOnnx(expected.model!);
    assert(operators(floats).has("BatchNormalization") && !operators(floats).has(made), "checkpoints hold floats");

    const abort = new AbortController();
    const part = createMemoryStore();
    let steps = 0;
    const half = await train(tiny(), dataset, {
      ...{ ...options, store: part, signal: abort.signal },
      onStep: () => ++steps === 2 && abort.abort(),
    });
    assertEquals(half.reason, "interrupted");
    const resume = await last(part);
    assert(resume.state.updates < expected.state.updates);
    const rest = await train(await loadOnnx(resume.model!), dataset, { ...options, store: part, resume });
    const found = await last(part);
    assertEquals(found.state, expected.state);
    assertEquals(losses(rest.run), losses(straight.run));
    assertEquals([...part.files.get("best.onnx")!], [...store.files.get("best.onnx")!]);

    const again = (other: TrainOptions) => train(tiny(), dataset, { ...OPTIONS, ...other, resume });
    const refused = (other: TrainOptions, text: string) => assertRejects(() => again(other), FeatherdetError, text);
    await refused({}, `the checkpoint is of a run with quantize "${quantize}", asked for is none`);
    await refused({ quantize: "binary" }, `with quantize "${quantize}", asked for is "binary"`);
    if (quantize === "int8") {
      await refused({ quantize, calibrationPictures: 3 }, "with calibrationPictures 2, asked for is 3");
    }
  });
}

Deno.test("wishes that do not go together are refused before anything is trained", async () => {
  const refused = (options: TrainOptions, text: string, model = tiny()) =>
    assertRejects(() => train(model, dataset, { ...OPTIONS, ...options }), FeatherdetError, text);
  await refused({ calibrationPictures: 8 }, "pictures for calibration are for training in int8");
  await refused({ quantize: "ternary", calibrationPictures: 8 }, "ternary weights need none");
  await refused({ quantize: "int8", calibrationPictures: 0 }, "0 pictures for calibration");
  await refused({ quantize: "int4" as never }, 'cannot train for "int4", there are int8, 4bit, ternary, binary');
  await refused({ quantize: "binary" }, "the model is quantized already", packWeights(tiny(), { bits: 2 }).graph);
});
