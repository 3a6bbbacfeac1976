/**
 * The latency of a detector, measured the way `deno task bench` does: end to end, on the device, in a stream, stage by stage.
 *
 * @module
 */

import type { Detector, Picture } from "../detect/detector.ts";
import type { AdapterRecord } from "../gpu/device.ts";
import { FeatherdetError } from "../graph/error.ts";
import type { MemoryReport } from "../plan/plan.ts";
import { deviceWeightBytes } from "./device_weights.ts";
import { type FrameSplit, splitFrames } from "./frame_split.ts";
import { interleave, type Latency, summarize, throughput } from "./latency.ts";
import { peakResidentBytes } from "./process_memory.ts";

/** How to measure. */
export interface LatencyOptions {
  /** Frames that are detected before the measured ones. Default 1: software drivers compile shaders in a detector's first frame. */
  readonly warmup?: number;
  /** Samples of the time from end to end, and frames of the stream. Default 20. Stages are timed on at most 10 frames. */
  readonly runs?: number;
}

/** Bytes of memory. */
export interface LatencyMemory {
  /** Everything that the detector holds on the device. */
  readonly device: number;
  /** The part of it that holds constants, as they are packed on the device. */
  readonly weights: number;
  /** The part of it that holds activations; also what activations would take without reuse, and the least that any plan needs. */
  readonly activations: MemoryReport;
  /**
   * Peak resident memory of the process since it began; on a software adapter it includes the device's. If the system does not report the
   * peak (Linux does), memory that is resident now. Absent if neither is known, as in browsers.
   */
  readonly peakResident?: number;
}

/** On the CPU nothing is planned here. */
const NO_MEMORY: MemoryReport = { planned: 0, naive: 0, lowerBound: 0, scratch: 0 };

/** What `measureLatency` gives; times in milliseconds. */
export interface LatencyReport {
  /** What it ran on. */
  readonly adapter: AdapterRecord;
  /** Whether the adapter computes on the CPU. Its times then say little about GPUs. */
  readonly software: boolean;
  /** From picture to boxes, one frame after the other. Includes decoding if the picture is given as a file's bytes. */
  readonly detect: Latency;
  /** The device's time for a frame by its timestamps, letterbox to suppression; absent if it has no timestamps. */
  readonly gpu?: Latency;
  /** Frames a second with several in flight. */
  readonly stream: number;
  /** Where the time of one frame went: the frame of median time among those whose stages were timed. */
  readonly stages: FrameSplit;
  /** Bytes. */
  readonly memory: LatencyMemory;
}

/** Most frames whose stages are timed. */
const SPLIT_FRAMES = 10;

/** Results of a stream beyond the samples: as many as are in flight while it starts. */
export const STREAM_START = 3;

/** Throws FeatherdetError for a count that is no whole number of at least `least`. */
export function checkCount(name: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least) {
    throw new FeatherdetError(`${name} is ${value}, it must be an integer of at least ${least}`);
  }
}

/**
 * Measures a loaded detector on one picture, many times. Nothing else should compute at the same time.
 *
 * Throws FeatherdetError for a picture that cannot be decoded, a lost device, and counts that are no positive whole numbers.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { syntheticPicture } from "../data/synthetic.ts";
 * import { Detector } from "../detect/detector.ts";
 * import { demoDetector } from "../models/demo_detector.ts";
 * import { measureLatency } from "./measure_latency.ts";
 * const detector = await Detector.load(demoDetector({ size: 64 }));
 * const { image } = syntheticPicture({ seed: 7, width: 64, height: 48 }); // or the bytes of a JPEG
 * const { detect, stream, stages } = await measureLatency(detector, image, { runs: 5 });
 * assert.ok(detect.median > 0 && detect.median <= detect.p90); // milliseconds
 * assert.ok(stream > 0); // frames a second
 * assert.ok(stages.network === undefined || stages.network > 0); // where the device has timestamps
 * detector.destroy();
 * ```
 */
export async function measureLatency(
  detector: Detector,
  picture: Picture,
  options: LatencyOptions = {},
): Promise<LatencyReport> {
  const { warmup = 1, runs = 20 } = options;
  checkCount("warmup", warmup, 0);
  checkCount("runs", runs, 1);
  await detector.ready();
  const [detect] = await interleave([{ work: () => detector.detect(picture) }], runs, warmup);
  const stream = await throughput(detector.stream(Array.from({ length: runs + STREAM_START }, () => picture)));
  const { median, gpu } = await splitFrames(detector, picture, Math.min(runs, SPLIT_FRAMES));
  const plan = detector.engine === "cpu" ? undefined : detector.plan;
  const { adapter } = detector;
  const peakResident = await peakResidentBytes();
  return {
    adapter,
    software: adapter.software,
    detect: summarize(detect),
    ...(gpu && { gpu: summarize(gpu) }),
    stream,
    stages: median,
    memory: {
      device: detector.bytes,
      weights: plan === undefined ? 0 : deviceWeightBytes(plan),
      activations: plan?.memory ?? NO_MEMORY,
      ...(peakResident !== undefined && { peakResident }),
    },
  };
}
