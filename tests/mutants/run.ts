/**
 * Runs the tests of a mutant in a copy of the checkout, with limits of time.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { processUse } from "../support/process_use.ts";
import { type Mutant, mutated } from "./mutant.ts";

/** How a run of tests ended: `broken` where no test ran, as where the text cannot be read. */
export type Ending = "passed" | "failed" | "timeout" | "broken" | "stopped";

/** A run of tests. */
export interface TestRun {
  readonly ending: Ending;
  /** Seconds by the clock, and of the processors. */
  readonly seconds: number;
  readonly computed: number;
  /** What was printed, at its end. */
  readonly text: string;
}

/** Limits of a run, in seconds: of the processors, which says something on a busy machine too, and by the clock for what only waits. */
export interface RunLimits {
  readonly computed: number;
  readonly seconds: number;
}

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Milliseconds between two looks at a process. */
const LOOK = 250;

async function git(...args: string[]): Promise<string[]> {
  const { success, stdout, stderr } = await new Deno.Command("git", { args: [...args, "-z"], cwd: ROOT }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).split("\0").filter((name) => name !== "");
}

/** Files of the checkout, those that are new too, from its root. */
async function filesOfCheckout(): Promise<string[]> {
  const gone = new Set(await git("ls-files", "--deleted"));
  return (await git("ls-files", "--cached", "--others", "--exclude-standard")).filter((name) => !gone.has(name));
}

async function copyFiles(names: readonly string[], to: string): Promise<void> {
  // One program for all of them takes a tenth of the time.
  const args = ["--parents", "--target-directory", to, "--", ...names];
  const done = await new Deno.Command("cp", { args, cwd: ROOT, stderr: "null" }).output().catch(() => undefined);
  if (done?.success) return;
  for (const name of names) {
    await Deno.mkdir(dirname(join(to, name)), { recursive: true });
    await Deno.copyFile(join(ROOT, name), join(to, name));
  }
}

/** A copy of the checkout as it is, in the folder for temporary files. Mutants are put into it, never into the checkout. */
export class Copy implements AsyncDisposable {
  private constructor(readonly folder: string) {}

  /** Makes one. */
  static async make(): Promise<Copy> {
    const folder = await Deno.makeTempDir({ prefix: "featherdet-mutants-" });
    const copy = new Copy(folder);
    try {
      await copyFiles(await filesOfCheckout(), folder);
      return copy;
    } catch (error) {
      await copy[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Does something while a mutant is in the copy. */
  async with<T>(mutant: Mutant, work: () => Promise<T>): Promise<T> {
    const file = join(this.folder, mutant.file), whole = await Deno.readTextFile(file);
    await Deno.writeTextFile(file, mutated(mutant, whole));
    try {
      return await work();
    } finally {
      await Deno.writeTextFile(file, whole);
    }
  }

  /** Runs tests of a file; `filter` is as Deno has it: a part of names, or a regular expression between slashes. */
  async test(
    { test, filter }: Pick<Mutant, "test" | "filter">,
    limits: RunLimits,
    signal: AbortSignal,
  ): Promise<TestRun> {
    const started = performance.now();
    const child = new Deno.Command(Deno.execPath(), {
      args: ["test", "-A", "--no-check", "--no-lock", "--fail-fast", "--filter", filter, join("tests", test)],
      ...{ cwd: this.folder, env: { NO_COLOR: "1" }, stdin: "null", stdout: "piped", stderr: "piped" },
    }).spawn();
    let cause: Ending | undefined, computed = 0;
    const end = (why: Ending) => {
      if (cause !== undefined) return;
      cause = why;
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended by itself.
      }
    };
    const stop = () => end("stopped");
    signal.addEventListener("abort", stop);
    const look = setInterval(async () => {
      computed = (await processUse(child.pid))?.computed ?? computed;
      const since = performance.now() - started;
      if (computed > 1000 * limits.computed || since > 1000 * limits.seconds) end("timeout");
    }, LOOK);
    const [{ code }, out, errors] = await Promise.all([
      child.status,
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    clearInterval(look);
    signal.removeEventListener("abort", stop);
    const text = `${out}\n${errors}`.trim();
    const hasRun = /^running [1-9]\d* tests? from/m.test(text);
    const ending = cause ?? (!hasRun ? "broken" : code === 0 ? "passed" : "failed");
    const seconds = (performance.now() - started) / 1000;
    return { ending, seconds, computed: computed / 1000, text };
  }

  /** Takes the copy away. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}
