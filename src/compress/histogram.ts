/**
 * A histogram that is filled in one pass over data whose range is not known before.
 *
 * Bins are as wide as a power of two and begin at multiples of their width, zero among them. Where a value does not fit, the width is
 * doubled until it does and neighbours are merged, so that the result does not depend on the order of the data, and histograms of
 * several tensors can be added exactly.
 *
 * @module
 */

/** Most bins of a histogram: at least half as many are within the range of the data and zero. */
export const BINS = 4096;

/** Narrowest bins are `2 ** FINEST` wide: below them all is zero. */
const FINEST = -80;

/** Counts of one tensor before they are added: plain integers in the first-level cache are the fastest to count in. */
const scratch = new Uint32Array(BINS);

/** Counts of values by size; the range always includes zero. */
export class Histogram {
  /** Values that were counted. */
  total = 0;
  #counts = new Float64Array(BINS);
  /** Bins are `2 ** #exponent` wide. */
  #exponent = FINEST;
  /** Number of the first bin that is kept: bin n holds `n * width <= x < (n + 1) * width`. */
  #first = 0;
  /** Number of the last bin in use; the first in use is `#first`. */
  #last = 0;

  /** Width of a bin. */
  get width(): number {
    return 2 ** this.#exponent;
  }

  /** Lower edge of the first bin in use: zero or less. */
  get low(): number {
    return this.#first * this.width;
  }

  /** Upper edge of the last bin in use: more than zero. */
  get high(): number {
    return (this.#last + 1) * this.width;
  }

  /** Counts of the bins in use, from `low` on. A view: do not change it. */
  get counts(): Float64Array {
    return this.#counts.subarray(0, this.#last - this.#first + 1);
  }

  /** Makes room for `low..high`, with wider bins where there are too few. */
  #widen(low: number, high: number, coarsest = FINEST): void {
    let exponent = Math.max(this.#exponent, coarsest);
    let first = 0, last = 0;
    for (;; exponent++) {
      const shift = exponent - this.#exponent;
      const scale = 2 ** -exponent;
      first = Math.min(this.#first >> Math.min(shift, 31), Math.floor(low * scale), 0);
      last = Math.max(this.#last >> Math.min(shift, 31), Math.floor(high * scale), 0);
      if (last - first < BINS) break;
    }
    if (exponent === this.#exponent && first === this.#first) {
      this.#last = last;
      return;
    }
    const shift = Math.min(exponent - this.#exponent, 31);
    const merged = new Float64Array(BINS);
    const { counts } = this;
    for (let i = 0; i < counts.length; i++) merged[((i + this.#first) >> shift) - first] += counts[i];
    [this.#counts, this.#exponent, this.#first, this.#last] = [merged, exponent, first, last];
  }

  /** Counts the values of a tensor, all of which are finite and within `low..high`. */
  add(data: Float32Array, low: number, high: number): void {
    this.#widen(low, high);
    const scale = 2 ** -this.#exponent, first = this.#first;
    scratch.fill(0);
    // Multiplying by a power of two and subtracting a small integer are exact, and the sum is not negative: cutting is flooring.
    for (let i = 0; i < data.length; i++) scratch[(data[i] * scale - first) | 0]++;
    const used = this.#last - first + 1;
    for (let i = 0; i < used; i++) this.#counts[i] += scratch[i];
    this.total += data.length;
  }

  /** Adds up several histograms. The result is the same as if one had counted all their values. */
  static sum(parts: readonly Histogram[]): Histogram {
    const sum = new Histogram();
    for (const part of parts) {
      // The edges themselves belong to the neighbours of the outermost bins.
      sum.#widen(part.low, part.high - part.width, part.#exponent);
      const shift = Math.min(sum.#exponent - part.#exponent, 31);
      const { counts } = part;
      for (let i = 0; i < counts.length; i++) sum.#counts[((i + part.#first) >> shift) - sum.#first] += counts[i];
      sum.total += part.total;
    }
    return sum;
  }

  /** The bins that hold anything, by their middle values. */
  occupied(): { readonly values: Float64Array; readonly counts: Float64Array } {
    const { counts, low, width } = this;
    const indices: number[] = [];
    counts.forEach((count, i) => {
      if (count > 0) indices.push(i);
    });
    return {
      values: Float64Array.from(indices, (i) => low + (i + 0.5) * width),
      counts: Float64Array.from(indices, (i) => counts[i]),
    };
  }
}
