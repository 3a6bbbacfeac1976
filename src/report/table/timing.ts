/**
 * What was measured in rounds as the times of a table.
 *
 * @module
 */

import type { RoundLatency, RoundTimes } from "../../eval/measure_rounds.ts";
import type { RoundedName, RowTiming } from "./results.ts";

/** A record without what is undefined; undefined if nothing is left. */
function present<T>(record: Readonly<Record<RoundedName, T | undefined>>): Partial<Record<RoundedName, T>> | undefined {
  const entries = Object.entries(record).filter(([, value]) => value !== undefined);
  return entries.length === 0 ? undefined : Object.fromEntries(entries) as Partial<Record<RoundedName, T>>;
}

/** The times of a row: medians, what nine of ten frames took, and what the rounds tell of the medians. */
export function timingOf({ detect, gpu, stream }: RoundTimes): RowTiming {
  const noTimestamps = { missing: "the adapter has no timestamps" };
  const of = <T>(part: (latency: RoundLatency) => T) => {
    return present({ detectMedian: part(detect), gpuMedian: gpu && part(gpu) });
  };
  const ratio = of((latency) => latency.ratio);
  return {
    detectMedian: { value: detect.median },
    detectP90: { value: detect.p90 },
    gpuMedian: gpu ? { value: gpu.median } : noTimestamps,
    gpuP90: gpu ? { value: gpu.p90 } : noTimestamps,
    framesPerSecond: { value: stream },
    middle: of((latency) => latency.middle),
    ...(ratio && { ratio }),
  };
}
