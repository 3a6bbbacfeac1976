/**
 * Problems whose best candidates are known, to compare ways to search on in seconds: widths of a chain of layers, and published functions.
 *
 * @module
 */

import { createSpace, type Point } from "../src/compress/search/space.ts";
import type { SearchProblem } from "../src/compress/search/problem.ts";

/** Layers of the chain, and widths of each. */
const LAYERS = 12, WIDTHS = 8;

/** What each layer costs at full width, and how much it loses when it is narrow. */
const SIZES = Array.from({ length: LAYERS }, (_, i) => 1 + (i * 104729) % 7);
const NEEDS = Array.from({ length: LAYERS }, (_, i) => 0.3 + 1.7 * ((i * 7919) % 13) / 13);

/** What a width of a layer loses; the score of a candidate is exp(-sum). */
const lossOf = (layer: number, width: number) => NEEDS[layer] * Math.exp(-5 * width / WIDTHS);

/** Whole units in which costs are counted: products of two widths, times the size of the layer. */
const UNITS = WIDTHS * WIDTHS, WHOLE = SIZES.reduce((sum, size) => sum + size * UNITS, 0);

/** Cost of a chain in units: a layer reads what the one before makes, as convolutions do. */
function unitsOf(widths: readonly number[]): number {
  return widths.reduce((sum, width, i) => sum + SIZES[i] * (i === 0 ? WIDTHS : widths[i - 1]) * width, 0);
}

/**
 * A chain of 12 layers of 8 widths each within a share of its operations. `evaluations` counts what was asked. With several fidelities a
 * part of an evaluation is the score with noise that follows from the candidate.
 */
export function chainProblem(most = 0.4, fidelities: readonly number[] = [1]): SearchProblem {
  const dimensions = SIZES.map((size, i) => ({
    name: `layer ${i}`,
    kind: "width" as const,
    values: Array.from({ length: WIDTHS }, (_, k) => (k + 1) / WIDTHS),
    features: [size, i % 3, i === 0 ? 0 : SIZES[i - 1], (i + 1) % 2, i / LAYERS, 1],
  }));
  const widthsOf = (point: Point) => point.map((at) => at + 1);
  return {
    space: createSpace(dimensions),
    basis: "a chain of layers",
    aims: [{ name: "score", better: "more" }],
    cost: (point) => unitsOf(widthsOf(point)) / WHOLE,
    most,
    fill: true,
    fidelities,
    evaluate(point, fidelity) {
      const score = Math.exp(-widthsOf(point).reduce((sum, width, i) => sum + lossOf(i, width), 0));
      const noise = Math.sin(1e4 * point.reduce((sum, at, i) => sum + at * Math.sqrt(i + 2), 0));
      return Promise.resolve([score + 0.02 * (1 - fidelity) * noise]);
    },
  };
}

/** The best score within a share of the operations, exactly: dynamic programming over layers, widths and whole units of cost. */
export function bestOfChain(most: number): number {
  const limit = Math.floor(most * WHOLE + 1e-9);
  /** Least loss by the width of the last layer and the units that were spent. */
  let states = new Map([[`${WIDTHS} 0`, 0]]);
  for (let layer = 0; layer < LAYERS; layer++) {
    const next = new Map<string, number>();
    for (const [key, loss] of states) {
      const [before, spent] = key.split(" ").map(Number);
      for (let width = 1; width <= WIDTHS; width++) {
        const cost = spent + SIZES[layer] * before * width;
        if (cost > limit) break;
        const name = `${width} ${cost}`, sum = loss + lossOf(layer, width);
        if (sum < (next.get(name) ?? Infinity)) next.set(name, sum);
      }
    }
    states = next;
  }
  return Math.exp(-Math.min(...states.values()));
}

/** Numbers from `low` to `high`, both included. */
const grid = (low: number, high: number, count: number) =>
  Array.from({ length: count }, (_, i) => low + (high - low) * i / (count - 1));

/** ZDT1 (Zitzler, Deb and Thiele 2000) of 30 numbers, in steps of 1/1000; the front is `1 - sqrt(x)` for x in 0..1. */
export function zdt1(): SearchProblem {
  const values = grid(0, 1, 1001);
  return {
    space: createSpace(Array.from({ length: 30 }, (_, i) => ({ name: `x${i}`, kind: "other", values }))),
    basis: "ZDT1",
    aims: [{ name: "f1", better: "less" }, { name: "f2", better: "less" }],
    evaluate(point) {
      const [x, ...rest] = point.map((at) => values[at]);
      const g = 1 + 9 * rest.reduce((sum, one) => sum + one, 0) / rest.length;
      return Promise.resolve([x, g * (1 - Math.sqrt(x / g))]);
    },
  };
}

/** Branin's function (Dixon and Szego 1978) on a grid of 301 x 301; its least value is 0.397887. */
export function branin(): SearchProblem {
  const xs = grid(-5, 10, 301), ys = grid(0, 15, 301);
  return {
    space: createSpace([{ name: "x", kind: "other", values: xs }, { name: "y", kind: "other", values: ys }]),
    basis: "Branin",
    aims: [{ name: "f", better: "less" }],
    evaluate(point) {
      const x = xs[point[0]], y = ys[point[1]];
      const bowl = y - 5.1 * x * x / (4 * Math.PI ** 2) + 5 * x / Math.PI - 6;
      return Promise.resolve([bowl * bowl + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10]);
    },
  };
}
