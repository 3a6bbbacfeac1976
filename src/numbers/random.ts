/**
 * A small seeded random generator: the same seed gives the same numbers on every machine.
 *
 * @module
 */

/** Uniform and normal numbers from a 32-bit seed (a Weyl counter whose steps are mixed by multiply and xor-shift). */
export class Random {
  #state: number;
  #spare: number | undefined;

  /** Any integer will do as a seed; equal seeds give equal sequences. */
  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** Uniform in `[0, 1)`. */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 0x1_0000_0000;
  }

  /** Uniform in `[low, high)`. */
  uniform(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** An integer in `[0, count)`. */
  integer(count: number): number {
    return Math.floor(this.next() * count);
  }

  /** One element of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    return list[this.integer(list.length)];
  }

  /** Normal with mean 0 and standard deviation 1 (Box-Muller, both values used). */
  normal(): number {
    if (this.#spare !== undefined) {
      const value = this.#spare;
      this.#spare = undefined;
      return value;
    }
    // 1 - next() is never 0, of which there is no logarithm.
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    const angle = 2 * Math.PI * this.next();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }
}
