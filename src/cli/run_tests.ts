/**
 * Runs the repository's tests in processes of their own and counts the results.
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

/** As `runDeno`, but what it prints is held back until `turn`. */
async function runDenoHeld(args: readonly string[], turn: Promise<unknown>): Promise<number> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args: [...args], cwd: ROOT }).output();
  await turn;
  for (const bytes of [stderr, stdout]) {
    await new Blob([bytes]).stream().pipeTo(Deno.stderr.writable, { preventClose: true });
  }
  return code;
}

/**
 * What is tested unless paths are given: tests, the examples in the documentation comments, and those in the README. Tests
 * keep one core busy on average, so that two processes, each with every other file, take about half as long.
 */
function everything(): string[][] {
  const has = (path: string) => {
    try {
      return Deno.statSync(join(ROOT, path)) !== undefined;
    } catch {
      return false;
    }
  };
  const documents = ["src", "mod.ts", "report.ts", "README.md"].filter(has);
  const files = [...Deno.readDirSync(join(ROOT, "tests"))].map(({ name }) => name).filter((name) =>
    name.endsWith("_test.ts")
  ).sort().map((name) => `tests/${name}`);
  if (navigator.hardwareConcurrency < 2) return [[...files, ...documents]];
  return [files.filter((_, index) => index % 2 === 0), [...files.filter((_, index) => index % 2 === 1), ...documents]];
}

/** Which tests to run. */
export interface TestSelection {
  /** Files or folders, relative to the checkout; everything by default. */
  readonly paths?: readonly string[];
  /** Part of the names, or `/expression/`. */
  readonly filter?: string;
}

/** Runs one process of tests, by `run`. */
async function runPart(
  paths: readonly string[],
  { filter }: TestSelection,
  run: (args: readonly string[]) => Promise<number>,
): Promise<TestCounts & { code: number }> {
  const report = await Deno.makeTempFile({ prefix: "featherdet-", suffix: ".xml" });
  try {
    const filters = filter === undefined ? [] : [`--filter=${filter}`];
    const code = await run(["test", "-A", "--doc", `--junit-path=${report}`, ...filters, ...paths]);
    const counts = countTests(await Deno.readTextFile(report));
    // A file that does not compile or throws while it loads fails the run without a test of its own.
    const failed = code !== 0 && counts.failed === 0 ? 1 : counts.failed;
    return { ...counts, failed, code };
  } finally {
    await Deno.remove(report);
  }
}

/** Runs tests; `code` is the exit status of `deno test`, `seconds` the wall-clock time. */
export async function runTests(selection: TestSelection): Promise<TestCounts & { code: number; seconds: number }> {
  const started = performance.now();
  const [first, ...others] = selection.paths?.length ? [selection.paths] : everything();
  const shown = runPart(first, selection, runDeno);
  const held = others.map((paths) => runPart(paths, selection, (args) => runDenoHeld(args, shown)));
  const parts = await Promise.all([shown, ...held]);
  const [passed, failed, skipped] = (["passed", "failed", "skipped"] as const).map((count) =>
    parts.reduce((sum, part) => sum + part[count], 0)
  );
  const code = Math.max(...parts.map((part) => part.code));
  return { passed, failed, skipped, code, seconds: (performance.now() - started) / 1000 };
}
