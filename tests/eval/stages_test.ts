/** The stages of frames, as the device and the host time them. */

import { assert, assertEquals } from "@std/assert";
import { syntheticPicture } from "../../src/data/synthetic.ts";
import { Detector } from "../../src/detect/detector.ts";
import type { FrameStages } from "../../src/detect/frame_timer.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { encodeJpeg } from "../../src/image/codec/encode.ts";

const { image } = syntheticPicture({ seed: 3, width: 320, height: 240 });

async function observed(detector: Detector, count: number): Promise<FrameStages[]> {
  const pictures = Array.from({ length: count }, () => image), stages: FrameStages[] = [];
  let results = 0;
  for await (const _ of detector.stream(pictures, { observe: (frame) => void stages.push(frame) })) {
    assert(stages.length > results++, "a result came before its stages");
  }
  return stages;
}

Deno.test("each frame of a stream is observed once, and finds the same as without", async () => {
  const detector = await Detector.load(demoDetector({ size: 320 }));
  try {
    await detector.ready(); // the kernels that take over sum in another order
    const expected = await detector.detect(image);
    const stages = await observed(detector, 5);
    assertEquals(stages.length, 5);
    for (const { decode, upload, wait, read, device } of stages) {
      for (const time of [decode, upload, read]) assert(time >= 0 && time < wait + 1000);
      assertEquals(device !== undefined, detector.device.timestamps);
      if (device) {
        assert(device.letterbox + device.network + device.postprocess <= wait, JSON.stringify({ device, wait }));
      }
    }
    const other = syntheticPicture({ seed: 4, width: 240, height: 320 }).image;
    const file = await encodeJpeg(other, 95);
    const decode: number[] = [], found = [];
    const watch = (frame: FrameStages) => void decode.push(frame.decode);
    for await (const one of detector.stream([other, image, file, other], { observe: watch })) found.push(one);
    const [first, last] = [await detector.detect(other), await detector.detect(file)];
    assertEquals(found, [first, expected, last, first]);
    assert(decode[2] > decode[1] && decode.length === 4, `${decode}`);
  } finally {
    detector.destroy();
  }
});

Deno.test("timestamps wait for the dispatches between them: the profile adds up to the network's time", async () => {
  const detector = await Detector.load(demoDetector({ size: 640 }));
  try {
    if (!detector.device.timestamps) return;
    await observed(detector, 2);
    const times = (await observed(detector, 3)).map(({ device }) =>
      device!.letterbox + device!.network + device!.postprocess
    );
    const sum = (await detector.profile(3)).reduce((total, { milliseconds }) => total + milliseconds, 0);
    // Where timestamps do not wait, the sum is a fiftieth of it.
    assert(sum > 0.3 * Math.min(...times), `the dispatches take ${sum} ms, frames ${times}`);
  } finally {
    detector.destroy();
  }
});
