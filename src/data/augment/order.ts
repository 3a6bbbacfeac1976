/**
 * The order of the pictures. Every epoch has an order of its own that follows from the seed alone, so that a run can begin anywhere.
 *
 * @module
 */

import type { Random } from "../../numbers/random.ts";
import { type Partners, randomAt } from "./sample.ts";

/**
 * The partners of a mosaic are among so many neighbours in the order of the epoch: the order is random, so they are too, and a data set that
 * does not fit into memory is still decoded about once an epoch.
 */
const NEIGHBOURS = 128;

/** The places of the generators that shuffle pictures and batches among those of an epoch; pictures have the others. */
const SHUFFLE = -1, SHUFFLE_BATCHES = -2;

/** The numbers below `count`, shuffled for an epoch, or as they are. */
export function epochOrder(count: number, seed: number, epoch: number, shuffle: boolean): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  return shuffle ? shuffled(order, randomAt(seed, epoch, SHUFFLE)) : order;
}

/** Steps of an epoch, shuffled: the order in which batches come that came before. */
export function batchOrder(steps: number, seed: number, epoch: number): Uint32Array {
  return shuffled(Uint32Array.from({ length: steps }, (_, index) => index), randomAt(seed, epoch, SHUFFLE_BATCHES));
}

/** Shuffles in place (Fisher and Yates). */
function shuffled(order: Uint32Array<ArrayBuffer>, random: Random): Uint32Array<ArrayBuffer> {
  for (let last = order.length - 1; last > 0; last--) {
    const other = random.integer(last + 1);
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

/** How three partners are chosen for the picture at `place` of an order; the same may come twice, as in a data set of one picture. */
export function partnersNear(order: Uint32Array, place: number): Partners {
  const count = Math.min(NEIGHBOURS, order.length);
  const first = Math.min(Math.max(0, place - NEIGHBOURS / 2), order.length - count);
  return (random: Random) => Array.from({ length: 3 }, () => order[first + random.integer(count)]);
}
