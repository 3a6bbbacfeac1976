/**
 * The process in which inputs are tried, which may hang or die: it says each case before it begins it. A line of its output is an
 * `Event` in JSON.
 *
 * Arguments: seed, targets and entries (`onnx`, `failing/hangs`), or `case` and a case in JSON.
 *
 * @module
 */

import fc from "npm:fast-check@4.10.2";
import type { Case } from "./target.ts";
import { loadTarget } from "./targets.ts";

/** What the process tells. */
export type Event =
  | { readonly begins: Case }
  | { readonly fails: Case; readonly message: string }
  | { readonly done: true };

/** Cases of one entry between two looks at the next. */
const BATCH = 12;

function tell(event: Event): void {
  let bytes = new TextEncoder().encode(`${JSON.stringify(event)}\n`);
  while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
}

const messageOf = (error: unknown) => error instanceof Error ? error.stack ?? error.message : String(error);

async function tryEntry(name: string, entry: string, seed: number): Promise<void> {
  const { changes, run } = await loadTarget(name);
  const property = fc.asyncProperty(changes, async (list) => {
    tell({ begins: { target: name, entry, changes: list } });
    await run(entry, list);
  });
  const { failed, counterexample, errorInstance } = await fc.check(property, {
    seed,
    numRuns: BATCH,
    interruptAfterTimeLimit: 20_000,
    markInterruptAsFailure: false,
  });
  if (!failed || counterexample === null) return;
  tell({ fails: { target: name, entry, changes: counterexample[0] }, message: messageOf(errorInstance) });
}

/** Endless: whoever started the process ends it. */
async function tryAll(seed: number, names: readonly string[]): Promise<never> {
  const random = fc.sample(fc.nat(), { seed, numRuns: 1 })[0];
  for (let round = 0;; round++) {
    for (const [index, path] of names.entries()) {
      const [name, only] = path.split("/");
      const { entries } = await loadTarget(name);
      // Entries in turn, from another one on for each seed.
      const entry = only ?? entries[(random + round) % entries.length];
      await tryEntry(name, entry, (seed * 7919 + round * 31 + index) | 0);
    }
  }
}

async function tryOne({ target, entry, changes }: Case): Promise<void> {
  tell({ begins: { target, entry, changes } });
  try {
    await (await loadTarget(target)).run(entry, changes);
    tell({ done: true });
  } catch (error) {
    tell({ fails: { target, entry, changes }, message: messageOf(error) });
  }
}

if (import.meta.main) {
  const [first, ...rest] = Deno.args;
  // What libraries print must not stand between the lines.
  console.log =
    console.info =
    console.debug =
    console.warn =
      console.error;
  await (first === "case" ? tryOne(JSON.parse(rest[0])) : tryAll(Number(first), rest));
}
