/**
 * The range that loses least information: the Kullback-Leibler divergence between the values' distribution, clipped to the range, and
 * the same in as many levels as int8 has (the calibration of NVIDIA's TensorRT: Migacz 2017, "8-bit Inference with TensorRT").
 *
 * One threshold is sought for both signs; the range ends where the values do on a side that does not reach it.
 *
 * @module
 */

import { GREATEST, LEAST, type Range } from "../quantization_parameters.ts";
import { extremes, type Observer } from "./observer.ts";

/** Thresholds that are tried, evenly over the bins. */
const CANDIDATES = 512;

/**
 * Divergence of `counts` (bins within the range, those outside it added to the outermost ones in `clipped`) from their form in
 * `levels` levels: a level spreads what it holds evenly over its bins that hold anything.
 */
export function divergence(counts: Float64Array, clipped: Float64Array, levels: number): number {
  const bins = counts.length;
  let total = 0, spreadTotal = 0;
  const spread = new Float64Array(bins);
  for (let level = 0; level < levels; level++) {
    const from = Math.floor(level * bins / levels), to = Math.floor((level + 1) * bins / levels);
    let sum = 0, occupied = 0;
    for (let i = from; i < to; i++) {
      sum += counts[i];
      if (counts[i] > 0) occupied++;
    }
    for (let i = from; i < to; i++) if (counts[i] > 0) spread[i] = sum / occupied;
    spreadTotal += sum;
  }
  for (let i = 0; i < bins; i++) total += clipped[i];
  if (total === 0 || spreadTotal === 0) return Infinity;
  let result = 0;
  for (let i = 0; i < bins; i++) {
    if (clipped[i] === 0) continue;
    const p = clipped[i] / total;
    // A bin that holds nothing but what was clipped has no part in the levels: a small one instead of an infinite divergence.
    const q = spread[i] > 0 ? spread[i] / spreadTotal : 1e-10;
    result += p * Math.log(p / q);
  }
  return result;
}

/** Bins that hold anything. */
function occupied(counts: Float64Array): number {
  let bins = 0;
  for (const count of counts) if (count > 0) bins++;
  return bins;
}

/** The range of least divergence. */
export const entropy: Observer = (observed, { symmetric }) => {
  const { histogram } = observed;
  const { low, width } = histogram;
  const outer = extremes(observed);
  let { counts } = histogram;
  let below = Math.round(-low / width), above = counts.length - below;
  const most = Math.max(below, above);
  if (symmetric) {
    const padded = new Float64Array(2 * most);
    padded.set(counts, most - below);
    [counts, below, above] = [padded, most, most];
  }
  const levels = symmetric ? 2 * GREATEST + 1 : GREATEST - LEAST + 1;
  let best: Range = outer, least = Infinity;
  for (let step = 1; step <= CANDIDATES; step++) {
    const reach = Math.ceil(most * step / CANDIDATES);
    const lower = Math.min(reach, below), upper = Math.min(reach, above);
    const inside = counts.subarray(below - lower, below + upper);
    // Where no more bins hold anything than there are levels nothing would seem to be lost, however much is clipped.
    if (inside.length < levels || occupied(inside) < levels) continue;
    const clipped = inside.slice();
    for (let i = 0; i < below - lower; i++) clipped[0] += counts[i];
    for (let i = below + upper; i < counts.length; i++) clipped[clipped.length - 1] += counts[i];
    const loss = divergence(inside, clipped, levels);
    if (loss < least) {
      least = loss;
      best = { low: Math.max(outer.low, -lower * width), high: Math.min(outer.high, upper * width) };
    }
  }
  return best;
};
