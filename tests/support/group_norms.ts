/**
 * Norms of coupling groups, element by element in float64, from the lists of their members alone.
 *
 * @module
 */

import { couplingGroups } from "../../src/graph/channels/mod.ts";
import type { Graph } from "../../src/graph/mod.ts";

/** Inputs of a BatchNormalization that training does not change: mean and variance. */
const STATISTICS = [3, 4];

/** Sums of the squares of each slice of a constant along an axis. */
function sliceSquares(graph: Graph, constant: string, axis: number): Float64Array {
  const { shape, data } = graph.constants.get(constant)!;
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1), sums = new Float64Array(shape[axis]);
  for (let at = 0; at < data.length; at++) sums[Math.floor(at / inner) % shape[axis]] += Number(data[at]) ** 2;
  return sums;
}

/** For each group that can be removed the norm of its weights, scales and biases; numbers that several nodes read count once. */
export function groupNorms(graph: Graph): number[] {
  const squares = new Map<string, Float64Array>();
  return couplingGroups(graph).groups.map(({ members }) => {
    const seen = new Set<string>();
    let sum = 0;
    for (const { operator, input, constant, axis, indices } of members) {
      const key = `${constant} ${axis}`;
      if (seen.has(key) || (operator === "BatchNormalization" && STATISTICS.includes(input))) continue;
      seen.add(key);
      const own = squares.get(key) ?? sliceSquares(graph, constant, axis);
      squares.set(key, own);
      for (const index of indices) sum += own[index];
    }
    return Math.sqrt(sum);
  });
}
