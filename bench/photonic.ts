/**
 * What detectors are worth on analog photonic arrays: mAP against bits, light and array, and what noise-aware training recovers.
 *
 * `deno run -A bench/photonic.ts [--model bccd] [--data bccd] [--limit N] [--size S] [--only bits,light] [--array albireo]`
 * `deno run -A bench/photonic.ts --train --model bccd-pruned --size 256 --epochs 2 --detected 8`
 * `deno run -A bench/photonic.ts --draw`
 *
 * Each line is kept in `bench/results/photonic.json` as soon as it is measured, and is not measured again: a run that is stopped goes on.
 * The first form draws `data/results/codesign/photonic.svg`. With `--train` the model is trained twice with the same steps, as it is and
 * behind the array, and both are evaluated in floats and on the array, over two seeds of the noise.
 *
 * @module
 */

import { parseArgs } from "node:util";
import type { AnalogCalibration } from "../src/compress/analog/mod.ts";
import type { Dataset } from "../src/data/dataset.ts";
import { openDataset } from "../src/data/open.ts";
import { openSharedDevice } from "../src/gpu/device.ts";
import type { Graph } from "../src/graph/mod.ts";
import { electronsOf, findPhotonic, PHOTONIC_PROFILES, photonicNoise } from "../src/hardware/photonic/array.ts";
import { loadModel } from "../src/host/models.ts";
import { writeWhole } from "../src/host/whole_file.ts";
import {
  analogScore,
  type AnalogSetting,
  analogTraining,
  bitsOf,
  calibrateOn,
  scoreOf,
} from "../src/recipes/photonic.ts";
import { trainModel } from "../src/recipes/starting_model.ts";
import { train } from "../src/recipes/train_detector.ts";
import { drawPareto, type ParetoPoint } from "../src/report/plot/pareto.ts";

const { values: given } = parseArgs({
  options: {
    model: { type: "string", default: "bccd" },
    data: { type: "string", default: "bccd" },
    size: { type: "string" },
    limit: { type: "string" },
    array: { type: "string", default: "albireo" },
    only: { type: "string", default: "float,bits,light,arrays" },
    train: { type: "boolean", default: false },
    epochs: { type: "string", default: "2" },
    how: { type: "string", default: "plain,behind the array" },
    lr: { type: "string", default: "2e-4" },
    mosaic: { type: "string", default: "1" },
    pictures: { type: "string" },
    detected: { type: "string" },
    draw: { type: "boolean", default: false },
    record: { type: "string", default: new URL("./results/photonic.json", import.meta.url).pathname },
  },
});
const RECORD = given.record;
const PLOT = new URL("../data/results/codesign/photonic.svg", import.meta.url).pathname;

/** A line of the record. */
interface Line {
  readonly model: string;
  readonly size: number;
  readonly pictures: number;
  /** What is varied. */
  readonly part: string;
  readonly label: string;
  /** Microwatts, or bits, where a number is varied. */
  readonly x?: number;
  readonly map50: number;
  readonly map: number;
  readonly seed?: number;
  readonly date: string;
  readonly adapter: string;
}

async function readLines(): Promise<Line[]> {
  try {
    return JSON.parse(await Deno.readTextFile(RECORD)).lines;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

const lines = await readLines();
const isSame = (a: Partial<Line>, b: Line) =>
  (["model", "size", "pictures", "part", "label", "seed"] as const).every((name) => a[name] === b[name]);

/** Measures a line unless it is there. */
async function measure(
  line: Omit<Line, "map" | "map50" | "date" | "adapter">,
  of: () => Promise<{ map: number; map50: number }>,
) {
  if (lines.some((one) => isSame(line, one))) return;
  const { adapter } = await openSharedDevice();
  const { map, map50 } = await of();
  lines.push({ ...line, map50, map, date: new Date().toISOString(), adapter: adapter.name });
  await writeWhole(RECORD, `${JSON.stringify({ lines }, null, 1)}\n`);
  console.log(
    `${line.part} ${line.label} seed ${line.seed ?? "-"}: mAP50 ${map50.toFixed(4)}, mAP50-95 ${map.toFixed(4)}`,
  );
}

const array = findPhotonic(given.array);
const detected = given.detected === undefined ? array.detectedMicrowatts : Number(given.detected);

/** Bits of the sweep, the same of inputs, weights and sums. */
const BITS = [8, 6, 5, 4];
/** Light of a product at its detector in microwatts, and where receivers have no noise. */
const LIGHT = [20, 80, 5, 320], SHOT_ALONE = [1.28, 5.12, 0.32];

async function sweep(model: string, graph: Graph, calibration: AnalogCalibration, dataset: Dataset): Promise<void> {
  const only = new Set(given.only.split(","));
  const what = { model, size: graph.inputs[0].shape[2], pictures: dataset.images.length };
  const on = (setting: AnalogSetting) => () => analogScore(graph, calibration, dataset, setting);
  if (only.has("float")) await measure({ ...what, part: "float", label: "f32" }, () => scoreOf(graph, dataset));
  if (only.has("light")) {
    for (const microwatts of LIGHT) {
      const noise = photonicNoise({ ...array, detectedMicrowatts: microwatts }), seed = 1;
      const label = `${array.name}, ${microwatts} uW`;
      await measure({ ...what, part: "light", label, x: microwatts, seed }, on({ bits: bitsOf(array), noise, seed }));
    }
    // The limit: light without the noise of receivers.
    for (const microwatts of SHOT_ALONE) {
      const dim = { ...array, detectedMicrowatts: microwatts }, seed = 1;
      const label = `${microwatts} uW, ${electronsOf(dim).toPrecision(2)} electrons a product`;
      const noise = { ...photonicNoise(dim), thermal: 0 };
      await measure(
        { ...what, part: "shot noise alone", label, x: microwatts, seed },
        on({ bits: bitsOf(array), noise, seed }),
      );
    }
  }
  if (only.has("bits")) {
    for (const bits of BITS) {
      const noise = { shot: 0, thermal: 0, rows: array.rows };
      const setting = { bits: { inputs: bits, weights: bits, outputs: bits }, noise };
      await measure({ ...what, part: "bits", label: `${bits} bits`, x: bits }, on(setting));
    }
  }
  if (only.has("arrays")) {
    for (const { name } of PHOTONIC_PROFILES) {
      // Its light is a part of the sweep.
      if (name === array.name) continue;
      const one = findPhotonic(name), seed = 1;
      const setting = { bits: bitsOf(one), noise: photonicNoise(one), seed };
      await measure({ ...what, part: "arrays", label: name, seed }, on(setting));
    }
  }
}

/** Trains as the model is and behind the array, with the same steps, and evaluates both. */
async function fineTune(dataset: Dataset): Promise<void> {
  const size = Number(given.size ?? 256), epochs = Number(given.epochs);
  const pictures = await openDataset(given.data, {
    split: "train",
    limit: given.pictures === undefined ? undefined : Number(given.pictures),
  });
  const noise = photonicNoise({ ...array, detectedMicrowatts: detected }), bits = bitsOf(array);
  const evaluateBoth = async (how: string, graph: Graph) => {
    const calibration = await calibrateOn(graph, pictures);
    const what = { model: given.model, size, pictures: dataset.images.length, part: `trained, ${detected} uW` };
    await measure({ ...what, label: `${how}, in floats` }, () => scoreOf(graph, dataset));
    for (const seed of [1, 2]) {
      await measure(
        { ...what, label: how, seed },
        () => analogScore(graph, calibration, dataset, { bits, noise, seed }),
      );
    }
  };
  if (given.how.includes("plain")) await evaluateBoth("before", await loadModel(given.model, { size }));
  for (const how of given.how.split(",")) {
    const model = await trainModel({ model: given.model, size, seed: 0 }, pictures, console.log);
    const variants = how === "plain" ? [] : [await analogTraining(model, pictures, { bits, noise, seed: 7 })];
    const started = performance.now();
    const result = await train(model, pictures, {
      ...{
        epochs,
        batch: 8,
        seed: 0,
        variants,
        warmupEpochs: 0.25,
        learningRate: Number(given.lr),
        optimizer: "adamw",
        workers: 1,
      },
      augment: { mosaic: Number(given.mosaic) },
      onStep: ({ step, imagesPerSecond }) => {
        if (step % 10 === 0) console.log(`${how}: step ${step}, ${imagesPerSecond.toFixed(1)} pictures/s`);
      },
    });
    console.log(`${how}: ${epochs} epochs in ${((performance.now() - started) / 1000).toFixed(0)} s`);
    await evaluateBoth(`${how}, ${epochs} epochs, rate ${given.lr}`, result.model);
  }
}

function draw(): string {
  const titles = new Map([["light", "shot noise and receivers"], ["shot noise alone", "shot noise alone, the limit"]]);
  const points = lines.flatMap(({ model, part, label, x, map50 }): ParetoPoint[] => {
    const group = titles.get(part);
    if (group === undefined || x === undefined || model !== given.model) return [];
    return [{ label: part === "light" ? "" : label, group, x, y: map50, kind: "measured" }];
  });
  return drawPareto(points, {
    title: `${given.model} on ${array.name}: mAP50 against light`,
    subtitle: `noise injected into inference on this engine, converters of ${array.inputBits} bits, 72 pictures`,
    xLabel: "light of a product at its detector (uW)",
    yLabel: "mAP50",
    lines: [...titles.values()],
    front: false,
    log: true,
  });
}

if (!given.draw) {
  const limit = given.limit === undefined ? undefined : Number(given.limit);
  const dataset = await openDataset(given.data, { split: "test", limit });
  if (given.train) await fineTune(dataset);
  else {
    const graph = await loadModel(given.model, { size: given.size === undefined ? undefined : Number(given.size) });
    await sweep(
      given.model,
      graph,
      await calibrateOn(graph, await openDataset(given.data, { split: "train" })),
      dataset,
    );
  }
}
if (!given.train) {
  await writeWhole(PLOT, draw());
  console.log(`written: ${PLOT}`);
}
