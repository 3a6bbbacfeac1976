/**
 * The time of a dispatch as a sum of what it has to do, fitted to measured dispatches: non-negative costs of threads, rounds, bytes and
 * so on, of all kernels together, of each shader, and of each kind of dispatch. Each level is drawn towards the one above, as much as it
 * lacks measurements of its own.
 *
 * @module
 */

import { nonNegativeLeastSquares } from "../../numbers/nonnegative.ts";
import { WORK_NAMES } from "./describe.ts";

/** A dispatch and what it took. */
export interface TimedWork {
  /** See `DispatchWork`. */
  readonly kind: string;
  /** Path of its shader. */
  readonly shader: string;
  /** By `WORK_NAMES`. */
  readonly work: readonly number[];
  readonly milliseconds: number;
}

/** Milliseconds of a unit of each of `WORK_NAMES`. */
export type Costs = readonly number[];

/** Costs at every level. */
export interface FittedCosts {
  /** Of any dispatch. */
  readonly all: Costs;
  /** By the path of the shader. */
  readonly shaders: Readonly<Record<string, Costs>>;
  /** By the kind of the dispatch. */
  readonly kinds: Readonly<Record<string, Costs>>;
}

/** How much of a dispatch's time measurements are off, and how much a cost may differ from the level above: shares of the time. */
const NOISE = 0.02, SPREAD = 0.3;

/** Milliseconds of some work. */
export function costOf(costs: Costs, work: readonly number[]): number {
  return work.reduce((sum, amount, i) => sum + amount * costs[i], 0);
}

const middle = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

/** Costs of some dispatches, near those of `above` where the dispatches do not tell. Errors count by their share of the time. */
function fitLevel(timed: readonly TimedWork[], above?: Costs): number[] {
  const rows = timed.map(({ work, milliseconds }) => work.map((amount) => amount / milliseconds));
  const values = rows.map(() => 1);
  if (above) {
    // A kind may be slower than its shader on the whole: the proportions of the costs are what it has in common with it.
    const factors = timed.map(({ work, milliseconds }) => milliseconds / costOf(above, work)).filter(Number.isFinite);
    const factor = factors.length > 0 ? middle(factors) : 1;
    const shares = above.map((_, i) => rows.reduce((sum, row) => sum + row[i], 0) / timed.length);
    for (const [i, cost] of above.entries()) {
      const usual = NOISE / SPREAD * shares[i];
      rows.push(above.map((_, j) => i === j ? usual : 0));
      values.push(usual * factor * cost);
    }
  }
  return nonNegativeLeastSquares(rows, values);
}

/** Fits all levels to measured dispatches, of which there is at least one. */
export function fitCosts(timed: readonly TimedWork[]): FittedCosts {
  // A dispatch that takes no time by its timestamps tells nothing.
  const told = timed.filter(({ milliseconds }) => milliseconds > 0), all = fitLevel(told);
  const shaders: Record<string, Costs> = {}, kinds: Record<string, Costs> = {};
  for (const [shader, some] of Map.groupBy(told, ({ shader }) => shader)) {
    shaders[shader] = fitLevel(some, all);
    for (const [kind, few] of Map.groupBy(some, ({ kind }) => kind)) kinds[kind] = fitLevel(few, shaders[shader]);
  }
  return { all, shaders, kinds };
}

/** A network's frame: device time of all its dispatches, how many there are, and milliseconds from picture to boxes. */
export interface TimedFrame {
  readonly device: number;
  readonly dispatches: number;
  readonly frame: number;
}

/** Milliseconds of a frame that are no dispatch, and of a millisecond of dispatches and of each of them. */
export type FrameCosts = readonly [constant: number, device: number, dispatch: number];

/** Fits what a frame takes besides its dispatches. */
export function fitFrame(frames: readonly TimedFrame[]): FrameCosts {
  const rows = frames.map(({ device, dispatches, frame }) => [1, device, dispatches].map((one) => one / frame));
  return nonNegativeLeastSquares(rows, rows.map(() => 1)) as unknown as FrameCosts;
}

/** Milliseconds of a frame. */
export function frameTime([constant, device, dispatch]: FrameCosts, time: number, dispatches: number): number {
  return constant + device * time + dispatch * dispatches;
}

/** Costs by name, for people. */
export function costText(costs: Costs): string {
  const used = costs.flatMap((cost, i) => cost > 0 ? [`${WORK_NAMES[i]} ${cost.toPrecision(3)}`] : []);
  return used.join(", ");
}
