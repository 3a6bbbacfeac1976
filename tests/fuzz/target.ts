/**
 * What the fuzzer tries: good inputs by name, changes to them, and a run that throws where an input is answered wrongly.
 *
 * @module
 */

import type fc from "npm:fast-check@4.10.2";
import { FeatherdetError } from "../../src/graph/error.ts";

/** A kind of input. `Change` is plain data. */
export interface Target<Change = unknown> {
  /** Names of the good inputs. */
  readonly entries: readonly string[];
  /** Changes to one of them. */
  readonly changes: fc.Arbitrary<Change[]>;
  /** Tries one; throws where it is answered neither right nor with one sentence. */
  run(entry: string, changes: readonly Change[]): Promise<void>;
}

/** One input, as it is printed and tried again. */
export interface Case {
  readonly target: string;
  readonly entry: string;
  readonly changes: readonly unknown[];
}

/** A target whose changes are its own business. */
export function target<Change>(one: Target<Change>): Target {
  return one as unknown as Target;
}

/** A folder for the files of a target, which goes with the process. */
export function fuzzFolder(): string {
  const folder = Deno.makeTempDirSync({ prefix: "featherdet-fuzz-" });
  globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  return folder;
}

/** What an input is answered with that must be accepted or refused; undefined for a refusal in one sentence. */
export async function accepted<T>(run: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof FeatherdetError)) throw error;
    // deno-lint-ignore no-control-regex
    if (error.message === "" || /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/.test(error.message)) {
      throw new Error(`the refusal is not one line of plain text: ${JSON.stringify(error.message)}`);
    }
    if (error.message.length > 4000) throw new Error(`the refusal has ${error.message.length} characters`);
    return undefined;
  }
}

/** Throws where a statement on an accepted input does not hold. */
export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}
