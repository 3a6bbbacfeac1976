/**
 * What the input of training costs: milliseconds a picture for decoding, for making it ready, for one augmented input of it, and for whole
 * batches with and without workers.
 *
 * `deno run -A bench/input.ts [FOLDER]`: the `train` split of a data set in a folder, else of the synthetic scenes. Batches are counted in
 * CPU time too (Linux), which others that compute at the same time disturb less.
 *
 * @module
 */

import { openDataset } from "../src/data/open.ts";
import { syntheticDataset } from "../src/data/synthetic_scenes.ts";
import { openTrainingBatches } from "../src/data/augment/batches.ts";
import { DEFAULT_AUGMENTATION } from "../src/data/augment/options.ts";
import { renderSample } from "../src/data/augment/render.ts";
import { drawSample, randomAt } from "../src/data/augment/sample.ts";
import { type Source, sourceOf } from "../src/data/augment/source.ts";

const PICTURES = 64;
const SAMPLES = 400;
const BATCH = 16;
const BATCHES = 40;

const folder = Deno.args[0];
const opened = folder === undefined
  ? syntheticDataset({ split: "train", count: PICTURES, size: [640, 480] })
  : await openDataset(folder, { split: "train" });
const dataset = { ...opened, images: opened.images.slice(0, PICTURES) };

/** Minimum, median and 90th percentile. */
function spread(times: number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))].toFixed(2);
  return `min ${at(0)}  median ${at(0.5)}  p90 ${at(0.9)} ms`;
}

async function timed<T>(run: () => T | Promise<T>, times: number[]): Promise<T> {
  const started = performance.now();
  const result = await run();
  times.push(performance.now() - started);
  return result;
}

/** Milliseconds that this process has computed, on all threads; undefined where the system does not tell. */
function cpuTime(): number | undefined {
  try {
    const fields = Deno.readTextFileSync("/proc/self/stat").split(") ")[1].split(" ");
    // In hundredths of a second.
    return 10 * (Number(fields[11]) + Number(fields[12]));
  } catch {
    return undefined;
  }
}

const decoding: number[] = [];
const pixels = [];
for (const image of dataset.images) pixels.push(await timed(() => image.load(), decoding));
console.log(`${dataset.name}, ${pixels.length} pictures; one thread`);
console.log(`decode (or paint)              ${spread(decoding)}`);

for (const side of [256, 640]) {
  const input = [side, side] as const;
  const preparing: number[] = [];
  const sources: Source[] = [];
  for (const image of pixels) sources.push(await timed(() => sourceOf(image, input, true), preparing));
  console.log(`${side} ready for sampling, once      ${spread(preparing)}`);
  const out = new Float32Array(3 * side * side);
  const variants = {
    "mosaic, geometry, colours": DEFAULT_AUGMENTATION,
    "without mosaic           ": { ...DEFAULT_AUGMENTATION, mosaic: 0 },
    "without colours          ": { ...DEFAULT_AUGMENTATION, hue: 0, saturation: 0, value: 0 },
  };
  for (const [name, options] of Object.entries(variants)) {
    const times: number[] = [];
    for (let i = 0; i < SAMPLES; i++) {
      await timed(() => {
        const partners = (random: { integer(count: number): number }) => {
          return [0, 1, 2].map(() => random.integer(sources.length));
        };
        const sample = drawSample(dataset.images, i % sources.length, partners, input, options, randomAt(1, 0, i));
        renderSample(out, sample, (picture) => sources[picture], input);
      }, times);
    }
    console.log(`${side} ${name}  ${spread(times)}`);
  }
  for (const workers of [0, 1, 2]) {
    const options = { size: input, batch: BATCH, boxes: 100, epochs: 1000, workers };
    let count = 0, started = 0, cpu: number | undefined;
    for await (const _ of openTrainingBatches(dataset, options)) {
      // By then every picture is decoded.
      if (++count === 10) [started, cpu] = [performance.now(), cpuTime()];
      if (count === 10 + BATCHES) break;
    }
    const each = (milliseconds: number) => (milliseconds / BATCHES / BATCH).toFixed(2);
    const wall = each(performance.now() - started);
    const used = cpu === undefined ? "" : `, ${each(cpuTime()! - cpu)} ms of CPU`;
    console.log(`${side} batches of ${BATCH}, ${workers} workers: ${wall} ms a picture${used}`);
  }
}
