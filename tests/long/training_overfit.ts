/** A detector trained from random weights on eight pictures until it knows them: every part of training at work together. */

import { assert } from "@std/assert";
import type { Graph } from "../../src/graph/graph.ts";
import { openTrainingBatches } from "../../src/data/augment/mod.ts";
import { Detector } from "../../src/detect/detector.ts";
import { createTrainer } from "../../src/recipes/detection_trainer.ts";
import { COCO_SETTINGS, evaluate } from "../../src/eval/evaluate.ts";
import type { DetectorModelOptions } from "../../src/models/detector_options.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { yolov5 } from "../../src/models/yolov5.ts";
import { withWeights } from "../../src/train/mod.ts";
import { demoDataset } from "../support/demo_dataset.ts";
import { gpuTest } from "../support/gpu.ts";

const STEPS = 80, SIZE = 128;

type Build = (options: Pick<DetectorModelOptions, "size" | "classes" | "batch">) => Graph;

async function learnByHeart(build: Build, device: GPUDevice): Promise<void> {
  // Objects no smaller than two cells of the finest level: others hold too few anchor points to be learned for certain.
  const dataset = demoDataset(8, undefined, [26, 70]);
  const options = { size: SIZE, classes: dataset.classes };
  const boxes = 5;
  const trainer = await createTrainer(build({ ...options, batch: 8 }), {
    boxes,
    device,
    optimizer: "adamw",
    // The running statistics have to follow within few steps.
    momentum: 0.2,
  });
  const batches = openTrainingBatches(dataset, {
    size: [SIZE, SIZE],
    batch: 8,
    boxes,
    epochs: STEPS,
    augment: false,
    workers: 0,
  });
  let step = 0, first = 0, last = 0;
  for await (const batch of batches) {
    const rate = 0.005 * Math.min(1, (step + 1) / 10) * (1 - 0.9 * step / STEPS);
    const { losses } = await trainer.step(batch, {
      learningRates: { weight: rate, bias: rate, norm: rate },
      momentum: 0.9,
      weightDecay: 0,
      averageDecay: Math.min(0.9, step / 10),
      clipNorm: 10,
    });
    last = Object.values(losses).reduce((a, b) => a + b);
    if (step++ === 0) first = last;
  }
  assert(last < first / 4, `the loss went from ${first} to ${last}`);
  const trained = withWeights(build(options), await trainer.trained("average"));
  trainer.destroy();
  const detector = await Detector.load(trained, { ...COCO_SETTINGS, device });
  const { map50 } = await evaluate(detector, dataset, { workers: 0 });
  detector.destroy();
  assert(map50 > 0.95, `mAP50 is ${map50}`);
}

gpuTest("eight pictures are learned by heart from random weights: mAP50 over 0.95", async (device, step) => {
  await step(
    "a head with distributions",
    () => learnByHeart((options) => yolo11({ width: 0.125, ...options }), device),
  );
  await step("a head with anchors", () => learnByHeart(yolov5, device));
});
