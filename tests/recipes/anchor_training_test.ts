/** A detector with anchors in training: it learns, what it becomes is read as before, and it is pruned by gradients. */

import { openDataset } from "../../src/data/open.ts";
import { Detector } from "../../src/detect/detector.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { builtWithWeights } from "../../src/models/with_classes.ts";
import { yolov5 } from "../../src/models/yolov5.ts";
import { withBatch } from "../../src/passes/mod.ts";
import { createTrainer } from "../../src/recipes/detection_trainer.ts";
import { pruneOn } from "../../src/recipes/prune/one_shot.ts";
import { takesTrained, trainModel } from "../../src/recipes/starting_model.ts";
import { train } from "../../src/recipes/train_detector.ts";
import type { StepReport } from "../../src/train/loop/trainer.ts";
import { createMemoryStore } from "../../src/train/loop/store.ts";
import { distilled } from "../../src/train/mod.ts";
import { smallDetector } from "../support/anchor_detector.ts";
import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "../support/assert.ts";
import { gpuTest } from "../support/gpu.ts";
import { lively } from "../support/lively.ts";
import { noisyPicture } from "../support/noise.ts";

const dataset = await openDataset("synthetic", { split: "train", limit: 4, size: 64 });

gpuTest("a few steps on a batch of three lower the losses of a head with anchors", async () => {
  const model = withBatch(smallDetector({ size: [64, 96] }), 3);
  const trainer = await createTrainer(model, { boxes: 3, optimizer: "adamw" });
  const images = noisyPicture(model.inputs[0].shape), boxes = new Float32Array(3 * 3 * 5).fill(-1);
  // The last picture has none.
  [[1, 10, 12, 30, 34], [2, 40, 20, 75, 62], [0, 60, 0, 96, 33]].forEach((row, i) => boxes.set(row, 5 * i));
  boxes.set([0, 20, 30, 44, 60], 15);
  const update = {
    learningRates: { weight: 0.01, bias: 0.01, norm: 0.01 },
    ...{ momentum: 0.9, weightDecay: 0, averageDecay: 0, clipNorm: 10 },
  };
  const reports = [];
  for (let i = 0; i < 20; i++) reports.push(await trainer.step({ images, boxes }, update));
  trainer.destroy();
  const [first] = reports, last = reports.at(-1)!;
  assertEquals(Object.keys(first.losses), ["box", "objectness", "classes"]);
  assert(first.positives! > 8 && first.positives === last.positives);
  // The loss of objectness alone may rise, since its targets do as boxes come nearer.
  const sum = ({ losses }: StepReport) => Object.values(losses).reduce((a, b) => a + b);
  for (
    const [what, before, after] of [
      ["box", first.losses.box, last.losses.box],
      ["classes", first.losses.classes, last.losses.classes],
      ["sum", sum(first), sum(last)],
    ] as const
  ) assert(after < 0.8 * before, `${what}: ${before} to ${after}`);
});

gpuTest("a detector with anchors is trained, validated, read again, and pruned by gradients", async () => {
  const model = smallDetector({ classes: dataset.classes });
  const store = createMemoryStore();
  const options = { validation: dataset, epochs: 2, batch: 2, workers: 0, augment: false, store } as const;
  const { model: trained, score } = await train(model, dataset, options);
  assert(score!.map50 >= 0);
  const detector = await Detector.load(trained);
  assertEquals(detector.head, "objectness");
  detector.destroy();
  const { report, graph } = await pruneOn(trained, dataset, { budget: { parameters: 0.8 }, multiple: 1 });
  assertEquals(report.criterion, "taylor");
  assert(report.after.parameters <= 0.8 * report.before.parameters);
  const pruned = await Detector.load(graph);
  assertEquals(pruned.head, "objectness");
  pruned.destroy();
});

Deno.test("YOLOv5 is trained by its name, and takes the boxes of trained weights for other classes", async () => {
  assertEquals(takesTrained({ model: "yolov5n", pretrained: false }), false);
  const built = await trainModel({ model: "yolov5n", pretrained: false, size: 64, seed: 3 }, dataset, () => {});
  assertEquals([built.name, built.inputs[0].shape], ["yolov5n", [1, 3, 64, 64]]);
  assertStringIncludes(built.metadata.names, dataset.classes[0]);

  const source = lively(yolov5({ size: 64, classes: 2, seed: 8 })),
    { graph, newHead } = builtWithWeights(built, source);
  const bias = (from: typeof graph) => [...from.constants.get("model.24.m.0.bias")!.data];
  assert(newHead);
  assertEquals(bias(graph).slice(0, 4), bias(source).slice(0, 4));
  assertEquals(bias(graph)[4], bias(built)[4]);
  assertEquals(graph.constants.get("model.0.conv.weight"), source.constants.get("model.0.conv.weight"));
  assertEquals(graph.metadata.names, built.metadata.names);
});

Deno.test("what only YOLO11's head has is refused for one with anchors", async () => {
  const model = smallDetector({ classes: dataset.classes });
  await assertRejects(() => createTrainer(model, { boxes: 3, topK: 5 }), FeatherdetError, "topK is no setting");
  const teacher = yolo11({ width: 0.0625, size: 64, classes: dataset.classes });
  const variant = distilled(teacher, { losses: [{ loss: "logits" }] });
  await assertRejects(
    () => createTrainer(model, { boxes: 3, variant }),
    FeatherdetError,
    "has no head of a YOLO11 to learn from or to teach",
  );
  assertThrows(() => distilled(model, { losses: [{ loss: "logits" }] }), FeatherdetError, "has no head of a YOLO11");
});
