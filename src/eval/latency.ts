/**
 * Time: repeated measurement and its statistics.
 *
 * @module
 */

import { max, min, quantile } from "npm:simple-statistics@7.12.1";
import { FeatherdetError } from "../graph/error.ts";

/** Milliseconds of a repeated piece of work. */
export interface Latency {
  /** How often it was measured. */
  readonly count: number;
  /** Half of the samples were faster. */
  readonly median: number;
  /** Nine of ten samples were faster, interpolated between samples. */
  readonly p90: number;
  /** The fastest. */
  readonly min: number;
  /** The slowest. */
  readonly max: number;
}

/**
 * Statistics of a sample of milliseconds. Throws FeatherdetError for an empty sample.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { summarize } from "./latency.ts";
 * assert.deepEqual(summarize([3, 1, 2]), { count: 3, median: 2, p90: 2.8, min: 1, max: 3 });
 * ```
 */
export function summarize(milliseconds: readonly number[]): Latency {
  if (milliseconds.length === 0) throw new FeatherdetError("there are no times to summarize");
  const sample = [...milliseconds];
  return {
    count: sample.length,
    median: quantile(sample, 0.5),
    p90: quantile(sample, 0.9),
    min: min(sample),
    max: max(sample),
  };
}

/** What something takes, and what it gives. */
export async function timed<T>(work: () => T | Promise<T>): Promise<{ value: T; milliseconds: number }> {
  const started = performance.now();
  const value = await work();
  return { value, milliseconds: performance.now() - started };
}

/** One of several pieces of work that are compared. */
export interface Contestant {
  readonly work: () => unknown;
  /** How often it is done each round; default 1. Slow ones do with fewer samples. */
  readonly each?: number;
}

/**
 * Asks several contestants in turn, round by round. Each round begins with the next one, so that none always comes first or last. Each is
 * asked `warmup` times before, and what it says then is dropped. Returns the answers of each, in the order given.
 */
export async function runRounds<T>(
  contestants: readonly (() => T | Promise<T>)[],
  rounds: number,
  warmup = 1,
): Promise<T[][]> {
  for (let round = 0; round < warmup; round++) {
    for (const ask of contestants) await ask();
  }
  const answers = contestants.map((): T[] => []);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contestants.length; turn++) {
      const index = (round + turn) % contestants.length;
      answers[index].push(await contestants[index]());
    }
  }
  return answers;
}

/**
 * Measures several pieces of work in turn, round by round, so that a machine that slows down or is disturbed does not favour
 * one of them. Each is done `warmup` times before, unmeasured. Returns the milliseconds of each, in the order given.
 */
export async function interleave(
  contestants: readonly Contestant[],
  rounds: number,
  warmup = 1,
): Promise<number[][]> {
  for (let round = 0; round < warmup; round++) {
    for (const { work } of contestants) await work();
  }
  const turns = contestants.map(({ work, each = 1 }) => async () => {
    const times: number[] = [];
    for (let k = 0; k < each; k++) times.push((await timed(work)).milliseconds);
    return times;
  });
  return (await runRounds(turns, rounds, 0)).map((times) => times.flat());
}

/** Results a second of a stream, counted from the first result to the last. Throws FeatherdetError for fewer than two. */
export async function throughput(stream: AsyncIterable<unknown>): Promise<number> {
  let count = 0, first = 0, last = 0;
  for await (const _ of stream) {
    last = performance.now();
    if (count++ === 0) first = last;
  }
  if (count < 2) throw new FeatherdetError(`the throughput of ${count} results cannot be told`);
  return (count - 1) * 1000 / (last - first);
}
