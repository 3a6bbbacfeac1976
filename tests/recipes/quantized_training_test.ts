/** Quantization-aware training from data set to file: what the files hold, resuming to the bit, and what it brings. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { packWeights } from "../../src/compress/quantize/mod.ts";
import { openDataset } from "../../src/data/open.ts";
import { Detector } from "../../src/detect/detector.ts";
import { COCO_SETTINGS, evaluate } from "../../src/eval/evaluate.ts";
import { FeatherdetError, type Graph } from "../../src/graph/mod.ts";
import { historyOf } from "../../src/compress/history.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { loadOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { readCheckpoint } from "../../src/train/loop/checkpoint.ts";
import type { RunRecord } from "../../src/train/loop/record.ts";
import { createMemoryStore, type MemoryStore } from "../../src/train/loop/store.ts";
import { train } from "../../src/recipes/train_detector.ts";
import type { TrainOptions } from "../../src/recipes/train_options.ts";
import { demoDataset } from "../support/demo_dataset.ts";
import { gpuTest } from "../support/gpu.ts";

const dataset = await openDataset("synthetic", { split: "train", limit: 6, size: 64 });
const validation = await openDataset("synthetic", { split: "val", limit: 2, size: 64 });

/** Six steps in two epochs, on the smallest YOLO11 there is. */
const OPTIONS: TrainOptions = { epochs: 2, batch: 2, validation, workers: 0, seed: 3, validateEvery: 2 };
const tiny = (): Graph => yolo11({ width: 0.0625, depth: 0.3, size: 64, classes: dataset.classes, seed: 3 });

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

/** Pictures that are learned by heart. */
const LEARNED = 4, SIZE = 64;

gpuTest(
  "a detector with ternary weights is blind unless it is trained with rounding; in int8 it stays what it was",
  async () => {
    const known = demoDataset(LEARNED, undefined, [60, 90]);
    const begin: TrainOptions = {
      ...{ batch: LEARNED, augment: false, workers: 0, validateEvery: 0, optimizer: "adamw", weightDecay: 0 },
      ...{ warmupEpochs: 5, seed: 1 },
    };
    const float = await train(yolo11({ width: 0.125, depth: 0.3, size: SIZE, classes: known.classes }), known, {
      ...{ ...begin, epochs: 60, learningRate: 0.006 },
    });
    const scoreOf = async (model: Graph, precision?: "int8") => {
      const detector = await Detector.load(model, { ...COCO_SETTINGS, precision });
      const { map, map50 } = await evaluate(detector, known, { workers: 0 });
      detector.destroy();
      return { map, map50 };
    };
    const { map50: learned } = await scoreOf(float.model);
    assert(learned > 0.9, `the float detector knows its pictures: mAP50 ${learned}`);
    const { map50: blind } = await scoreOf(packWeights(float.model, { bits: 2, threshold: "twn" }).graph);
    assert(blind < 0.05, `rounded it sees nothing: mAP50 ${blind}`);
    const { model, score } = await train(float.model, known, {
      ...{ ...begin, epochs: 30, learningRate: 0.004, quantize: "ternary", validation: known, validateEvery: 30 },
    });
    assert(score!.map50 > 0.7, `mAP50 ${score!.map50}`);
    // The file is read back: what was reported is what it detects.
    assertEquals(await scoreOf(await loadOnnx(saveOnnx(model))), score);
    const int8 = await train(float.model, known, {
      ...{ ...begin, epochs: 2, learningRate: 1e-4, quantize: "int8", validation: known, validateEvery: 2 },
    });
    assert(int8.score!.map50 > 0.7, `mAP50 ${int8.score!.map50} in int8`);
    assertEquals(await scoreOf(int8.model, "int8"), int8.score);
  },
);
