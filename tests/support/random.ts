/**
 * Seeded random numbers, the same on every machine.
 *
 * @module
 */

/** A generator of numbers in `[0, 1)` by xorshift on 32 bits; equal seeds give equal sequences. */
export function seededRandom(seed: number): () => number {
  // Spread small seeds over all bits, and keep clear of zero, where xorshift stands still.
  let state = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ 0x5bd1e995) >>> 0 || 1;
  const step = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
  for (let i = 0; i < 8; i++) step();
  return step;
}

/** A row-major float32 tensor of uniform numbers in `[low, high)`. */
export function randomTensor(shape: readonly number[], seed: number, low = -1, high = 1): Float32Array {
  const random = seededRandom(seed);
  const size = shape.reduce((product, extent) => product * extent, 1);
  return Float32Array.from({ length: size }, () => low + (high - low) * random());
}
