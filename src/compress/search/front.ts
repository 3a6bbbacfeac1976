/**
 * Candidates of several aims: who beats whom, fronts, and how much of the plane a front covers. Less is better in every aim here.
 *
 * @module
 */

/** Figures of a candidate, of each of which less is better. */
export type Losses = readonly number[];

/** Whether `a` is as good as `b` in every aim and better in one. */
export function dominates(a: Losses, b: Losses): boolean {
  return a.every((value, i) => value <= b[i]) && a.some((value, i) => value < b[i]);
}

/**
 * The rank of each candidate: 0 for those that none beats, 1 for those that only these beat, and so on (Deb et al. 2002, fast
 * non-dominated sorting).
 */
export function ranksOf(losses: readonly Losses[]): number[] {
  const beats = losses.map((): number[] => []), beatenBy = losses.map(() => 0);
  for (let i = 0; i < losses.length; i++) {
    for (let j = i + 1; j < losses.length; j++) {
      if (dominates(losses[i], losses[j])) beats[i].push(j), beatenBy[j]++;
      else if (dominates(losses[j], losses[i])) beats[j].push(i), beatenBy[i]++;
    }
  }
  const ranks = losses.map(() => 0);
  let front = beatenBy.flatMap((count, i) => count === 0 ? [i] : []);
  for (let rank = 0; front.length > 0; rank++) {
    const next: number[] = [];
    for (const i of front) {
      ranks[i] = rank;
      for (const j of beats[i]) if (--beatenBy[j] === 0) next.push(j);
    }
    front = next;
  }
  return ranks;
}

/** How far the neighbours of each candidate of one front are from it, in shares of each aim's range; infinite at the ends. */
export function crowdingOf(losses: readonly Losses[]): number[] {
  const crowding = losses.map(() => 0);
  for (let aim = 0; aim < (losses[0]?.length ?? 0); aim++) {
    const order = losses.map((_, i) => i).sort((a, b) => losses[a][aim] - losses[b][aim] || a - b);
    const range = losses[order.at(-1)!][aim] - losses[order[0]][aim];
    crowding[order[0]] = crowding[order.at(-1)!] = Infinity;
    if (range === 0) continue;
    for (let k = 1; k < order.length - 1; k++) {
      crowding[order[k]] += (losses[order[k + 1]][aim] - losses[order[k - 1]][aim]) / range;
    }
  }
  return crowding;
}

/** The numbers of the candidates that no other beats; of equal ones the first. */
export function frontOf(losses: readonly Losses[]): number[] {
  return losses.flatMap((one, i) => {
    const isBeaten = losses.some((other, j) =>
      dominates(other, one) || j < i && other.every((value, aim) => value === one[aim])
    );
    return isBeaten ? [] : [i];
  });
}

/**
 * The area that candidates of two aims cover up to a reference point, of which they are to be no worse in both (Zitzler and Thiele 1999).
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { hypervolume } from "./front.ts";
 * assert.equal(hypervolume([[0, 1], [1, 0]], [2, 2]), 3);
 * ```
 */
export function hypervolume(losses: readonly Losses[], [right, top]: Losses): number {
  const inside = losses.filter(([x, y]) => x < right && y < top).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let area = 0, lowest = top;
  for (const [x, y] of inside) {
    if (y >= lowest) continue;
    area += (right - x) * (lowest - y);
    lowest = y;
  }
  return area;
}
