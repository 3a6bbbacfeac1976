/**
 * The range that holds a percentage of the values: outliers are clipped, however far out they lie.
 *
 * Asymmetric, half of the rest is cut at each end; symmetric, the percentage is that of the magnitudes.
 *
 * @module
 */

import type { Histogram } from "../../histogram.ts";
import { extremes, type Observer, within } from "./observer.ts";

/** The number below which so many values lie, straight within a bin. */
function quantile({ counts, low, width }: Pick<Histogram, "counts" | "low" | "width">, rank: number): number {
  let below = 0;
  for (let i = 0; i < counts.length; i++) {
    if (below + counts[i] >= rank && counts[i] > 0) return low + (i + Math.max(0, rank - below) / counts[i]) * width;
    below += counts[i];
  }
  return low + counts.length * width;
}

/** The histogram of magnitudes. */
function magnitudes({ counts, low, width }: Histogram): Pick<Histogram, "counts" | "low" | "width"> {
  const below = Math.round(-low / width);
  const folded = new Float64Array(Math.max(below, counts.length - below));
  counts.forEach((count, i) => folded[i >= below ? i - below : below - 1 - i] += count);
  return { counts: folded, low: 0, width };
}

/** The range that holds `percentile` per cent of the values. */
export const percentile: Observer = (observed, options) => {
  const { histogram } = observed;
  const share = options.percentile / 100, outer = extremes(observed);
  if (options.symmetric) {
    const threshold = quantile(magnitudes(histogram), share * histogram.total);
    return within({ low: -threshold, high: threshold }, outer);
  }
  const cut = (1 - share) / 2 * histogram.total;
  const [low, high] = [quantile(histogram, cut), quantile(histogram, histogram.total - cut)];
  return within({ low: Math.min(0, low), high: Math.max(0, high) }, outer);
};
