/**
 * `ok`: everything that has to hold before a change is kept.
 *
 * @module
 */

import { summarize } from "./junit.ts";
import { runDeno, runTests } from "./run_tests.ts";
import { ENTRY_POINTS } from "./test_files.ts";
import { deviceAction, deviceVerb } from "./verb.ts";

/** Checks that are one call of Deno each, in the order of their cost. */
const CHECKS: readonly (readonly [name: string, args: readonly string[]])[] = [
  ["format", ["fmt", "--check"]],
  ["lint", ["lint"]],
  ["types", ["check", "."]],
  // Page by page: what a signature mentions has to be on the same page.
  ...ENTRY_POINTS.map((page) => [`documentation of ${page}`, ["doc", "--lint", page]] as const),
];

/** The verb `ok`. */
export const okVerb = deviceVerb(
  "ok",
  "Check format, lint, types, documentation and import directions, and run the tests.",
  "deno task ok",
).action(async (options) => {
  await deviceAction<typeof options>(async (_, output) => {
    const steps: { name: string; ok: boolean; seconds: number }[] = [];
    const finish = (name: string, ok: boolean, seconds: number, detail = "") => {
      steps.push({ name, ok, seconds });
      output.line(`${ok ? "ok    " : "FAILED"}  ${name}${detail && `: ${detail}`}  (${seconds.toFixed(1)} s)`);
    };
    for (const [name, args] of CHECKS) {
      const started = performance.now();
      const code = await runDeno(args);
      finish(name, code === 0, (performance.now() - started) / 1000);
    }
    const { code, seconds, failures, passed, failed, skipped } = await runTests({});
    const counts = { passed, failed, skipped };
    for (const failure of failures) output.note(failure);
    finish("import directions, tests", code === 0, seconds, summarize(counts));
    if (steps.some(({ ok }) => !ok)) Deno.exitCode = 1;
    return { steps, ...counts };
  })(options);
});
