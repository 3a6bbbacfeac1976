/**
 * `deno task mutants`: puts one fault after the other into a copy of the toolkit and runs the test that must see it. Each test runs without
 * a fault first, so that what fails anyway kills nothing.
 *
 * @module
 */

import { Command } from "npm:@commander-js/extra-typings@15.1.0";
import { integerIn } from "../../src/cli/arguments.ts";
import { MUTANTS } from "./list/all.ts";
import type { Mutant } from "./mutant.ts";
import { commitNow, countOutcomes, type Outcome, readTried, type TriedMutant, writeTried } from "./record.ts";
import { Copy, type Ending, type RunLimits, type TestRun } from "./run.ts";

/** A mutant may take so many times what its test takes without it, and seconds beyond. */
const MORE = 4, BEYOND = 10;

/** Seconds of a test without a mutant. */
const FIRST: RunLimits = { computed: 120, seconds: 3600 };

const OUTCOMES: Readonly<Record<Exclude<Ending, "stopped">, Outcome>> = {
  passed: "survived",
  failed: "killed",
  timeout: "timeout",
  broken: "broken",
};

const { only, list, rest, maximum } = new Command("mutants")
  .description("Put faults of one line into a copy of the toolkit: its tests have to see them.")
  .option("--only <pattern>", "mutants whose name, file or test holds it")
  .option("--rest", "only those of which the record says nothing yet")
  .option("--maximum <number>", "no more than so many", integerIn(1, 1e6))
  .option("--list", "print them and try none")
  .parse(Deno.args, { from: "user" }).opts();

const known = rest ? await readTried(MUTANTS) : [];
const chosen = MUTANTS.filter(({ id, file, test }) =>
  only === undefined || [id, file, test].some((text) => text.includes(only))
)
  .filter(({ id }) => !known.some((one) => one.id === id))
  .slice(0, maximum);

const abort = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(name, () => {
    if (abort.signal.aborted) Deno.exit(130);
    abort.abort();
  });
}

const widest = Math.max(...MUTANTS.map(({ id }) => id.length));
const line = (id: string, outcome: string, text: string) =>
  console.log(`${id.padEnd(widest)}  ${outcome.padEnd(8)}  ${text}`);

/** Tries mutants in the order of their tests, each of which runs without them first. */
async function tryAll(copy: Copy): Promise<TriedMutant[]> {
  const tried: TriedMutant[] = [], commit = await commitNow();
  const sound = new Map<string, TestRun>();
  for (const mutant of chosen) {
    const key = `${mutant.test}\n${mutant.filter}`;
    let first = sound.get(key);
    if (!first) sound.set(key, first = await copy.test(mutant, FIRST, abort.signal));
    const limits = { computed: MORE * first.computed + BEYOND, seconds: 10 * (MORE * first.seconds + BEYOND) };
    const found = first.ending === "passed"
      ? await copy.with(mutant, () => copy.test(mutant, limits, abort.signal))
      : first;
    if (found.ending === "stopped") break;
    const outcome = first.ending === "passed" ? OUTCOMES[found.ending] : "broken";
    const { computed } = found;
    tried.push({ ...mutant, outcome, computed, date: new Date().toISOString(), commit });
    line(mutant.id, outcome, `${computed.toFixed(1)} s  tests/${mutant.test}`);
    if (outcome === "broken") console.error(`${first.ending} without a fault:\n${found.text}\n`);
    // Kept as it grows: a run takes long.
    await writeTried(MUTANTS, tried);
  }
  return tried;
}

const explained = ({ outcome, survives }: TriedMutant) => outcome === "survived" && survives !== undefined;

if (list) {
  for (const { id, file, why } of chosen) console.log(`${id.padEnd(widest)}  ${file}: ${why}`);
} else {
  await using copy = await Copy.make();
  const tried = await tryAll(copy);
  const { killed, timeout, survived, broken } = countOutcomes(tried);
  console.log(
    `${killed + timeout} of ${tried.length} killed (${timeout} by time), ${survived} survived, ${broken} broken`,
  );
  const alive: Mutant[] = tried.filter((one) => one.outcome === "survived");
  for (const { id, file, before, after, survives } of alive) {
    console.log(`\n${id} survives in ${file}${survives ? `: ${survives}` : ""}\n- ${before}\n+ ${after}`);
  }
  if (abort.signal.aborted) Deno.exitCode = 130;
  else if (broken > 0 || tried.some((one) => one.outcome === "survived" && !explained(one))) Deno.exitCode = 1;
}
