/**
 * What calibration keeps of a value: its histogram, the range of each sample, and the mean of each channel.
 *
 * @module
 */

import { sizeOf } from "../graph/mod.ts";
import type { RunnerTensor } from "./runner.ts";
import { Histogram } from "./histogram.ts";

/** Extremes and sum of a part of an array; the sum is NaN or infinite where an element is. */
interface Summary {
  low: number;
  high: number;
  sum: number;
}

/** Four sums and extremes side by side: one chain of additions would wait for itself. */
function summarize(data: Float32Array, from: number, to: number, into: Summary): void {
  let low = into.low, high = into.high, a = 0, b = 0, c = 0, d = 0, i = from;
  for (; i + 3 < to; i += 4) {
    const w = data[i], x = data[i + 1], y = data[i + 2], z = data[i + 3];
    a += w;
    b += x;
    c += y;
    d += z;
    if (w < low) low = w;
    if (w > high) high = w;
    if (x < low) low = x;
    if (x > high) high = x;
    if (y < low) low = y;
    if (y > high) high = y;
    if (z < low) low = z;
    if (z > high) high = z;
  }
  for (; i < to; i++) {
    a += data[i];
    if (data[i] < low) low = data[i];
    if (data[i] > high) high = data[i];
  }
  into.low = low;
  into.high = high;
  into.sum = a + b + (c + d);
}

/** Statistics of one value over the calibration samples. */
export class ValueStatistics {
  /** All its elements by size. */
  readonly histogram: Histogram = new Histogram();
  /** Least element of each sample. */
  readonly lows: number[] = [];
  /** Greatest element of each sample. */
  readonly highs: number[] = [];
  /** Sum of each channel (axis 1) over all samples; of all elements where there is no such axis. */
  #sums = new Float64Array(0);
  #elements = 0;

  /**
   * Adds the value of one sample. Returns the index of the first element that is NaN or infinite, where there is one; then nothing was
   * added.
   */
  add({ shape, data }: RunnerTensor): number | undefined {
    const batch = shape.length > 1 ? shape[0] : 1, channels = shape.length > 1 ? shape[1] : 1;
    const size = sizeOf(shape) / (batch * channels);
    const sums = new Float64Array(channels);
    const summary: Summary = { low: Infinity, high: -Infinity, sum: 0 };
    for (let at = 0, plane = 0; at < data.length; at += size, plane++) {
      summarize(data, at, at + size, summary);
      sums[plane % channels] += summary.sum;
    }
    if (!sums.every(Number.isFinite)) return data.findIndex((element) => !Number.isFinite(element));
    this.histogram.add(data, summary.low, summary.high);
    this.lows.push(summary.low);
    this.highs.push(summary.high);
    if (this.#sums.length === 0) this.#sums = sums;
    else sums.forEach((sum, channel) => this.#sums[channel] += sum);
    this.#elements += batch * size;
    return undefined;
  }

  /** Mean of each channel. */
  means(): Float64Array {
    return this.#sums.map((sum) => sum / this.#elements);
  }
}

/** What an observer chooses a range by: one value, or several that share their scale. */
export interface Observed {
  /** All elements by size. */
  readonly histogram: Histogram;
  /** Least element of each sample, in order. */
  readonly lows: readonly number[];
  /** Greatest element of each sample, in order. */
  readonly highs: readonly number[];
}

/** Several values as if they were one. */
export function joined(values: readonly ValueStatistics[]): Observed {
  if (values.length === 1) return values[0];
  return {
    histogram: Histogram.sum(values.map(({ histogram }) => histogram)),
    lows: values[0].lows.map((_, sample) => Math.min(...values.map(({ lows }) => lows[sample]))),
    highs: values[0].highs.map((_, sample) => Math.max(...values.map(({ highs }) => highs[sample]))),
  };
}
