/**
 * The latency of a detector in f32 and f16 beside that of its int8 form, in turn on one picture.
 *
 * @module
 */

import { Detector, type Picture } from "../detect/detector.ts";
import type { AdapterRecord } from "../gpu/device.ts";
import type { Graph } from "../graph/mod.ts";
import { interleave, type Latency, summarize } from "./latency.ts";

/** Latencies of one detector, picture to boxes. */
export interface PrecisionLatency {
  /** What they were measured on. */
  readonly adapter: AdapterRecord;
  /** The float graph, stored in f32. */
  readonly f32: Latency;
  /** The float graph, stored in f16. */
  readonly f16: Latency;
  /** The int8 graph, its float part stored in f32. */
  readonly int8: Latency;
  /** Median of int8 over the smaller median of f32 and f16: above 1, int8 is slower. */
  readonly ratio: number;
}

/**
 * Measures a float graph in f32 and f16 and its int8 form in turn, so that a machine that slows down favours none of them. Nothing else
 * should compute at the same time.
 *
 * Throws FeatherdetError if a graph is no detector or cannot be run.
 */
export async function comparePrecisions(
  float: Graph,
  int8: Graph,
  picture: Picture,
  rounds = 7,
): Promise<PrecisionLatency> {
  const detectors: Detector[] = [];
  try {
    for (const [graph, precision] of [[float, "f32"], [float, "f16"], [int8, "f32"]] as const) {
      detectors.push(await Detector.load(graph, { precision }));
    }
    const times = await interleave(detectors.map((detector) => ({ work: () => detector.detect(picture) })), rounds, 2);
    const [f32, f16, quantized] = times.map(summarize);
    const ratio = quantized.median / Math.min(f32.median, f16.median);
    return { adapter: detectors[0].device.adapter, f32, f16, int8: quantized, ratio };
  } finally {
    for (const detector of detectors) detector.destroy();
  }
}
