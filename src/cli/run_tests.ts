/**
 * Runs the repository's tests in processes of their own and counts the results.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { FeatherdetError } from "../graph/error.ts";
import { denoProgram } from "../host/run_deno.ts";
import { lockOptions } from "../host/setup/locked.ts";
import { countTests, durations, failures, type TestCounts, type TestDuration } from "./junit.ts";
import { changedFiles, ENTRY_POINTS, reachedBy, ROOT, testFiles } from "./test_files.ts";

/**
 * What processes are started with, unless whoever starts the tests sets one of these. Mesa's software drivers then leave out LLVM's
 * optimizations, and compile for four lanes instead of eight: most of a first test run goes into compiling shaders, which then takes about
 * half of the time (CONTRIBUTING.md), and small tensors take no longer.
 */
const QUICK_SHADERS: Readonly<Record<string, string>> =
  ["GALLIVM_PERF", "LP_NATIVE_VECTOR_WIDTH"].some((name) => Deno.env.has(name))
    ? {}
    : { GALLIVM_PERF: "nopt", LP_NATIVE_VECTOR_WIDTH: "128" };

/** Runs this Deno in the checkout with the given arguments and variables, its output on stderr; returns the exit status. */
export async function runDeno(args: readonly string[], variables: Record<string, string> = {}): Promise<number> {
  const child = new Deno.Command(denoProgram(), {
    args: [...args],
    cwd: ROOT,
    env: { ...QUICK_SHADERS, ...variables },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  await child.stdout.pipeTo(Deno.stderr.writable, { preventClose: true });
  return (await child.status).code;
}

/** What was last to be printed: processes that end at the same time print one after the other. */
let printing = Promise.resolve();

function print(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const write = () => new Blob([bytes]).stream().pipeTo(Deno.stderr.writable, { preventClose: true });
  return printing = printing.then(write);
}

/** As `runDeno`, but shows what it prints at its end, so that processes side by side do not mix their lines. */
export async function runDenoHeld(args: readonly string[]): Promise<number> {
  const command = new Deno.Command(denoProgram(), { args: [...args], cwd: ROOT, env: QUICK_SHADERS });
  const { code, stdout, stderr } = await command.output();
  await Promise.all([print(stderr), print(stdout)]);
  return code;
}

/** Processes of tests side by side: a test keeps one core busy on average. */
const PROCESSES = Math.min(2, navigator.hardwareConcurrency);

/** Test files a process takes at a time: few enough that all processes end at about the same time. */
const FILES_AT_A_TIME = 8;

/**
 * What is tested unless paths are given, in parts that a process each can take: the examples in the documentation comments and in the
 * README, and all test files but those that take minutes.
 */
function everything(): string[][] {
  const documents = ["src", ...ENTRY_POINTS, "README.md"].filter((path) => existsSync(join(ROOT, path)));
  return [documents, ...inParts(testFiles())];
}

function inParts(files: readonly string[]): string[][] {
  const parts = Math.ceil(files.length / FILES_AT_A_TIME);
  // Slow files of one room stand side by side: dealt out, they fall into different parts.
  return Array.from({ length: parts }, (_, part) => files.filter((_, index) => index % parts === part));
}

/** Which tests to run. */
export interface TestSelection {
  /** Files or folders relative to the checkout, or folders of `tests/` by their names alone; everything by default. */
  readonly paths?: readonly string[];
  /** Only test files that a change against the last commit reaches by their imports. */
  readonly changed?: boolean;
  /** Part of the names, or `/expression/`. */
  readonly filter?: string;
}

/** The paths of a selection in the checkout. Throws FeatherdetError for one that does not exist. */
function pathsOf(given: readonly string[]): string[] {
  return given.map((path) => {
    const known = [path, join("tests", path)].find((candidate) => existsSync(resolve(ROOT, candidate)));
    if (known === undefined) throw new FeatherdetError("no such test file or folder", { file: path });
    return known;
  });
}

/** The parts of a selection, each for a process of its own. */
async function partsOf({ paths, changed }: TestSelection): Promise<string[][]> {
  if (changed) return inParts(reachedBy(await changedFiles(), testFiles()));
  return paths?.length ? inParts(pathsOf(paths)) : everything();
}

/** How a process ended, its counts, what failed in words, and how long each test took. */
type Ended = TestCounts & {
  readonly code: number;
  readonly failures: readonly string[];
  readonly durations: readonly TestDuration[];
};

/** Checks the types of all files that are tested and of the examples in them; what does not compile counts as one failure. */
async function checkTypes(parts: readonly (readonly string[])[]): Promise<Ended> {
  const code = await runDenoHeld(["check", ...lockOptions(), "--quiet", "--doc", ...parts.flat()]);
  const failed = code === 0 ? [] : ["FAILED to check types: what does not compile is named above"];
  return { passed: 0, failed: failed.length, skipped: 0, code, failures: failed, durations: [] };
}

/** Runs one process of tests by `run`, which is given the arguments of Deno; `options` are further ones. */
async function runPart(
  paths: readonly string[],
  options: readonly string[],
  run: (args: readonly string[]) => Promise<number>,
): Promise<Ended> {
  const report = await Deno.makeTempFile({ prefix: "featherdet-", suffix: ".xml" });
  try {
    const code = await run(["test", ...lockOptions(), "-A", "--doc", `--junit-path=${report}`, ...options, ...paths]);
    const text = await Deno.readTextFile(report);
    const counts = { ...countTests(text), code, durations: durations(text) };
    // A file that does not compile or throws while it loads fails the run without a test of its own.
    if (code === 0 || counts.failed > 0) return { ...counts, failures: failures(text) };
    return { ...counts, failed: 1, failures: [`FAILED outside of a test, in one of ${paths.join(", ")}`] };
  } finally {
    await Deno.remove(report);
  }
}

/** Runs tests; `code` is the exit status of `deno test`, `failures` what failed, `durations` is in no order, `seconds` the wall-clock time. */
export async function runTests(selection: TestSelection): Promise<Ended & { seconds: number }> {
  const started = performance.now();
  const parts = await partsOf(selection);
  const filters = selection.filter === undefined ? [] : [`--filter=${selection.filter}`];
  // All parts share most of the modules: checked part by part, their types took a quarter of the whole run.
  const waiting = parts.length <= 1 ? parts.map((paths) => () => runPart(paths, filters, runDeno)) : [
    () => checkTypes(parts),
    ...parts.map((paths) => () => runPart(paths, ["--no-check", ...filters], runDenoHeld)),
  ];
  const done: Ended[] = [];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) done.push(await next());
  };
  await Promise.all(Array.from({ length: PROCESSES }, work));
  const [passed, failed, skipped] = (["passed", "failed", "skipped"] as const).map((count) =>
    done.reduce((sum, part) => sum + part[count], 0)
  );
  const code = Math.max(0, ...done.map((part) => part.code));
  return {
    passed,
    failed,
    skipped,
    code,
    failures: done.flatMap((part) => part.failures),
    durations: done.flatMap((part) => part.durations),
    seconds: (performance.now() - started) / 1000,
  };
}
