/**
 * The weights of an output channel as few levels times one scale.
 *
 * @module
 */

/** Levels and scale; weight i is `levels[i] * scale`. */
export interface LowBitChannel {
  /** -1, 1 and, for ternary weights, 0; of four bits -7 to 7. */
  readonly levels: Int8Array<ArrayBuffer>;
  /** Zero or more, exact in f32. */
  readonly scale: number;
}

/** Powers of the weights and of their errors. */
export function channelPowers(
  values: ArrayLike<number>,
  { levels, scale }: LowBitChannel,
): { signal: number; noise: number } {
  let signal = 0, noise = 0;
  for (let i = 0; i < values.length; i++) {
    signal += values[i] ** 2;
    noise += (values[i] - Math.fround(levels[i] * scale)) ** 2;
  }
  return { signal, noise };
}
