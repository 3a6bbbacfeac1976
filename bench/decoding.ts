/**
 * What it costs that pictures are decoded in a worker, where they can be given up: one file after the other and in a stream, in turn with
 * decoding in the calling thread.
 *
 * `deno run -A bench/decoding.ts --out bench/results/decoding.json [--rounds 10]`
 *
 * Files are JPEGs of 640x480. The stream is of the demo detector at 64x64, so that the network takes next to nothing. On one processor
 * (`taskset -c 1`) both threads take from the same time; with more, decoding is beside the other work.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { syntheticPicture } from "../src/data/synthetic.ts";
import { Detector } from "../src/detect/detector.ts";
import { runRounds, summarize, timed } from "../src/eval/latency.ts";
import { ratioInRounds } from "../src/eval/time_ratio.ts";
import { adapterOf } from "../src/gpu/adapter.ts";
import { openDevice } from "../src/gpu/device.ts";
import { writeWhole } from "../src/host/whole_file.ts";
import { decodeImage } from "../src/image/codec/decode.ts";
import { DECODE_TIMEOUT } from "../src/image/codec/decode_there.ts";
import { encodeJpeg } from "../src/image/codec/encode.ts";
import { demoDetector } from "../src/models/demo_detector.ts";

const { values: { out, rounds } } = parseArgs({
  options: { out: { type: "string" }, rounds: { type: "string", default: "10" } },
});

const FILES = 20, WIDTH = 640, HEIGHT = 480;

const device = await openDevice();
const files = await Promise.all(
  Array.from(
    { length: FILES },
    (_, seed) => encodeJpeg(syntheticPicture({ seed, width: WIDTH, height: HEIGHT }).image),
  ),
);

/** Milliseconds a file of a stream through a detector with this limit. */
async function streamer(decodeTimeout: number): Promise<() => Promise<number>> {
  const detector = await Detector.load(demoDetector({ size: 64 }), { device: device.device, decodeTimeout });
  return async () => (await timed(() => Array.fromAsync(detector.stream(files)))).milliseconds / FILES;
}

/** Milliseconds a file of decoding one after the other. */
const decoder = (timeout: number) => async () => {
  const { milliseconds } = await timed(async () => {
    for (const file of files) await decodeImage(file, "file", { timeout });
  });
  return milliseconds / FILES;
};

const works = {
  decode: [decoder(Infinity), decoder(DECODE_TIMEOUT)],
  stream: [await streamer(Infinity), await streamer(DECODE_TIMEOUT)],
};

const record = {
  ...{ date: new Date().toISOString(), adapter: adapterOf(device.device).name, width: WIDTH, height: HEIGHT },
  results: {} as Record<string, object>,
};
for (const [name, contestants] of Object.entries(works)) {
  const [here, there] = await runRounds(contestants, Number(rounds), 2);
  const { median: ratio, interval = [ratio, ratio] } = ratioInRounds(there, here);
  const result = { here: summarize(here), there: summarize(there), ratio, interval };
  record.results[name] = result;
  const text = (value: number) => value.toFixed(2);
  console.log(
    `${name}: ${text(result.here.median)} ms a file here, ${text(result.there.median)} in a worker, ` +
      `ratio ${text(ratio)} (${interval.map(text).join(" to ")})`,
  );
}
if (out !== undefined) await writeWhole(out, `${JSON.stringify(record, null, 2)}\n`);
Deno.exit();
