/**
 * Where the time of a frame goes, dispatch by dispatch, for several detectors that are measured in turn.
 *
 * @module
 */

import type { Detector, Picture } from "../detect/detector.ts";
import type { Device } from "../gpu/device.ts";
import { FeatherdetError } from "../graph/error.ts";
import { type Latency, summarize, timed } from "./latency.ts";

/** Time of one dispatch of a frame, in milliseconds of device time. */
export interface DispatchTimes {
  /** Name of the graph node. */
  readonly name: string;
  /** Operators it computes, such as `Conv+Silu`. */
  readonly operator: string;
  /** Label of the kernel. */
  readonly kernel: string;
  /** Multiply-accumulates. */
  readonly macs: number;
  /** Half of the frames were faster. */
  readonly median: number;
  /** Nine of ten frames were faster. */
  readonly p90: number;
  /** The least: the time of the dispatch when nothing else disturbs it. */
  readonly min: number;
}

/** Times of one detector's frames, in milliseconds. */
export interface FrameTimes {
  /** From picture to boxes. */
  readonly detect: Latency;
  /** Sum of a frame's dispatches, each timed by itself. */
  readonly device: Latency;
  /** Every dispatch, letterbox to suppression. */
  readonly dispatches: readonly DispatchTimes[];
}

/** Throws FeatherdetError if the adapter cannot time dispatches. */
export function checkTimestamps({ timestamps, adapter }: Pick<Device, "timestamps" | "adapter">): void {
  if (!timestamps) {
    throw new FeatherdetError(`the adapter "${adapter.name}" has no timestamp queries: layers cannot be timed`);
  }
}

/**
 * Measures detectors in turn, `rounds` times: one frame from picture to boxes, and one with a timestamp around every dispatch. A machine
 * that slows down then favours none of them, so ratios can be trusted even if times cannot. Nothing else should compute at the same time.
 *
 * Throws FeatherdetError if the adapter has no timestamp queries, and for a picture that cannot be decoded.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { syntheticPicture } from "../data/synthetic.ts";
 * import { Detector } from "../detect/detector.ts";
 * import { demoDetector } from "../models/demo_detector.ts";
 * import { measureFrameTimes } from "./frame_times.ts";
 * const detectors = await Promise.all([64, 96].map((size) => Detector.load(demoDetector({ size }))));
 * const { image } = syntheticPicture({ seed: 7, width: 64, height: 64 });
 * const [small, large] = await measureFrameTimes(detectors, image, 2);
 * assert.ok(small.detect.median > 0 && large.detect.median > 0); // milliseconds
 * assert.equal(small.dispatches.at(-1)!.name, "suppress");
 * for (const detector of detectors) detector.destroy();
 * ```
 */
export async function measureFrameTimes(
  detectors: readonly Detector[],
  picture: Picture,
  rounds = 7,
): Promise<FrameTimes[]> {
  for (const { device } of detectors) checkTimestamps(device);
  // The first frames of a detector compile shaders on software drivers.
  for (const detector of detectors) {
    await detector.detect(picture);
    await detector.profile(1);
  }
  const whole = detectors.map((): number[] => []), single = detectors.map((): number[][] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, detector] of detectors.entries()) {
      whole[i].push((await timed(() => detector.detect(picture))).milliseconds);
      single[i].push((await detector.profile(1)).map(({ milliseconds }) => milliseconds));
    }
  }
  const described = await Promise.all(detectors.map((detector) => detector.profile(1)));
  return detectors.map((_, i) => ({
    detect: summarize(whole[i]),
    device: summarize(single[i].map((frame) => frame.reduce((sum, one) => sum + one, 0))),
    dispatches: described[i].map(({ name, operator, kernel, macs }, at) => {
      const { median, p90, min } = summarize(single[i].map((frame) => frame[at]));
      return { name, operator, kernel, macs, median, p90, min };
    }),
  }));
}
