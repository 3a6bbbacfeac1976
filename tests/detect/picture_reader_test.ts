/** Limits of pictures that a detector is given as files: pixels, time, signals, and its own end. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Detector } from "../../src/detect/detector.ts";
import { PictureReader } from "../../src/detect/picture_reader.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { encodePng } from "../../src/image/codec/encode.ts";
import { type AskOptions, SideWorker } from "../../src/image/side_worker.ts";
import { replaceMethod } from "../support/faults/fault.ts";
import { colours, picture } from "../support/faults/gpu_operations.ts";
import { gpuTest } from "../support/gpu.ts";

const IMAGE = picture(0), FILE = await encodePng(IMAGE);

/** Runs with workers that never answer, and tells how they were asked. */
async function withHanging(run: (asked: AskOptions[]) => Promise<void>): Promise<void> {
  const asked: AskOptions[] = [];
  const back = replaceMethod(SideWorker.prototype, "ask", () => (_, options = {}) => {
    asked.push(options);
    return new Promise((_, reject) => options.signal?.addEventListener("abort", () => reject(options.signal!.reason)));
  });
  await run(asked).finally(back);
}

gpuTest("a file is detected in as its pixels are, in a worker or here", async (device) => {
  const detector = await Detector.load(colours(), { device }), expected = await detector.detect(IMAGE);
  assert(expected.length > 0);
  assertEquals(await detector.detect(FILE), expected);
  assertEquals(await detector.detect([FILE, IMAGE, FILE]), [expected, expected, expected]);
  const here = await Detector.load(colours(), { device, decodeTimeout: Infinity });
  await withHanging(async (asked) => {
    assertEquals(await here.detect(FILE), expected);
    assertEquals(asked, []);
  });
  const pixels = IMAGE.width * IMAGE.height;
  const small = await Detector.load(colours(), { device, maxPixels: pixels - 1 });
  await assertRejects(() => small.detect(FILE, "a.png"), FeatherdetError, "a.png: the image is");
  const exact = await Detector.load(colours(), { device, maxPixels: pixels });
  assertEquals(await exact.detect(FILE), expected);
  for (const one of [detector, here, small, exact]) one.destroy();
});

gpuTest("decoding that hangs ends with the signal and with the detector", async (device) => {
  const detector = await Detector.load(colours(), { device, decodeTimeout: 7_000 });
  const expected = await detector.detect(IMAGE);
  await withHanging(async (asked) => {
    const enough = new AbortController(), over = new AbortController();
    const one = detector.detect(FILE, { signal: enough.signal });
    enough.abort(new Error("enough"));
    await assertRejects(() => one, Error, "enough");
    const stream = detector.stream([IMAGE, FILE], { signal: over.signal });
    assertEquals((await stream.next()).value, expected);
    const rest = stream.next();
    over.abort(new Error("over"));
    await assertRejects(() => rest, Error, "over");
    assertEquals(asked.map(({ patience, signal }) => [patience, signal?.aborted]), [[7_000, true], [7_000, true]]);
    assertEquals(await detector.detect(IMAGE), expected);
    const last = detector.detect(FILE, "a.png");
    detector.destroy();
    const { message } = await assertRejects(() => last, FeatherdetError);
    assertEquals(message, "colours: the detector was destroyed");
  });
});

Deno.test("the usual time is two minutes; limits that are none are refused", async () => {
  await withHanging(async (asked) => {
    const reader = new PictureReader({}), reading = reader.read(FILE);
    reader.destroy(new FeatherdetError("the end"));
    await assertRejects(() => reading, FeatherdetError, "the end");
    assertEquals(asked.map(({ patience }) => patience), [120_000]);
  });
  for (const limits of [{ maxPixels: 0 }, { maxPixels: NaN }, { decodeTimeout: -1 }, { decodeTimeout: 0 }]) {
    const [[name, value]] = Object.entries(limits);
    await assertRejects(() => Detector.load(colours(), limits), FeatherdetError, `${name} is ${value}, it must be`);
  }
});
