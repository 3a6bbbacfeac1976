/**
 * Quadratic unconstrained binary optimization (QUBO): the form that quantum annealers take. What is minimised is a sum over variables that
 * are 0 or 1, `offset + sum of a_i x_i + sum of b_ij x_i x_j`.
 *
 * Two file formats are written and read: the one of D-Wave's qbsolv (`.qubo`) and coordinates (`.coo`, as dimod reads). Neither has a
 * place for the offset.
 *
 * @module
 */

import { FeatherdetError } from "../../../graph/mod.ts";

/** A problem in binary variables. */
export class Qubo {
  /** Number of variables. */
  readonly size: number;
  /** Added to every energy. */
  offset = 0;
  /** Factor of each variable. */
  readonly linear: Float64Array;
  /** Factors of pairs, by the lower number and then the higher one. */
  readonly #pairs: readonly Map<number, number>[];

  /** A problem of so many variables, all of whose factors are 0. */
  constructor(size: number) {
    if (!Number.isInteger(size) || size < 1) throw new FeatherdetError(`a QUBO has at least one variable, not ${size}`);
    this.size = size;
    this.linear = new Float64Array(size);
    this.#pairs = Array.from({ length: size }, () => new Map());
  }

  /** Adds to the factor of a pair; of a variable with itself it is the variable's own, since 1 x 1 is 1. */
  add(i: number, j: number, factor: number): void {
    if (factor === 0) return;
    if (i === j) {
      this.linear[i] += factor;
      return;
    }
    const [low, high] = i < j ? [i, j] : [j, i], row = this.#pairs[low];
    row.set(high, (row.get(high) ?? 0) + factor);
  }

  /**
   * Adds `weight x (sum of coefficient_i x_i - target)^2`: a penalty that is 0 where the sum is met.
   */
  addSquare(coefficients: readonly number[], target: number, weight: number): void {
    coefficients.forEach((a, i) => {
      if (a === 0) return;
      this.linear[i] += weight * a * (a - 2 * target);
      for (let j = i + 1; j < coefficients.length; j++) this.add(i, j, 2 * weight * a * coefficients[j]);
    });
    this.offset += weight * target * target;
  }

  /** Pairs whose factor is not 0, lower numbers first. */
  *pairs(): Generator<readonly [i: number, j: number, factor: number]> {
    for (const [i, row] of this.#pairs.entries()) {
      for (const j of [...row.keys()].sort((a, b) => a - b)) if (row.get(j) !== 0) yield [i, j, row.get(j)!];
    }
  }

  /** What variables give, 1 for true. */
  energy(x: ArrayLike<number>): number {
    let sum = this.offset;
    for (let i = 0; i < this.size; i++) if (x[i]) sum += this.linear[i];
    for (const [i, j, factor] of this.pairs()) if (x[i] && x[j]) sum += factor;
    return sum;
  }
}

/**
 * A problem in the format of qbsolv: comments, the line `p qubo 0 N N C`, a line for each variable, a line for each of C pairs.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { Qubo, readQubo, writeQubo } from "./qubo.ts";
 * const qubo = new Qubo(2);
 * qubo.addSquare([1, 1], 1, 3); // one of the two
 * assert.equal(writeQubo(qubo), "p qubo 0 2 2 1\n0 0 -3\n1 1 -3\n0 1 6\n");
 * assert.equal(readQubo(writeQubo(qubo)).energy([1, 1]), 0); // without the offset of 3
 * ```
 */
export function writeQubo(qubo: Qubo, comment = ""): string {
  const pairs = [...qubo.pairs()];
  const comments = comment === "" ? [] : comment.split("\n").map((line) => `c ${line}`);
  const variables = Array.from(qubo.linear, (factor, i) => `${i} ${i} ${factor}`);
  const head = `p qubo 0 ${qubo.size} ${qubo.size} ${pairs.length}`;
  return [...comments, head, ...variables, ...pairs.map((pair) => pair.join(" ")), ""].join("\n");
}

/** A problem as coordinates, the form that dimod reads as `.coo`. */
export function writeCoo(qubo: Qubo): string {
  const variables = Array.from(qubo.linear, (factor, i) => `${i} ${i} ${factor}`);
  return ["# vartype=BINARY", ...variables, ...[...qubo.pairs()].map((pair) => pair.join(" ")), ""].join("\n");
}

/** Entries `i j factor` as lines have them. */
function entryOf(line: string, fault: (says: string) => FeatherdetError): readonly [number, number, number] {
  const parts = line.split(/\s+/).map(Number), [i, j, factor] = parts;
  const isEntry = parts.length === 3 && Number.isInteger(i) && Number.isInteger(j) && i >= 0 && j >= 0;
  if (!isEntry || !Number.isFinite(factor)) throw fault(`"${line}" is no entry "i j factor"`);
  return [i, j, factor];
}

/** Reads the format of qbsolv, or coordinates. Throws FeatherdetError that names the file and the line. */
export function readQubo(text: string, file = "problem.qubo"): Qubo {
  const entries: (readonly [number, number, number])[] = [];
  let declared: readonly number[] | undefined, diagonals = 0;
  for (const [at, whole] of text.split("\n").entries()) {
    const line = whole.trim();
    const fault = (says: string) => new FeatherdetError(`line ${at + 1}: ${says}`, { file });
    if (line === "" || line.startsWith("#") || /^c\b/.test(line)) continue;
    if (line.startsWith("p")) {
      const found = /^p\s+qubo\s+0\s+(\d+)\s+(\d+)\s+(\d+)$/.exec(line);
      if (!found || declared) throw fault(`"${line}" is not the one line "p qubo 0 N N C"`);
      declared = found.slice(1).map(Number);
      continue;
    }
    const entry = entryOf(line, fault), [i, j] = entry;
    if (declared && Math.max(i, j) >= declared[0]) throw fault(`there are only ${declared[0]} variables`);
    if (i === j) diagonals++;
    entries.push(entry);
  }
  if (declared && (diagonals !== declared[1] || entries.length - diagonals !== declared[2])) {
    throw new FeatherdetError(
      `has ${diagonals} variables and ${entries.length - diagonals} pairs, its head says ${declared[1]} and ${
        declared[2]
      }`,
      { file },
    );
  }
  const qubo = new Qubo(declared?.[0] ?? entries.reduce((most, [i, j]) => Math.max(most, i + 1, j + 1), 0));
  for (const [i, j, factor] of entries) qubo.add(i, j, factor);
  return qubo;
}
