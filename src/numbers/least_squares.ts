/**
 * Linear least squares from sums of products: rows are added in blocks and forgotten, so that memory does not grow with their number.
 *
 * @module
 */

import { factorise, solveFactorised } from "./cholesky.ts";

/** Rows that are multiplied at a time: two panels of so many lie in the first cache. */
const BLOCK = 256;

/** Columns of a panel. */
const PANEL = 4;

/**
 * Sums over rows `[x, y]` of `xᵀ[x, y]` and of the rows themselves, in float64. The products of `x` with itself are symmetric: those of a
 * panel of four columns with earlier panels are not computed.
 */
export class RowSums {
  /** `[inputs, inputs + outputs]`, row-major, padded to whole panels. */
  readonly #products: Float64Array;
  readonly #sums: Float64Array;
  readonly #pitch: number;
  #count = 0;

  /** How many columns `x` and `y` have. */
  constructor(readonly inputs: number, readonly outputs: number) {
    this.#pitch = PANEL * Math.ceil((inputs + outputs) / PANEL);
    this.#products = new Float64Array(PANEL * Math.ceil(inputs / PANEL) * this.#pitch);
    this.#sums = new Float64Array(inputs + outputs);
  }

  /** How many rows were added. */
  get count(): number {
    return this.#count;
  }

  /** Bytes that sums of so many columns take. */
  static bytes(inputs: number, outputs: number): number {
    return 8 * inputs * (inputs + outputs);
  }

  /** Adds rows: `[count, inputs + outputs]`, row-major. */
  add(rows: Float32Array, count: number): void {
    for (let start = 0; start < count; start += BLOCK) this.#addBlock(rows, start, Math.min(BLOCK, count - start));
    this.#count += count;
  }

  #addBlock(rows: Float32Array, start: number, count: number): void {
    const width = this.inputs + this.outputs, pitch = this.#pitch, size = PANEL * count;
    const panels = new Float64Array(pitch * count), sums = this.#sums;
    for (let row = 0; row < count; row++) {
      const from = (start + row) * width;
      for (let column = 0; column < width; column++) {
        const value = rows[from + column];
        panels[(column >> 2) * size + row * PANEL + (column & 3)] = value;
        sums[column] += value;
      }
    }
    for (let i = 0; i < this.inputs; i += PANEL) {
      for (let j = i; j < pitch; j += PANEL) this.#multiply(panels, i * count, j * count, size, i * pitch + j);
    }
  }

  /** Products of two panels, added to a tile of four by four. */
  #multiply(panels: Float64Array, a: number, b: number, size: number, tile: number): void {
    let s00 = 0, s01 = 0, s02 = 0, s03 = 0, s10 = 0, s11 = 0, s12 = 0, s13 = 0;
    let s20 = 0, s21 = 0, s22 = 0, s23 = 0, s30 = 0, s31 = 0, s32 = 0, s33 = 0;
    for (const end = a + size; a < end; a += 4, b += 4) {
      const b0 = panels[b], b1 = panels[b + 1], b2 = panels[b + 2], b3 = panels[b + 3];
      const a0 = panels[a], a1 = panels[a + 1], a2 = panels[a + 2], a3 = panels[a + 3];
      s00 += a0 * b0, s01 += a0 * b1, s02 += a0 * b2, s03 += a0 * b3;
      s10 += a1 * b0, s11 += a1 * b1, s12 += a1 * b2, s13 += a1 * b3;
      s20 += a2 * b0, s21 += a2 * b1, s22 += a2 * b2, s23 += a2 * b3;
      s30 += a3 * b0, s31 += a3 * b1, s32 += a3 * b2, s33 += a3 * b3;
    }
    const products = this.#products, pitch = this.#pitch;
    products[tile] += s00, products[tile + 1] += s01, products[tile + 2] += s02, products[tile + 3] += s03;
    tile += pitch;
    products[tile] += s10, products[tile + 1] += s11, products[tile + 2] += s12, products[tile + 3] += s13;
    tile += pitch;
    products[tile] += s20, products[tile + 1] += s21, products[tile + 2] += s22, products[tile + 3] += s23;
    tile += pitch;
    products[tile] += s30, products[tile + 1] += s31, products[tile + 2] += s32, products[tile + 3] += s33;
  }

  /** Sum of column `i` of `x` times column `j` of `[x, y]`. */
  product(i: number, j: number): number {
    return j < i ? this.#products[j * this.#pitch + i] : this.#products[i * this.#pitch + j];
  }

  /** Sum of a column of `[x, y]`. */
  sum(column: number): number {
    return this.#sums[column];
  }

  /** Mean products of the columns of `x` about their means, `[inputs, inputs]`. */
  covariance(): Float64Array {
    const n = this.inputs, count = this.#count, result = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        const mean = this.product(i, j) / count - this.#sums[i] / count * (this.#sums[j] / count);
        result[i * n + j] = result[j * n + i] = mean;
      }
    }
    return result;
  }

  /** True unless some number of the rows is not finite, or a product too large. */
  get isFinite(): boolean {
    return this.#products.every(Number.isFinite);
  }
}

/** How rows are fitted. */
export interface FitRowsOptions {
  /** Share of the mean square of the columns of `x` that a square of a change costs. */
  readonly ridge: number;
  /** Whether a constant is fitted too, which costs nothing. */
  readonly hasOffset: boolean;
}

/** What was fitted. */
export interface FittedRows {
  /** `[outputs, inputs]`. */
  readonly weights: Float64Array;
  /** By output; zeros where no constant was fitted. */
  readonly offsets: Float64Array;
}

/**
 * Weights `W` and offsets `c` for which the sum of `|W x + c - y|²` over the rows is least, drawn to the given weights: a change of them
 * costs its square, times `ridge` times the mean square of a column of `x`. So the sum is never more than that of the given weights with
 * the best offsets. Where `x` is constant, weights stay.
 */
export function fitRows(
  sums: RowSums,
  weights: ArrayLike<number>,
  { ridge, hasOffset }: FitRowsOptions,
): FittedRows {
  const { inputs, outputs, count } = sums;
  const mean = Float64Array.from({ length: inputs + outputs }, (_, k) => hasOffset ? sums.sum(k) / count : 0);
  const gram = new Float64Array(inputs * inputs), change = new Float64Array(inputs * outputs);
  let trace = 0;
  for (let i = 0; i < inputs; i++) {
    for (let j = i; j < inputs; j++) {
      gram[i * inputs + j] = gram[j * inputs + i] = sums.product(i, j) - count * mean[i] * mean[j];
    }
    for (let o = 0; o < outputs; o++) {
      change[i * outputs + o] = sums.product(i, inputs + o) - count * mean[i] * mean[inputs + o];
    }
    trace += gram[i * inputs + i];
  }
  const fitted = Float64Array.from(weights);
  if (trace > 0) {
    const turned = new Float64Array(inputs * outputs);
    for (let o = 0; o < outputs; o++) {
      for (let k = 0; k < inputs; k++) turned[k * outputs + o] = weights[o * inputs + k];
    }
    for (let i = 0; i < inputs; i++) {
      for (let k = 0; k < inputs; k++) {
        const by = gram[i * inputs + k];
        for (let o = 0; o < outputs; o++) change[i * outputs + o] -= by * turned[k * outputs + o];
      }
    }
    for (let i = 0; i < inputs; i++) gram[i * inputs + i] += ridge * trace / inputs;
    factorise(gram, inputs);
    solveFactorised(gram, inputs, change, outputs);
    for (let o = 0; o < outputs; o++) {
      for (let k = 0; k < inputs; k++) fitted[o * inputs + k] += change[k * outputs + o];
    }
  }
  const offsets = Float64Array.from({ length: outputs }, (_, o) => {
    let sum = mean[inputs + o];
    for (let k = 0; k < inputs; k++) sum -= fitted[o * inputs + k] * mean[k];
    return hasOffset ? sum : 0;
  });
  return { weights: fitted, offsets };
}
