/**
 * Which test files there are, and which of them a change reaches.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import config from "../../deno.json" with { type: "json" };
import { FeatherdetError } from "../graph/error.ts";

/** Root of the checkout. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The modules that programs import, relative to the checkout: the exports of `deno.json`. */
export const ENTRY_POINTS: readonly string[] = Object.values(config.exports).map((path) => path.replace(/^\.\//, ""));

/** Folders of `tests/` that the default run leaves out: a browser, tests that take minutes, and what is no test. */
const LEFT_OUT = ["browser", "fixtures", "long", "support"];

/** All test files of the default run, relative to the checkout, in alphabetical order. */
export function testFiles(): string[] {
  const walk = (folder: string): string[] =>
    [...Deno.readDirSync(join(ROOT, folder))].flatMap(({ name, isDirectory }) => {
      if (isDirectory) return folder === "tests" && LEFT_OUT.includes(name) ? [] : walk(`${folder}/${name}`);
      return name.endsWith("_test.ts") ? [`${folder}/${name}`] : [];
    });
  return walk("tests").sort();
}

/** Files that differ from the last commit, new ones included, relative to the checkout. Throws FeatherdetError without git. */
export async function changedFiles(): Promise<string[]> {
  const git = async (...args: string[]) => {
    const { success, stdout } = await new Deno.Command("git", { args, cwd: ROOT, stderr: "null" }).output();
    if (!success) throw new FeatherdetError(`git ${args[0]} failed: --changed needs a git checkout`);
    return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
  };
  const known = await git("diff", "--name-only", "HEAD");
  return [...known, ...await git("ls-files", "--others", "--exclude-standard")];
}

/** The test files that are among the changed files, or import one of them directly or through others. */
export function reachedBy(changed: readonly string[], tests: readonly string[]): string[] {
  const targets = new Set(changed);
  const imports = new Map<string, string[]>();
  const importsOf = (file: string): string[] => {
    const known = imports.get(file);
    if (known) return known;
    const path = join(ROOT, file);
    const source = existsSync(path) && /\.(ts|wgsl)$/.test(file) ? Deno.readTextFileSync(path) : "";
    const found = [...source.matchAll(/["'](\.{1,2}\/[^"'\s]+)["']/g)].map(([, to]) =>
      relative(ROOT, join(dirname(path), to))
    );
    imports.set(file, found);
    return found;
  };
  const reaches = (start: string): boolean => {
    const seen = new Set([start]);
    for (const file of seen) {
      if (targets.has(file)) return true;
      for (const next of importsOf(file)) seen.add(next);
    }
    return false;
  };
  return tests.filter(reaches);
}
