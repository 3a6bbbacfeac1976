/**
 * Runs the process that tries inputs, ends it where a case takes too long or too much memory, and starts it again.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { processUse } from "../support/process_use.ts";
import type { Event } from "./child.ts";
import type { Case } from "./target.ts";
import { lockOptions } from "../../src/host/setup/locked.ts";

/** What a case may take. */
export interface Limits {
  /** Milliseconds of the processors: on a machine that others use too, the clock says nothing of a case. */
  readonly time: number;
  /** Milliseconds by the clock, for what waits for ever without computing; `PATIENCE` times `time` by default. */
  readonly wait?: number;
  /** Bytes of the whole process. */
  readonly memory: number;
}

/** A case that was answered wrongly, and how. */
export interface Failure {
  readonly found: Case;
  readonly message: string;
}

/** What was tried. */
export interface Tried {
  /** Cases by target. */
  readonly counts: Readonly<Record<string, number>>;
  readonly failures: readonly Failure[];
  /** Milliseconds of the processors that trying took. */
  readonly computed: number;
}

/** How much longer than it may compute a case may last: a process of the lowest priority gets a small part of a processor. */
const PATIENCE = 20;

/** Usual limits. A picture may have 100 megapixels, which are held three times while it is decoded. */
export const USUAL_LIMITS: Limits = { time: 15_000, memory: 2 * 2 ** 30 };

const CHILD = fileURLToPath(new URL("child.ts", import.meta.url));

/** Milliseconds between two looks at a process: a second of filling memory is some gigabytes. */
const LOOK = 100;

/** Lines of a stream. */
async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

/** How a process ended: by itself or by the watch, and with which case. */
interface End {
  readonly reason: string;
  readonly last: Case | undefined;
  readonly done: boolean;
  /** Milliseconds of the processors, as they were last seen. */
  readonly computed: number;
}

/** Why a process was ended that did nothing wrong. */
const ENOUGH = "enough was tried";

/** Runs one process until it ends, `hear` returns true, or `until` (in milliseconds of `performance.now`). */
async function runChild(
  args: readonly string[],
  until: number,
  limits: Limits,
  hear: (event: Event) => boolean,
): Promise<End> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", ...lockOptions(), "-A", "--no-check", CHILD, ...args],
    ...{ stdin: "null", stdout: "piped", stderr: "piped" },
  }).spawn();
  let last: Case | undefined, since = performance.now(), done = false, reason = "";
  // What the process had computed at the first look at a case.
  let before: number | undefined, computed = 0;
  const wait = limits.wait ?? PATIENCE * limits.time;
  const end = (why: string) => {
    if (reason !== "") return;
    reason = why;
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
  };
  const look = setInterval(async () => {
    const now = performance.now();
    if (now > until) return end(ENOUGH);
    if (last !== undefined && now - since > wait) return end(`waits for more than ${wait / 1000} s`);
    const use = await processUse(child.pid);
    if (use === undefined) return;
    computed = use.computed;
    if (last === undefined) return;
    if (use.memory > limits.memory) return end(`takes ${Math.round(use.memory / 2 ** 20)} MB of memory`);
    before ??= use.computed;
    if (use.computed - before > limits.time) end(`takes more than ${limits.time / 1000} s`);
  }, LOOK);
  const errors = new Response(child.stderr).text();
  try {
    for await (const line of linesOf(child.stdout)) {
      const event: Event = JSON.parse(line);
      if ("begins" in event) [last, since, before] = [event.begins, performance.now(), undefined];
      else if ("done" in event) done = true;
      if (hear(event)) end(ENOUGH);
    }
  } finally {
    clearInterval(look);
  }
  const { code } = await child.status;
  const said = (await errors).trim().split("\n").slice(-8).join("\n");
  return { reason: reason || `the process ends with ${code}: ${said}`, last, done, computed };
}

/** One failure for each of a kind: without the numbers and names in it. */
function kindOf({ found, message }: Failure): string {
  return `${found.target} ${message.split("\n").slice(0, 4).join(" ").replaceAll(/"[^"]*"|\d+(\.\d+)?/g, "#")}`;
}

/** How the fuzzer is run. */
export interface FuzzOptions {
  readonly seed: number;
  /** Milliseconds. */
  readonly time: number;
  /** Cases after which it ends in any case; not limited by default. */
  readonly cases?: number;
  /** Targets (`onnx`), or entries of them (`failing/hangs`). */
  readonly targets: readonly string[];
  readonly limits?: Limits;
  /** Told of each failure of a new kind as it comes. */
  readonly onFailure?: (failure: Failure) => void;
}

/** Tries inputs for a while. */
export async function fuzz(
  { seed, time, targets, cases = Infinity, limits = USUAL_LIMITS, onFailure }: FuzzOptions,
): Promise<Tried> {
  const until = performance.now() + time;
  const counts: Record<string, number> = {};
  let tried = 0, computed = 0;
  const failures = new Map<string, Failure>();
  const fail = (failure: Failure) => {
    const kind = kindOf(failure);
    if (failures.has(kind)) return;
    failures.set(kind, failure);
    onFailure?.(failure);
  };
  for (let start = 0; performance.now() < until; start++) {
    const args = [String((seed * 1_000_003 + start) | 0), ...targets];
    const { reason, last, computed: own } = await runChild(args, until, limits, (event) => {
      if ("begins" in event) {
        counts[event.begins.target] = (counts[event.begins.target] ?? 0) + 1;
        tried++;
      }
      if ("fails" in event) fail({ found: event.fails, message: event.message });
      return tried >= cases;
    });
    computed += own;
    if (reason === ENOUGH) break;
    if (last === undefined) throw new Error(`the fuzzer does not start: ${reason}`);
    fail({ found: last, message: reason });
  }
  return { counts, failures: [...failures.values()], computed };
}

/** Tries one case again; undefined if it is answered well. */
export async function again(found: Case, limits: Limits = USUAL_LIMITS): Promise<Failure | undefined> {
  let failure: Failure | undefined;
  const { reason, done } = await runChild(["case", JSON.stringify(found)], Infinity, limits, (event) => {
    if ("fails" in event) failure = { found, message: event.message };
    return false;
  });
  return done ? undefined : failure ?? { found, message: reason };
}
