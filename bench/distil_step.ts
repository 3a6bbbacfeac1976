/**
 * What a teacher costs: images a second of a training step without one, with one in f32 or int8 within the step, and with what one has
 * said read from disk, in turn.
 *
 * `deno run -A bench/distil_step.ts [--width 0.125] [--size 256] [--batch 8] [--teacher-width 0.25] [--losses logits,dfl,cwd] [--steps 5]`
 *
 * Student and teacher are YOLO11 with random weights; the numbers in them do not change what a step costs. Every step from disk reads,
 * checks and converts a file of a temporary folder, as a run with `--teacher-views` does. Prints a table.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { type DatasetBatch, openTrainingBatches } from "../src/data/augment/mod.ts";
import { withoutLabels } from "../src/data/pictures.ts";
import { syntheticDataset } from "../src/data/synthetic_scenes.ts";
import { folderStore } from "../src/host/run_folder.ts";
import { withBatch } from "../src/passes/mod.ts";
import { keepViews, type KeptViews, sizeText, withKept } from "../src/recipes/distill/kept_views.ts";
import { DISTIL_LOSS_NAMES, type DistilLossName } from "../src/compress/distill/mod.ts";
import { quantize } from "../src/compress/quantize/mod.ts";
import { createSessionRunner } from "../src/engine/session_runner.ts";
import { interleave, summarize } from "../src/eval/latency.ts";
import { adapterText } from "../src/gpu/device.ts";
import type { Graph } from "../src/graph/mod.ts";
import { yolo11 } from "../src/models/yolo11.ts";
import { Random } from "../src/numbers/random.ts";
import { createTrainer } from "../src/recipes/detection_trainer.ts";
import { USUAL_LOSSES } from "../src/recipes/distill/teacher.ts";
import type { UpdateSettings } from "../src/train/loop/trainer.ts";
import { distilled, PLAIN, type TrainingVariant } from "../src/train/mod.ts";

const { values } = parseArgs({
  options: {
    width: { type: "string", default: "0.125" },
    "teacher-width": { type: "string", default: "0.25" },
    size: { type: "string", default: "256" },
    batch: { type: "string", default: "8" },
    classes: { type: "string", default: "3" },
    steps: { type: "string", default: "5" },
    losses: { type: "string" },
  },
});
const [width, wide, size, batch, classes, steps] =
  (["width", "teacher-width", "size", "batch", "classes", "steps"] as const).map((name) => Number(values[name]));
const losses = values.losses === undefined ? USUAL_LOSSES : values.losses.split(",").map((name) => {
  if (!(DISTIL_LOSS_NAMES as readonly string[]).includes(name)) throw new Error(`there is no loss "${name}"`);
  return { loss: name as DistilLossName };
});

const boxes = 64;
const random = new Random(1);
const images = Float32Array.from({ length: batch * 3 * size * size }, () => random.uniform(0, 1));
const truth = new Float32Array(batch * boxes * 5).fill(-1);
for (let n = 0; n < batch; n++) {
  for (let m = 0; m < 12; m++) {
    const [x, y] = [random.uniform(0, 0.8 * size), random.uniform(0, 0.8 * size)];
    truth.set([m % classes, x, y, x + 0.15 * size, y + 0.15 * size], (n * boxes + m) * 5);
  }
}
const settings: UpdateSettings = {
  learningRates: { weight: 1e-3, bias: 1e-3, norm: 1e-3 },
  momentum: 0.9,
  weightDecay: 5e-4,
  averageDecay: 0.99,
  clipNorm: 10,
};

/** The teacher in int8, its ranges those of one of the pictures. */
async function inBytes(teacher: Graph): Promise<Graph> {
  const runner = createSessionRunner();
  const inputs = { images: { shape: [1, 3, size, size], data: images.slice(0, 3 * size * size) } };
  try {
    return (await quantize(teacher, [{ name: "noise", inputs }], { runner })).graph;
  } finally {
    runner.destroy();
  }
}

const teacher = yolo11({ width: wide, size, batch: 1, classes, seed: 2 });
const apart = distilled(teacher, { losses, apart: true });
const ways: [string, TrainingVariant][] = [
  ["no teacher", PLAIN],
  ["teacher in f32", distilled(teacher, { losses })],
  ["teacher in int8", distilled(await inBytes(teacher), { losses })],
  ["from disk, kept in f16", apart],
  ["from disk, kept in f32", apart],
];
const model = yolo11({ width, size, batch, classes });

/** What the teacher says of a batch of scenes, on disk, and what feeds it to a step; the time of looking at the batch once. */
async function onDisk(precision: KeptViews["precision"]) {
  const scenes = syntheticDataset({ split: "train", count: batch, size });
  const dataset = withoutLabels(scenes, scenes.classes);
  const batches = openTrainingBatches(dataset, {
    ...{ size: [size, size], batch, boxes, epochs: 1, views: 1, closeMosaic: 0, workers: 0 },
  });
  const folder = await Deno.makeTempDir({ prefix: "featherdet-views-" });
  const kept = {
    ...{ batches, precision, images: model.inputs[0].name, key: {}, store: await folderStore(folder) },
    fed: apart.fed!(withBatch(model, batch)),
  };
  let bytes = 0;
  await keepViews(kept, { onStart: (told) => bytes = told.bytes });
  const reads = readsOf(kept, await Array.fromAsync(batches.readAt(batches.views)));
  return { bytes, read: reads, remove: () => Deno.remove(folder, { recursive: true }) };
}

/** Feeds the one batch again and again, rendered once: only what is read counts. */
function readsOf(kept: KeptViews, [shown]: readonly DatasetBatch[]) {
  const again = {
    stepsPerEpoch: 1,
    async *read() {
      yield shown;
    },
  } as unknown as KeptViews["batches"];
  const source = withKept({ ...kept, batches: again });
  return async () => {
    for await (const { fed } of source.read({ epoch: 0, step: 0 })) return fed;
  };
}

const disks = [await onDisk("f16"), await onDisk("f32")];
const fedTo = ways.map(([name]) => name.startsWith("from disk") ? disks[name.endsWith("f16") ? 0 : 1].read : undefined);
const trainers = [];
for (const [, variant] of ways) trainers.push(await createTrainer(model, { boxes, variant }));
const times = await interleave(
  trainers.map((trainer, way) => ({
    work: async () => trainer.step({ images, boxes: truth, fed: await fedTo[way]?.() }, settings),
  })),
  steps,
);
const [{ session: { device: { adapter } } }] = trainers;
console.log(
  `${adapterText(adapter)}: yolo11 ${width} taught by ${wide} with ${
    losses.map(({ loss }) => loss).join(", ")
  }, ${size} px, batch ${batch}, ${steps} rounds`,
);
console.table(trainers.map(({ session }, way) => {
  const { median, min } = summarize(times[way]);
  // Within a round, so that what disturbs the machine meets both.
  const ratios = summarize(times[way].map((time, round) => time / times[0][round]));
  return {
    step: ways[way][0],
    milliseconds: +median.toFixed(0),
    least: +min.toFixed(0),
    "images/s": +(1e3 * batch / median).toFixed(2),
    "of a step without": +ratios.median.toFixed(2),
    dispatches: session.plan.dispatches.length,
    "activations, MB": +(session.plan.memory.planned / 1e6).toFixed(1),
  };
}));
console.log(`a batch on disk: ${disks.map(({ bytes }) => sizeText(bytes)).join(" in f16, ")} in f32`);
for (const trainer of trainers) trainer.destroy();
for (const { remove } of disks) await remove();
