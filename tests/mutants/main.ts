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

const { only, list, rest, jobs } = new Command("mutants")
  .description("Put faults of one line into a copy of the toolkit: its tests have to see them.")
  .option("--only <pattern>", "mutants whose name, file or test holds it")
  .option("--rest", "only those that the record does not know to be killed")
  .option("--jobs <number>", "how many at once, each in a copy of its own", integerIn(1, 64), 1)
  .option("--list", "print them and try none")
  .parse(Deno.args, { from: "user" }).opts();

const known = rest
  ? (await readTried(MUTANTS)).filter(({ outcome }) => outcome === "killed" || outcome === "timeout")
  : [];
const chosen = MUTANTS.filter(({ id, file, test }) =>
  only === undefined || [id, file, test].some((text) => text.includes(only))
)
  .filter(({ id }) => !known.some((one) => one.id === id));

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

const escaped = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

/** Runs all tests that mutants of one file of tests need, without a mutant: those whose test does not pass are broken. */
async function withoutFault(
  copy: Copy,
  mutants: readonly Mutant[],
): Promise<TestRun & { isSound(mutant: Mutant): boolean }> {
  const filter = `/${[...new Set(mutants.map((mutant) => escaped(mutant.filter)))].join("|")}/`;
  const run = await copy.test({ test: mutants[0].test, filter }, FIRST, abort.signal);
  // A slow test is announced in the middle of its line.
  const text = run.text.replaceAll(/'[^\n]*' has been running for over [^\n]*\n/g, "");
  const passed = text.split("\n").filter((line) => / \.\.\. ok \(/.test(line));
  const isSound = (mutant: Mutant) => run.ending === "passed" && passed.some((line) => line.includes(mutant.filter));
  return { ...run, isSound };
}

const tried: TriedMutant[] = [], commit = await commitNow();

/** Tries the mutants of one file of tests. */
async function tryGroup(copy: Copy, mutants: readonly Mutant[]): Promise<void> {
  const first = await withoutFault(copy, mutants);
  const limits = { computed: MORE * first.computed + BEYOND, seconds: 10 * (MORE * first.seconds + BEYOND) };
  for (const mutant of mutants) {
    const isSound = first.isSound(mutant);
    const found = isSound ? await copy.with(mutant, () => copy.test(mutant, limits, abort.signal)) : first;
    if (found.ending === "stopped" || abort.signal.aborted) return;
    const outcome = isSound ? OUTCOMES[found.ending as Exclude<Ending, "stopped">] : "broken";
    const { computed } = found;
    tried.push({ ...mutant, outcome, computed, date: new Date().toISOString(), commit });
    line(mutant.id, outcome, `${computed.toFixed(1)} s  tests/${mutant.test}`);
    if (outcome === "broken") {
      console.error(`${mutant.filter}: ${first.ending} without a fault\n${found.text.slice(-1500)}\n`);
    }
    // Kept as it grows: a run takes long.
    writing = writing.then(() => writeTried(MUTANTS, tried)).then(() => {});
    await writing;
  }
}

/** One write after another. */
let writing: Promise<void> = Promise.resolve();

/** Tries all, some files of tests at a time. */
async function tryAll(): Promise<void> {
  const groups = [...Map.groupBy(chosen, ({ test }) => test).values()];
  await Promise.all(Array.from({ length: Math.min(jobs, groups.length) }, async () => {
    await using copy = await Copy.make();
    for (let group = groups.shift(); group && !abort.signal.aborted; group = groups.shift()) {
      await tryGroup(copy, group);
    }
  }));
}

const explained = ({ outcome, survives }: TriedMutant) => outcome === "survived" && survives !== undefined;

if (list) {
  for (const { id, file, why } of chosen) console.log(`${id.padEnd(widest)}  ${file}: ${why}`);
} else {
  await tryAll();
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
