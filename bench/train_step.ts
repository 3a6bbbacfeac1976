/**
 * Time of a training step of a detector, by what it is spent on: every dispatch by timestamps, and whole steps end to end.
 *
 * `deno run -A bench/train_step.ts [--width 0.25] [--size 256] [--batch 8] [--classes 3] [--precision f32] [--recompute] [--quantize ternary] [--start light] [--steps 5] [--rows]`
 *
 * Prints a table and keeps a record under `bench/results/`. `--rows` prints the dispatches that take longest.
 * `--peer PYTHON [--threads 2]` takes turns with the same step in PyTorch (`tests/fixtures/torch_train_step.py` says what it needs).
 *
 * @module
 */

import { adapterText } from "../src/gpu/device.ts";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { prepareQat } from "../src/compress/quantize/mod.ts";
import { createTrainer } from "../src/recipes/detection_trainer.ts";
import { Random } from "../src/numbers/random.ts";
import { interleave, summarize, timed } from "../src/eval/latency.ts";
import { yolo11 } from "../src/models/yolo11.ts";
import { torchStep } from "./torch_step.ts";
import { quantileSorted } from "npm:simple-statistics@7.12.1";
import type { DispatchTime } from "../src/engine/session.ts";
import type { UpdateSettings } from "../src/train/loop/trainer.ts";
import { writeWhole } from "../src/host/whole_file.ts";
import { recordHeader, recordName } from "../src/recipes/bench/record.ts";

const { values } = parseArgs({
  options: {
    width: { type: "string", default: "0.25" },
    size: { type: "string", default: "256" },
    batch: { type: "string", default: "8" },
    classes: { type: "string", default: "3" },
    boxes: { type: "string", default: "64" },
    precision: { type: "string", default: "f32" },
    storage: { type: "string" },
    steps: { type: "string", default: "5" },
    recompute: { type: "boolean", default: false },
    quantize: { type: "string" },
    start: { type: "string" },
    rows: { type: "boolean", default: false },
    peer: { type: "string" },
    threads: { type: "string", default: "2" },
    "no-save": { type: "boolean", default: false },
  },
});
const numbers = (["width", "size", "batch", "classes", "boxes", "steps"] as const).map((name) => Number(values[name]));
const [width, size, batch, classes, boxes, steps] = numbers;

/** Boxes in each picture, as many for the peer. */
const TRUE_BOXES = 12;

/** What a dispatch is for. */
function purposeOf({ name, operator, kernel }: DispatchTime): string {
  if (operator === "Optimizer") return "update";
  if (kernel.startsWith("pack weights")) return "pack weights";
  if (operator === "DetectionLoss") return "loss";
  if (operator.startsWith("FakeQuantize")) return "forward: rounding";
  const backward = name.startsWith("gradient/");
  if (operator.startsWith("ConvWeightGradient")) return "backward: weights of convolutions";
  if (name.startsWith("recompute/")) return "backward: activated maps again";
  if (operator.startsWith("ConvTranspose") && backward) return "backward: inputs of convolutions";
  if (operator.startsWith("Conv")) return "forward: convolutions";
  if (operator.startsWith("BatchNorm")) return `${backward ? "backward" : "forward"}: normalisation, activation`;
  if (operator === "ToPlain" || operator === "ToBlocked" || operator === "Copy") return "copies between layouts";
  return `${backward ? "backward" : "forward"}: everything else`;
}

const settings: UpdateSettings = {
  learningRates: { weight: 1e-3, bias: 1e-3, norm: 1e-3 },
  momentum: 0.9,
  weightDecay: 5e-4,
  averageDecay: 0.99,
  clipNorm: 10,
};

const BITS = { ternary: 2, binary: 1 } as const;
const { quantize } = values;
if (quantize !== undefined && !Object.hasOwn(BITS, quantize)) throw new Error("--quantize is ternary or binary");
const float = yolo11({ width, size, batch, classes });
const model = quantize === undefined ? float : prepareQat(float, { bits: BITS[quantize as keyof typeof BITS] }).graph;
const precision = values.precision as "f32" | "f16";
const { recompute } = values;
const storage = values.storage as "texture" | "buffer" | undefined;
const { start } = values;
if (start !== undefined && start !== "light" && start !== "full") throw new Error("--start is light or full");
const { value: trainer, milliseconds: created } = await timed(() =>
  createTrainer(model, { boxes, precision, storage, recompute, start })
);
const random = new Random(1);
const images = Float32Array.from({ length: batch * 3 * size * size }, () => random.uniform(0, 1));
const truth = new Float32Array(batch * boxes * 5).fill(-1);
for (let n = 0; n < batch; n++) {
  for (let m = 0; m < Math.min(TRUE_BOXES, boxes); m++) {
    const [x, y] = [random.uniform(0, 0.8 * size), random.uniform(0, 0.8 * size)];
    truth.set([m % classes, x, y, x + 0.15 * size, y + 0.15 * size], (n * boxes + m) * 5);
  }
}
const run = () => trainer.step({ images, boxes: truth }, settings);
const { milliseconds: first } = await timed(run);
const peer = values.peer === undefined ? undefined : await torchStep(
  values.peer,
  [
    width,
    size,
    batch,
    classes,
    TRUE_BOXES,
    Number(values.threads),
  ].map(String),
);
const [times, peerTimes] = await interleave(
  [{ work: run }, ...(peer === undefined ? [] : [{ work: peer.step }])],
  steps,
);
await peer?.end();
const step = summarize(times);
const ratios = peerTimes?.map((time, round) => time / times[round]).sort((a, b) => a - b);
const beside = peer && ratios && {
  peer: peer.versions,
  threads: Number(values.threads),
  step: summarize(peerTimes),
  imagesPerSecondOfPeer: [0.5, 0.25, 0.75].map((share) => quantileSorted(ratios, share)),
};
const profile = await trainer.session.profile(Math.min(steps, 5));

const total = profile.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
const groups = [...Map.groupBy(profile, purposeOf)].map(([purpose, rows]) => {
  const milliseconds = rows.reduce((sum, row) => sum + row.milliseconds, 0);
  const macs = rows.reduce((sum, row) => sum + row.macs, 0);
  const gflopsPerSecond = 2 * macs / milliseconds / 1e6;
  return { purpose, dispatches: rows.length, milliseconds, share: milliseconds / total, gflopsPerSecond };
}).sort((a, b) => b.milliseconds - a.milliseconds);
const { adapter } = trainer.session.device;
const { planned, lowerBound, naive } = trainer.session.plan.memory;
console.log(
  `${adapterText(adapter)}: yolo11 ${width} at ${size}, batch ${batch}, ${precision}${
    recompute ? ", recomputing" : ""
  }${quantize === undefined ? "" : `, ${quantize} weights`}`,
);
console.log(
  `a step ${step.median.toFixed(0)} ms (p90 ${step.p90.toFixed(0)}), ${
    (1e3 * batch / step.median).toFixed(2)
  } images/s; GPU ${total.toFixed(0)} ms in ${profile.length} dispatches; made in ${
    created.toFixed(0)
  } ms, first step ${first.toFixed(0)} ms; activations ${(planned / 1e6).toFixed(1)} MB (at least ${
    (lowerBound / 1e6).toFixed(1)
  }), ${(trainer.session.bytes / 1e6).toFixed(0)} MB in all`,
);
if (beside !== undefined) {
  const [median, low, high] = beside.imagesPerSecondOfPeer.map((ratio) => ratio.toFixed(2));
  console.log(
    `${beside.peer}, ${beside.threads} threads, in turn: a step ${
      beside.step.median.toFixed(0)
    } ms; ours has ${median} of its images/s (middle half of ${steps} pairs: ${low} to ${high})`,
  );
}
console.table(groups.map((group) => ({
  ...group,
  milliseconds: +group.milliseconds.toFixed(1),
  share: +group.share.toFixed(3),
  gflopsPerSecond: +group.gflopsPerSecond.toFixed(1),
})));
if (values.rows) {
  const longest = [...profile].sort((a, b) => b.milliseconds - a.milliseconds).slice(0, 60);
  console.table(longest.map(({ name, operator, kernel, milliseconds, macs }) => ({
    name: name.slice(-40),
    operator: operator.slice(0, 34),
    kernel,
    milliseconds: +milliseconds.toFixed(2),
    gflopsPerSecond: +(2 * macs / milliseconds / 1e6).toFixed(1),
  })));
}
if (!values["no-save"]) {
  const header = await recordHeader(adapter, "noise");
  const record = {
    ...header,
    kind: "train-step",
    model: {
      width,
      size,
      batch,
      classes,
      precision,
      recompute,
      ...(quantize && { quantize }),
      ...(start && { start }),
    },
    step,
    ...(beside && { beside }),
    imagesPerSecond: 1e3 * batch / step.median,
    gpuMilliseconds: total,
    memory: { planned, lowerBound, naive, total: trainer.session.bytes },
    groups,
  };
  const folder = new URL("results/", import.meta.url);
  const file = new URL(recordName(record).replace(/\.json$/, "-train-step.json"), folder);
  await writeWhole(fileURLToPath(file), `${JSON.stringify(record, null, 1)}\n`);
  console.log(`kept in ${file.pathname}`);
}
trainer.destroy();
