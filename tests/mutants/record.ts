/**
 * The record of mutants that were tried: `bench/results/mutants.json`.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { writeWholeIn } from "../../src/data/whole_file.ts";
import { commitHash } from "../../src/recipes/bench/record.ts";
import type { Mutant } from "./mutant.ts";

/** What came of a mutant. A timeout is a death: the tests did not pass. */
export type Outcome = "killed" | "survived" | "timeout" | "broken";

/** One that was tried. */
export interface TriedMutant extends Mutant {
  readonly outcome: Outcome;
  /** Seconds of the processors that its tests took. */
  readonly computed: number;
  /** When, and in which commit. */
  readonly date: string;
  readonly commit: string | null;
}

/** The record of this checkout. */
export const RECORD = new URL("../../bench/results/mutants.json", import.meta.url);

const isSame = (a: Mutant, b: Mutant) =>
  (["id", "file", "before", "after", "test", "filter"] as const).every((field) => a[field] === b[field]);

/** What is recorded of mutants that are in the list as they were tried. */
export async function readTried(mutants: readonly Mutant[]): Promise<TriedMutant[]> {
  try {
    const { tried }: { tried: TriedMutant[] } = JSON.parse(await Deno.readTextFile(RECORD));
    return tried.filter((one) => mutants.some((mutant) => isSame(mutant, one)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** How many came to what. */
export function countOutcomes(tried: readonly TriedMutant[]): Record<Outcome, number> {
  const counts = { killed: 0, survived: 0, timeout: 0, broken: 0 };
  for (const { outcome } of tried) counts[outcome]++;
  return counts;
}

/** Puts what was tried now in the place of what was known, in the order of the list, and writes it. */
export async function writeTried(mutants: readonly Mutant[], now: readonly TriedMutant[]): Promise<TriedMutant[]> {
  const known = await readTried(mutants);
  const tried = mutants.flatMap(({ id }) =>
    [now, known].map((list) => list.find((one) => one.id === id)).find((one) => one) ?? []
  );
  const counts = { mutants: mutants.length, recorded: tried.length, ...countOutcomes(tried) };
  const machine = { os: Deno.build.os, arch: Deno.build.arch, deno: Deno.version.deno };
  await writeWholeIn(fileURLToPath(RECORD), `${JSON.stringify({ ...counts, machine, tried }, null, 1)}\n`);
  return tried;
}

/** The commit that a run is of. */
export const commitNow = commitHash;
