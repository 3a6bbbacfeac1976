/** Pictures of a training run: its batches with their boxes, and what a best epoch finds; on the device as training runs. */

import { assert, assertEquals } from "@std/assert";
import { openDataset } from "../../src/data/open.ts";
import { decodeImage } from "../../src/image/codec/decode.ts";
import { yolo11 } from "../../src/models/yolo11.ts";
import { drawRun } from "../../src/recipes/run_pictures.ts";
import { train } from "../../src/recipes/train_detector.ts";
import { classColour } from "../../src/report/draw/palette.ts";
import { createMemoryStore } from "../../src/train/loop/store.ts";
import { demoDataset } from "../support/demo_dataset.ts";
import { readSvg } from "../support/svg.ts";

const say = (line: string) => assert(false, line);

Deno.test("a batch is drawn as it is trained on: its pixels, and its boxes on them", async () => {
  const dataset = demoDataset(3), store = createMemoryStore();
  const { onBatch } = await drawRun({ store, dataset, size: [127, 200], title: "Run", say });
  assertEquals([...store.files.keys()], ["labels.svg"]);
  readSvg(new TextDecoder().decode(store.files.get("labels.svg")));
  const pixels = 127 * 200, images = new Float32Array(3 * 3 * pixels);
  for (let picture = 0; picture < 3; picture++) {
    images.fill(0.25 * (picture + 1), 3 * picture * pixels, 3 * (picture + 1) * pixels);
  }
  const boxes = new Float32Array(3 * 2 * 5).fill(-1);
  boxes.set([1, 20, 40, 120, 100]);
  boxes.set([2, 60, 30, 160, 90], 2 * 2 * 5);
  const batch = {
    images,
    boxes,
    pictures: [2, 0, 1],
    dropped: 0,
    epoch: 0,
    view: { epoch: 0, step: 0, mosaics: true },
  };
  await onBatch!({ ...batch, step: 1 });
  for (const step of [3, 4]) await onBatch!({ ...batch, step });
  await onBatch!({ ...batch, epoch: 1, step: 0 });
  assertEquals([...store.files.keys()], ["labels.svg", "batch-2.jpg"], "the first three batches alone");
  const { width, height, data } = await decodeImage(store.files.get("batch-2.jpg")!);
  // Twice as large, three in a row.
  assertEquals([width, height], [4 * 8 + 3 * 400, 2 * 8 + 22 + 2 * 127]);
  const near = (picture: number, x: number, y: number, colour: readonly number[]) => {
    const at = ((8 + 22 + 2 * y) * width + 8 + picture * 408 + 2 * x) * 3;
    return colour.every((value, channel) => Math.abs(data[at + channel] - value) < 60);
  };
  const grey = (picture: number) => new Array(3).fill(63.75 * (picture + 1));
  assert(near(0, 120, 70, classColour(1)) && near(0, 70, 100, classColour(1)), "edges of the first picture's box");
  assert(near(2, 160, 60, classColour(2)), "and of the third's");
  for (const [picture, x, y] of [[0, 70, 70], [1, 70, 70], [1, 120, 70], [2, 110, 60], [2, 20, 20]]) {
    assert(near(picture, x, y, grey(picture)), `${picture} at ${x}, ${y}`);
  }
});

Deno.test("train tells of every batch before its step, and of every best epoch what it found, before the epoch is told", async () => {
  const dataset = await openDataset("synthetic", { split: "train", limit: 4, size: 64 });
  const store = createMemoryStore(), told: string[] = [];
  const drawn = await drawRun({ store, dataset, validation: dataset, size: [64, 64], title: "Run", say });
  const { run } = await train(yolo11({ width: 0.0625, depth: 0.3, size: 64, classes: dataset.classes }), dataset, {
    ...{ epochs: 2, batch: 2, workers: 0, validation: dataset, store },
    onBatch: async (batch) => {
      told.push(`batch ${batch.epoch} ${batch.step}`);
      await drawn.onBatch!(batch);
    },
    onStep: ({ epoch, step }) => void told.push(`step ${epoch} ${step}`),
    onBest: async (evaluation, epoch) => {
      told.push(`best ${epoch.epoch}`);
      assertEquals(evaluation.map, epoch.score!.map);
      await drawn.onBest!(evaluation, epoch);
    },
    onEpoch: ({ epoch }) => void told.push(`epoch ${epoch}`),
  });
  for (const line of told.filter((one) => one.startsWith("step"))) {
    assert(told.indexOf(line.replace("step", "batch")) < told.indexOf(line), told.join());
  }
  assertEquals(told.filter((one) => one.startsWith("batch")).length, 4);
  const best: number[] = [];
  for (const { epoch, score } of run.epochs) {
    if (best.every((before) => run.epochs[before].score!.map < score!.map)) best.push(epoch);
  }
  assertEquals(told.filter((one) => one.startsWith("best")), best.map((epoch) => `best ${epoch}`));
  assert(told.indexOf("best 0") < told.indexOf("epoch 0"));
  const files = [
    "batch-1.jpg",
    "batch-2.jpg",
    "best.ckpt",
    "best.onnx",
    "confidence.svg",
    "confusion.svg",
    "labels.svg",
  ];
  const others = ["last.ckpt", "log.jsonl", "precision-recall.svg", "results.csv", "validation.jpg"];
  assertEquals([...store.files.keys()].sort(), [...files, ...others]);
  const note = readSvg(new TextDecoder().decode(store.files.get("confusion.svg"))).getAttribute("aria-label")!;
  assert(note.includes(`epoch ${best.at(-1)! + 1}`), note);
});
