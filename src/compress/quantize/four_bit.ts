/**
 * Weights of four bits: each is a whole number from -7 to 7 times the scale of its output channel.
 *
 * @module
 */

import { roundHalfEven } from "../../graph/mod.ts";
import type { LowBitChannel } from "./low_bit_channel.ts";

/** Greatest level. */
export const FOUR_BIT_MOST = 7;

/** Scales that are tried: of `SHARES` shares of the whole range, `STEPS` of which the whole is. Training tries the same. */
const SHARES = 32, STEPS = 40;

/** The greatest absolute weight. */
const greatestOf = (values: ArrayLike<number>) =>
  Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** The level of a weight: the nearest whole number of steps, halves to even, that four bits hold. */
function levelOf(value: number, scale: number): number {
  return Math.min(FOUR_BIT_MOST, Math.max(-FOUR_BIT_MOST, roundHalfEven(value / scale)));
}

/**
 * Weights of four bits. The scale is that of least square error among 32 shares, from the whole to 9/40, of the scale that clips nothing;
 * of equal ones the greatest, as in `FakeQuantizeWeights`.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { fourBitChannel } from "./four_bit.ts";
 * assert.deepEqual([...fourBitChannel([7, -3, 0.25, 2]).levels], [7, -3, 0, 2]);
 * ```
 */
export function fourBitChannel(values: ArrayLike<number>): LowBitChannel {
  const whole = greatestOf(values) / FOUR_BIT_MOST;
  if (Math.fround(whole) === 0) return { levels: new Int8Array(values.length), scale: 0 };
  let scale = 0, least = Infinity;
  for (let step = STEPS; step > STEPS - SHARES; step--) {
    const tried = Math.fround(whole * step / STEPS);
    let error = 0;
    for (let i = 0; i < values.length; i++) error += (levelOf(values[i], tried) * tried - values[i]) ** 2;
    if (error < least) [scale, least] = [tried, error];
  }
  return { levels: Int8Array.from(values, (value) => levelOf(value, scale)), scale };
}
