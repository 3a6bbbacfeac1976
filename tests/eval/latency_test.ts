/** Latency as a function: what it measures fits together, and splits of frames against splits made by hand. */

import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { encodeJpeg } from "../../src/image/codec/encode.ts";
import { syntheticPicture } from "../../src/data/synthetic.ts";
import { type Detection, Detector } from "../../src/detect/detector.ts";
import type { FrameStages } from "../../src/detect/frame_timer.ts";
import { splitFrames } from "../../src/eval/frame_split.ts";
import { interleave, type Latency } from "../../src/eval/latency.ts";
import { measureLatency } from "../../src/eval/measure_latency.ts";
import { peakResidentBytes } from "../../src/eval/process_memory.ts";
import { FeatherdetError } from "../../src/graph/mod.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { gpuTest } from "../support/gpu.ts";

const { image } = syntheticPicture({ seed: 3, width: 120, height: 90 });

function assertOrdered({ min, median, p90, max }: Latency): void {
  assert(0 < min && min <= median && median <= p90 && p90 <= max, `${[min, median, p90, max]}`);
}

gpuTest("latency of a detector: all of it is there, and its parts fit into one another", async (device) => {
  const detector = await Detector.load(demoDetector({ size: 64 }), { device });
  try {
    const { detect, gpu, stages, stream, memory, adapter, software } = await measureLatency(detector, image, {
      runs: 4,
    });
    assertEquals([adapter, software], [detector.device.adapter, detector.device.adapter.software]);
    assertEquals([detect.count, gpu?.count], [4, detector.device.timestamps ? 4 : undefined]);
    assertOrdered(detect);
    assert(stream > 0);
    const { total, ...parts } = stages;
    assertAlmostEquals(Object.values(parts).reduce((sum, part) => sum + part, 0), total, 1e-6);
    assertEquals(parts.network !== undefined, detector.device.timestamps);
    for (const [name, part] of Object.entries(parts)) assert(part >= 0, `${name} takes ${part} ms`);
    if (gpu) {
      assertOrdered(gpu);
      const onDevice = parts.letterbox! + parts.network! + parts.postprocess!;
      assert(gpu.min <= onDevice && onDevice <= gpu.max && onDevice < total);
    }
    assertEquals(memory.device, detector.bytes);
    assertEquals(memory.activations, detector.plan.memory);
    assert(memory.weights + memory.activations.planned <= memory.device);
    assert(memory.peakResident! > 20e6);
  } finally {
    detector.destroy();
  }
});

gpuTest("latency: a file's decoding is a stage of the frame, at least one run is measured", async (device) => {
  const detector = await Detector.load(demoDetector({ size: 64 }), { device });
  try {
    const file = await encodeJpeg(syntheticPicture({ seed: 4, width: 640, height: 480 }).image, 95);
    const { detect, stages } = await measureLatency(detector, file, { runs: 1, warmup: 0 });
    assertEquals([detect.count, detect.min], [1, detect.max]);
    const pixels = (await measureLatency(detector, image, { runs: 1 })).stages;
    assert(stages.decode > pixels.decode && stages.decode < stages.total, `${stages.decode}, ${pixels.decode}`);
    const refused = (options: { runs?: number; warmup?: number }, says: string) =>
      assertRejects(() => measureLatency(detector, image, options), FeatherdetError, says);
    await refused({ runs: 0 }, "runs is 0, it must be an integer of at least 1");
    await refused({ runs: 1.5 }, "runs is 1.5");
    await refused({ warmup: -1 }, "warmup is -1, it must be an integer of at least 0");
  } finally {
    detector.destroy();
  }
});

/** Stands in for a detector: frames take what they are told, one after the other. */
function scripted(frames: readonly FrameStages[]): Pick<Detector, "stream"> {
  let next = 0;
  return {
    async *stream(pictures, { observe } = {}): AsyncGenerator<Detection[]> {
      for await (const _ of pictures) {
        observe?.(frames[next++]);
        yield [];
      }
    },
  };
}

Deno.test("the split of a frame: that of median total, the device's stages apart from the wait for them", async () => {
  const frame = (wait: number, network: number): FrameStages => {
    return { decode: 4, upload: 2, wait, read: 1, device: { letterbox: 3, network, postprocess: 5 } };
  };
  const frames = [frame(90, 30), frame(40, 20), frame(60, 25), frame(50, 22)];
  const split = (count: number) => splitFrames(scripted(frames), image, count);
  assertEquals(await split(3), {
    median: { decode: 4, upload: 2, letterbox: 3, network: 25, postprocess: 5, readback: 27, read: 1, total: 67 },
    gpu: [38, 28, 33],
  });
  // Of four the second fastest.
  assertEquals((await split(4)).median.total, 57);
  const { device: _, ...untimed } = frame(60, 0);
  assertEquals(await splitFrames(scripted([untimed]), image, 1), {
    median: { decode: 4, upload: 2, readback: 60, read: 1, total: 67 },
  });
});

Deno.test("frames are warmed up as often as asked", async () => {
  for (const warmup of [0, 1, 3]) {
    let calls = 0;
    const [times] = await interleave([{ work: () => calls++ }], 2, warmup);
    assertEquals([times.length, calls], [2, 2 + warmup]);
  }
});

Deno.test({
  name: "peak memory of the process follows what it takes up",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const before = (await peakResidentBytes())!;
    assert(before >= 0.9 * Deno.memoryUsage().rss);
    // More than was ever held, so that the peak has to move.
    const held = new Uint8Array(before - Deno.memoryUsage().rss + 80e6).fill(1);
    const during = (await peakResidentBytes())!;
    assert(during > before + 40e6 && held.at(-1) === 1, `${before} before, ${during} during`);
  },
});

Deno.test("peak memory is what is resident where the system does not tell, and unknown outside of Deno", async () => {
  const memoryUsage = () => ({ rss: 7 });
  const status = "Name:\tdeno\nVmPeak:\t  999 kB\nVmHWM:\t   12 kB\nVmRSS:\t    9 kB\n";
  const peak = (readTextFile?: () => Promise<string>) => peakResidentBytes({ Deno: { memoryUsage, readTextFile } });
  assertEquals(await peak(() => Promise.resolve(status)), 12 * 1024);
  assertEquals(await peak(() => Promise.resolve("VmPeak: 3 kB")), 7);
  assertEquals(await peak(() => Promise.reject(new Deno.errors.NotFound("/proc"))), 7);
  assertEquals(await peak(), 7);
  assertEquals(await peakResidentBytes({}), undefined);
});
