/**
 * One file of JavaScript for browsers, made of a module and all that it imports.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { FeatherdetError } from "../../graph/error.ts";
import { sentence } from "../file_error.ts";
import { lockOptions } from "../setup/locked.ts";
import { runDeno } from "./run_deno.ts";

/** How a module is bundled. */
export interface BundleOptions {
  /** Short names and no spaces. Default false. */
  readonly minify?: boolean;
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
