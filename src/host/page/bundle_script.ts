/**
 * One file of JavaScript for browsers, made of a module and all that it imports.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { FeatherdetError } from "../../graph/error.ts";
import { sentence } from "../file_error.ts";
import { lockOptions } from "../setup/locked.ts";

/** How a module is bundled. */
export interface BundleOptions {
  /** Short names and no spaces. Default false. */
  readonly minify?: boolean;
}

/** Runs Deno with arguments: this very program, or the one on the path where only that is allowed (`--allow-run=deno`). */
async function runDeno(args: string[]): Promise<Deno.CommandOutput> {
  try {
    return await new Deno.Command(Deno.execPath(), { args }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    return await new Deno.Command("deno", { args }).output();
  }
}

/** The text of an ES module that needs nothing else. Throws a `FeatherdetError` with the bundler's words where it fails. */
export async function bundleScript(entry: URL, { minify = false }: BundleOptions = {}): Promise<string> {
  const args = [
    "bundle",
    ...lockOptions(),
    "--quiet",
    "--platform",
    "browser",
    ...minify ? ["--minify"] : [],
    fileURLToPath(entry),
  ];
  const { success, stdout, stderr } = await runDeno(args);
  const text = new TextDecoder();
  if (success) return text.decode(stdout);
  throw new FeatherdetError(`cannot be bundled: ${sentence(text.decode(stderr))}`, { file: fileURLToPath(entry) });
}
