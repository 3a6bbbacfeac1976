/** Training for ternary weights and for int8, on pictures that a float detector has learned by heart. */

import { assert, assertEquals } from "@std/assert";
import { packWeights } from "../../src/compress/quantize/mod.ts";
import { Detector } from "../../src/detect/detector.ts";
import { COCO_SETTINGS, evaluate } from "../../src/eval/evaluate.ts";
import type { Graph } from "../../src/graph/mod.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { loadOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { train } from "../../src/recipes/train_detector.ts";
import type { TrainOptions } from "../../src/recipes/train_options.ts";
import { demoDataset } from "../support/demo_dataset.ts";
import { gpuTest } from "../support/gpu.ts";

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
