/**
 * Ranges of converters: those of least mean square error for their bits, rounding and clipping together.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/mod.ts";
import type { Histogram } from "../histogram.ts";
import type { AnalogCalibration } from "./calibrate.ts";

/** Bits of converters and weights. */
export interface AnalogBits {
  /** Of the converters that make light of inputs. */
  readonly inputs: number;
  /** Of weights, with a sign. */
  readonly weights: number;
  /** Of the converters that read sums, with a sign. */
  readonly outputs: number;
}

/** What the converters of a layer span: plain numbers. */
export interface AnalogRange {
  /** Least input; 0 where there are none below it. */
  readonly low: number;
  /** Greatest input. */
  readonly high: number;
  /** Mean absolute input over the greatest one: the share of the light that is there. */
  readonly light: number;
  /** Greatest absolute sum, in units of the greatest weight of the channel. */
  readonly reach: number;
}

/** Ranges by the name of the convolution. */
export type AnalogRanges = Readonly<Record<string, AnalogRange>>;

/** Least and most bits of anything. */
const BITS = [2, 16] as const;

/** Shares of the whole range that are tried. */
const SHARES = 64;

/** The bits themselves. Throws FeatherdetError for those that no converter has. */
export function checkBits(bits: AnalogBits): AnalogBits {
  for (const [name, value] of Object.entries(bits)) {
    if (!Number.isInteger(value) || value < BITS[0] || value > BITS[1]) {
      throw new FeatherdetError(`${name} of ${value} bits, expected a whole number of ${BITS.join(" to ")}`);
    }
  }
  return bits;
}

/** The share of `low..high` that a converter with so many steps spans with the least sum of square errors. */
function bestShare(seen: Histogram, low: number, high: number, steps: number): number {
  const { values, counts } = seen.occupied();
  let best = 1, least = Infinity;
  for (let i = SHARES; i > SHARES / 16; i--) {
    const share = i / SHARES, step = share * (high - low) / steps;
    const first = Math.round(share * low / step), last = first + steps;
    let error = 0;
    for (let k = 0; k < values.length; k++) {
      const level = Math.min(last, Math.max(first, Math.round(values[k] / step)));
      error += counts[k] * (values[k] - level * step) ** 2;
    }
    if (error < least) [best, least] = [share, error];
  }
  return best;
}

/** Ranges of all layers for some bits. */
export function analogRanges(calibration: AnalogCalibration, bits: AnalogBits): AnalogRanges {
  checkBits(bits);
  return Object.fromEntries([...calibration].map(([name, { inputs, sums }]): [string, AnalogRange] => {
    const share = bestShare(inputs, inputs.low, inputs.high, 2 ** bits.inputs - 1);
    const low = share * inputs.low, high = share * inputs.high, full = Math.max(-low, high);
    const { values, counts } = inputs.occupied();
    const light = values.reduce((sum, value, i) => sum + counts[i] * Math.min(1, Math.abs(value) / full), 0) /
      inputs.total;
    const most = Math.max(-sums.low, sums.high);
    return [name, { low, high, light, reach: most * bestShare(sums, -most, most, 2 ** bits.outputs - 2) }];
  }));
}
