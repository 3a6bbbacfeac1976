/**
 * Matches the factors of a tensor's dims with the extents it was reshaped to.
 *
 * @module
 */

import type { Shape } from "../../graph/graph.ts";
import { type Dim, type Dims, type Factor, valueOf } from "./dim.ts";

/** Dims as one list of factors, neighbouring numbers multiplied, ones left off. */
function factorsOf(dims: Dims): Factor[] {
  const list: Factor[] = [];
  for (const factor of dims.flat()) {
    const last = list.at(-1);
    if (factor === 1) continue;
    if (typeof factor === "number" && typeof last === "number") list[list.length - 1] = last * factor;
    else list.push(factor);
  }
  return list;
}

/**
 * The dims of the reshaped tensor: `old` are its extents for the exported size, `next` those for the new one where they are
 * known already. Undefined if the extents cut through a factor, so that nothing says how they change.
 *
 * A changing extent that was 1 (the batch) goes to the first extent of 1 that stands where it may be, or else joins its
 * neighbour.
 */
export function regroup(dims: Dims, old: Shape, next?: Shape): Dim[] | undefined {
  const queue = factorsOf(dims);
  const out: Factor[][] = [];
  for (const [axis, extent] of old.entries()) {
    const taken: Factor[] = [];
    let rest = extent;
    while (queue.length > 0) {
      const factor = queue[0];
      const value = valueOf(factor, "old");
      if (rest === 1 && !(extent === 1 && value === 1 && taken.length === 0 && mayTake(factor, next?.[axis]))) break;
      if (rest % value === 0) {
        taken.push(factor);
        queue.shift();
      } else if (typeof factor === "number" && factor % rest === 0) {
        taken.push(rest);
        queue[0] = factor / rest;
      } else {
        return undefined;
      }
      rest /= Math.min(value, rest);
    }
    if (rest !== 1) return undefined;
    out.push(taken);
  }
  if (queue.some((factor) => valueOf(factor, "old") !== 1)) return undefined;
  out.at(-1)?.push(...queue);
  const fits = !next || out.every((dim, axis) => valueOf(dim, "new") === next[axis]);
  return fits ? out : undefined;
}

/** Whether a factor that was 1 may become an extent that is now `next`. */
function mayTake(factor: Factor, next: number | undefined): boolean {
  return next === undefined || valueOf(factor, "new") === next;
}
