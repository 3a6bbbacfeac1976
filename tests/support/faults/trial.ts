/**
 * Tries operations under faults. What must hold is the same everywhere: the error is one sentence, no result is stale or partial, the next
 * call is right, and nothing is left on the device.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { liveResources } from "../../../src/gpu/memory.ts";
import { FeatherdetError } from "../../../src/graph/error.ts";
import type { Fault, Grounds, Operation } from "./fault.ts";

/** What came of an operation under a fault. */
export interface Outcome {
  readonly operation: string;
  readonly fault: string;
  /** An error; the right result nevertheless; the operation never does what fails. */
  readonly came: "error" | "result" | "absent";
  /** The errors' sentences. */
  readonly sentences: readonly string[];
}

/** Which of the calls that can fail do, one in each trial. */
export type Places = (calls: number) => readonly number[];

/** The first, the middle and the last one. */
export const SOME_PLACES: Places = (calls) => [...new Set([1, Math.ceil(calls / 2), calls])];

/** The error's sentence. Fails for an error that is none of ours, or more than a sentence. */
export function sentenceOf(error: unknown, what: string): string {
  assert(error instanceof FeatherdetError, `${what}: ${error instanceof Error ? error.stack : error}`);
  assert(!/\n|undefined|\[object/.test(error.message) && error.message.length < 240, `${what}: ${error.message}`);
  return error.message;
}

/** One trial: call number `at` fails, or with 0 none does. Returns the calls that could fail, and the error. */
async function tryOnce<Ground>(
  operation: Operation<Ground>,
  fault: Fault<Ground>,
  at: number,
  grounds: Grounds<Ground>,
): Promise<{ readonly calls: number; readonly error?: string }> {
  const what = `${operation.name}, ${fault.name} at call ${at}`;
  const before = liveResources();
  const ground = await grounds.for(fault);
  let other: Ground | undefined;
  let opened = await operation.open(ground);
  try {
    const first = fault.wantsFresh ? undefined : await opened.run(0);
    const kept = await opened.kept?.();
    const armed = fault.arm(ground, at);
    let outcome: PromiseSettledResult<unknown>;
    try {
      [outcome] = await Promise.allSettled([opened.run(1)]);
    } finally {
      armed.disarm();
    }
    const { calls, failed } = armed;
    if (at > 0) assertEquals(failed, 1, `${what}: it did not happen`);
    let error: string | undefined;
    if (outcome.status === "rejected") {
      assert(at > 0, `${what}: ${outcome.reason}`);
      error = sentenceOf(outcome.reason, what);
      assertEquals(await opened.kept?.(), kept, `${what}: what was there before is gone`);
    }
    if (fault.isFinal && at > 0) {
      const [again] = await Promise.allSettled([opened.run(1)]);
      assert(again.status === "rejected", `${what}: a lost device still answers`);
      assertEquals(sentenceOf(again.reason, what), error, `${what}: another sentence`);
      opened.close();
      opened = await operation.open(other = await grounds.fresh());
    }
    const next = await opened.run(1);
    if (outcome.status === "fulfilled") assertEquals(outcome.value, next, `${what}: a wrong result`);
    const again = await opened.run(0);
    if (first !== undefined) assertEquals(again, first, `${what}: the call behind the next`);
    assert(JSON.stringify(next) !== JSON.stringify(again), `${what}: the inputs give equal results`);
    if (!fault.isFinal) assertEquals(grounds.unheard(ground), [], `${what}: errors that nobody asked for`);
    return { calls, error };
  } finally {
    opened.close();
    assertEquals(liveResources(), before, `${what}: resources are left on the device`);
    for (const one of [ground, other]) if (one !== undefined) grounds.leave(one);
  }
}

/** Tries an operation under a fault at the given places. */
export async function tryUnder<Ground>(
  operation: Operation<Ground>,
  fault: Fault<Ground>,
  grounds: Grounds<Ground>,
  places: Places = SOME_PLACES,
): Promise<Outcome> {
  const names = { operation: operation.name, fault: fault.name };
  const { calls } = await tryOnce(operation, fault, 0, grounds);
  if (calls === 0) return { ...names, came: "absent", sentences: [] };
  const sentences: string[] = [];
  let came: Outcome["came"] = "result";
  for (const at of places(calls)) {
    const { error } = await tryOnce(operation, fault, at, grounds);
    if (error === undefined) continue;
    came = "error";
    sentences.push(error);
  }
  return { ...names, came, sentences };
}
