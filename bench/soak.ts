/**
 * Very many frames of the demo detector in a row, a part of them broken: order, names of the broken ones, memory.
 *
 * `deno run -A --v8-flags=--max-semi-space-size=2 bench/soak.ts [--frames 100000] [--size 64] [--broken 0.01] [--seed 1]
 * [--out bench/results/soak.json]`
 *
 * Every frame is a file that is decoded anew, one of a pool in a seeded random order. Blocks of frames take turns: in one the source
 * decodes and leaves out what is broken, as `detect` does; in the other the stream gets the files, ends at a broken one with the error
 * that names it, and a new stream goes on behind it. Each result is compared with that of the picture alone. Resident memory is sampled
 * throughout; the slope is that of the means of ten equal parts, the first tenth of the run left out, with the 95 % interval of the
 * regression. The flag bounds V8's young generation, which otherwise doubles now and then in each thread, up to two halves of 32 MiB, and
 * resident memory with it; its size is sampled too. The record is written anew after every hundredth, and at Ctrl-C, so that it says how
 * far the run came.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { getHeapSpaceStatistics } from "node:v8";
import { linearRegression, mean } from "npm:simple-statistics@7.12.1";
import { syntheticPicture } from "../src/data/synthetic.ts";
import { Detector } from "../src/detect/detector.ts";
import { liveResources } from "../src/gpu/memory.ts";
import { FeatherdetError } from "../src/graph/error.ts";
import { writeWholeIn } from "../src/data/whole_file.ts";
import { decodeImage } from "../src/image/codec/decode.ts";
import { encodeJpeg, encodePng } from "../src/image/codec/encode.ts";
import { demoDetector } from "../src/models/demo_detector.ts";
import { Random } from "../src/numbers/random.ts";
import { recordHeader } from "../src/recipes/bench/record.ts";

/** Good pictures in the pool, no two with equal results. */
const GOOD = 24;

/** Frames of a block. */
const BLOCK = 250;

/** Parts of the run whose means the slope is fitted to. */
const PARTS = 10;

/** 97.5 % quantile of Student's t with `PARTS - 2` degrees of freedom. */
const STUDENT = 2.306;

/** A file of the pool: what the detector finds on it, or the beginning of the error. */
interface PoolFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly found?: string;
}

/** A look at the memory. */
interface Sample {
  readonly frame: number;
  readonly resident: number;
  readonly heap: number;
  /** Bytes that V8 holds for young objects in this thread, both halves. */
  readonly young: number;
  readonly gpu: number;
}

/** Slope over frames with the ends of its interval, in bytes a frame. */
interface Slope {
  readonly slope: number;
  readonly interval: readonly [low: number, high: number];
}

/** Pictures of several sizes and formats on which the detector finds something, each something else. */
async function goodFiles(detector: Detector, size: number): Promise<PoolFile[]> {
  const files: PoolFile[] = [];
  const seen = new Set<string>();
  for (let seed = 0; files.length < GOOD; seed++) {
    const [width, height] = [size + (seed % 3) * 9, size + (seed % 4) * 7];
    const { image } = syntheticPicture({ seed, width, height, objects: 3, sizes: [size / 4, size / 2.5] });
    const bytes = seed % 2 === 0 ? await encodeJpeg(image) : await encodePng(image);
    const found = JSON.stringify(await detector.detect(bytes, "pool"));
    if (found === "[]" || seen.has(found)) continue;
    seen.add(found);
    files.push({ bytes, found });
  }
  return files;
}

/** Files that cannot be decoded, each in another way. */
function brokenFiles([{ bytes: jpeg }, { bytes: png }]: readonly PoolFile[]): PoolFile[] {
  const damaged = (bytes: Uint8Array<ArrayBuffer>, at: number) => {
    const copy = bytes.slice();
    copy.fill(0x55, at, at + 60);
    return copy;
  };
  return [
    ...[new Uint8Array(0), new TextEncoder().encode("no picture at all")],
    ...[jpeg.slice(0, jpeg.length / 2), png.slice(0, png.length / 2)],
    ...[damaged(png, 60), damaged(jpeg, 2)],
  ].map((bytes) => ({ bytes }));
}

/** A frame by its place in the run: a seeded choice, the same however it is asked for. */
function frameOf(index: number, seed: number, share: number, good: readonly PoolFile[], broken: readonly PoolFile[]) {
  const random = new Random(Math.imul(seed, 0x9e3779b1) ^ index);
  return random.next() < share ? random.pick(broken) : random.pick(good);
}

function slopeOf(samples: readonly Sample[], of: (sample: Sample) => number): Slope | undefined {
  const settled = samples.slice(Math.ceil(samples.length / PARTS));
  if (settled.length < 2 * PARTS) return undefined;
  const points = Array.from({ length: PARTS }, (_, part) => {
    const piece = settled.slice(part * settled.length / PARTS, (part + 1) * settled.length / PARTS);
    return [mean(piece.map(({ frame }) => frame)), mean(piece.map(of))];
  });
  const { m, b } = linearRegression(points);
  const middle = mean(points.map(([x]) => x));
  const spread = points.reduce((sum, [x]) => sum + (x - middle) ** 2, 0);
  const rest = points.reduce((sum, [x, y]) => sum + (y - m * x - b) ** 2, 0);
  const half = STUDENT * Math.sqrt(rest / (PARTS - 2) / spread);
  return { slope: m, interval: [m - half, m + half] };
}

const { values } = parseArgs({
  options: {
    frames: { type: "string", default: "100000" },
    size: { type: "string", default: "64" },
    broken: { type: "string", default: "0.01" },
    seed: { type: "string", default: "1" },
    out: { type: "string" },
  },
});
const [frames, size, share, seed] = [values.frames, values.size, values.broken, values.seed].map(Number);

const before = liveResources();
const detector = await Detector.load(demoDetector({ size }), { inputSize: size });
const good = await goodFiles(detector, size);
const broken = brokenFiles(good);
const header = await recordHeader(detector.device.adapter, `${GOOD} synthetic pictures of about ${size}x${size}`);
const live = liveResources();

const samples: Sample[] = [];
const every = Math.max(1, Math.floor(frames / 500));
let done = 0, named = 0, expectedBroken = 0, interrupted = false;
const faults: string[] = [];
const nameOf = (index: number) => `frame-${index}.jpg`;

const youngBytes = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space")!.space_size;

/** Counts a frame that is finished, and looks at the memory now and then. */
function finish(): void {
  done++;
  if (done % every !== 0) return;
  const { rss, heapUsed } = Deno.memoryUsage();
  samples.push({ frame: done, resident: rss, heap: heapUsed, young: youngBytes(), gpu: liveResources() });
}

const fileAt = (index: number) => frameOf(index, seed, share, good, broken);

function expect(index: number, found: string): void {
  if (found !== fileAt(index).found) faults.push(`frame ${index} has other results`);
  finish();
}

/** A refusal has to be of a broken file, and to name it. */
function expectRefusal(index: number, error: unknown, name: string): void {
  if (!(error instanceof FeatherdetError)) throw error;
  if (fileAt(index).found !== undefined) faults.push(`frame ${index} is refused: ${error.message}`);
  else if (!error.message.startsWith(`${name}: `)) faults.push(`frame ${index} is not named: ${error.message}`);
  else named++;
  finish();
}

/** The source decodes; what is broken never reaches the stream. */
async function leavingOut(first: number, last: number): Promise<void> {
  const taken: number[] = [];
  const refused = new Map<number, unknown>();
  async function* pictures() {
    for (let index = first; index < last; index++) {
      try {
        const image = await decodeImage(fileAt(index).bytes, nameOf(index), { strict: true });
        taken.push(index);
        yield image;
      } catch (error) {
        refused.set(index, error);
      }
    }
  }
  for await (const found of detector.stream(pictures())) expect(taken.shift()!, JSON.stringify(found));
  if (taken.length > 0) faults.push(`${taken.length} frames before ${last} have no result`);
  for (const [index, error] of refused) expectRefusal(index, error, nameOf(index));
}

/** The stream decodes, ends at a broken one, and is begun again behind it. */
async function beginningAgain(first: number, last: number): Promise<void> {
  for (let index = first; index < last;) {
    const start = index;
    try {
      const files = Array.from({ length: last - start }, (_, i) => fileAt(start + i).bytes);
      for await (const found of detector.stream(files)) expect(index++, JSON.stringify(found));
    } catch (error) {
      expectRefusal(index, error, `picture ${index - start + 1}`);
      index++;
    }
  }
}

const started = performance.now();

function record() {
  const seconds = (performance.now() - started) / 1000;
  const end = samples.at(-1);
  return {
    ...header,
    ...{ frames, done, size, share, seed, blocks: BLOCK, seconds, framesPerSecond: done / seconds },
    ...{ broken: expectedBroken, named, faults: faults.length, firstFaults: faults.slice(0, 20) },
    memory: {
      ...{ first: samples[Math.ceil(samples.length / PARTS)], last: end },
      ...{ resident: slopeOf(samples, (one) => one.resident), heap: slopeOf(samples, (one) => one.heap) },
      mostYoung: samples.reduce((most, { young }) => Math.max(most, young), 0),
    },
    resources: { before, live, now: liveResources() },
    samples: samples.map(({ frame, resident, heap, young }) => [frame, resident, heap, young]),
  };
}

const keep = async () => {
  if (values.out !== undefined) await writeWholeIn(values.out, `${JSON.stringify(record())}\n`);
};
const stop = () => interrupted = true;
Deno.addSignalListener("SIGINT", stop);

let shown = 0;
for (let first = 0, block = 0; first < frames && !interrupted; first += BLOCK, block++) {
  const last = Math.min(frames, first + BLOCK);
  for (let index = first; index < last; index++) if (fileAt(index).found === undefined) expectedBroken++;
  await (block % 2 === 0 ? leavingOut : beginningAgain)(first, last);
  const now = Math.floor(100 * done / frames);
  if (now === shown) continue;
  shown = now;
  const resident = (samples.at(-1)?.resident ?? 0) / 1e6;
  console.error(`${done} frames, ${named} broken ones named, ${faults.length} faults, ${resident.toFixed(0)} MB`);
  await keep();
}
Deno.removeSignalListener("SIGINT", stop);
detector.destroy();

const megabytes = ({ slope, interval }: Slope) =>
  `${(slope / 10).toFixed(2)} MB in 100,000 frames (${interval.map((end) => (end / 10).toFixed(2)).join(" to ")})`;
const { memory, resources, seconds } = record();
console.log(`${done} of ${frames} frames in ${seconds.toFixed(0)} s, ${(done / seconds).toFixed(1)} a second`);
console.log(
  `${expectedBroken} broken, ${named} named; ${faults.length} faults${faults.length > 0 ? `: ${faults[0]}` : ""}`,
);
if (memory.resident) console.log(`resident memory grows by ${megabytes(memory.resident)}`);
if (memory.heap) console.log(`the heap grows by ${megabytes(memory.heap)}`);
console.log(`V8's young generation has ${(memory.mostYoung / 2 ** 20).toFixed(1)} MiB at most`);
console.log(
  `GPU buffers and textures: ${resources.before}, ${resources.live} with the detector, ${resources.now} behind it`,
);
await keep();
Deno.exit(faults.length > 0 || named !== expectedBroken || resources.now !== before ? 1 : 0);
