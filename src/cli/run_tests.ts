/**
 * Runs the repository's tests in a process of their own and counts the results.
 *
 * @module
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { countTests, type TestCounts } from "./junit.ts";

/** Root of the checkout. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Runs this Deno in the checkout with the given arguments, its output on stderr; returns the exit status. */
export async function runDeno(args: readonly string[]): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  await child.stdout.pipeTo(Deno.stderr.writable, { preventClose: true });
  return (await child.status).code;
}

/** What is tested unless paths are given: tests, the examples in the documentation comments, and those in the README. */
function everything(): string[] {
  const candidates = ["tests", "src", "mod.ts", "report.ts", "README.md"];
  return candidates.filter((path) => {
    try {
      return Deno.statSync(join(ROOT, path)) !== undefined;
    } catch {
      return false;
    }
  });
}

/** Which tests to run. */
export interface TestSelection {
  /** Files or folders, relative to the checkout; everything by default. */
  readonly paths?: readonly string[];
  /** Part of the names, or `/expression/`. */
  readonly filter?: string;
}

/** Runs tests; `code` is the exit status of `deno test`, `seconds` the wall-clock time. */
export async function runTests(selection: TestSelection): Promise<TestCounts & { code: number; seconds: number }> {
  const report = await Deno.makeTempFile({ prefix: "featherdet-", suffix: ".xml" });
  try {
    const paths = selection.paths?.length ? selection.paths : everything();
    const filter = selection.filter === undefined ? [] : [`--filter=${selection.filter}`];
    const started = performance.now();
    const code = await runDeno(["test", "-A", "--doc", `--junit-path=${report}`, ...filter, ...paths]);
    const seconds = (performance.now() - started) / 1000;
    const counts = countTests(await Deno.readTextFile(report));
    // A file that does not compile or throws while it loads fails the run without a test of its own.
    const failed = code !== 0 && counts.failed === 0 ? 1 : counts.failed;
    return { ...counts, failed, code, seconds };
  } finally {
    await Deno.remove(report);
  }
}
