/**
 * Makes sure that notebooks can be run: Jupyter's nbconvert, and a kernel that is this very Deno.
 *
 * @module
 */

import { join } from "node:path";
import { FeatherdetError } from "../../graph/error.ts";
import { type EnsureOptions, installPackages } from "./packages.ts";
import type { System } from "./system.ts";

/** Debian's packages: the program that runs notebooks, and what it needs for it. */
export const NOTEBOOK_PACKAGES = [
  ...["jupyter-nbconvert", "jupyter-client", "python3-nbclient", "python3-ipykernel"],
] as const;

/** Name of the kernel in notebooks. */
export const KERNEL_NAME = "deno";

async function hasNbconvert(system: System): Promise<boolean> {
  try {
    return (await system.run("jupyter", ["nbconvert", "--version"])).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Returns when `jupyter nbconvert` can be started, after installing it if need be. Throws a `FeatherdetError` that names what to do if
 * installing is not possible, not allowed or did not help.
 */
export async function ensureNbconvert(system: System, options: EnsureOptions): Promise<void> {
  if (await hasNbconvert(system)) return;
  const missing = "`jupyter nbconvert`, which runs notebooks, was not found";
  await installPackages(system, {
    missing,
    what: "Debian's Jupyter",
    packages: NOTEBOOK_PACKAGES,
    elsewhere: "install it with: pip install nbconvert nbclient ipykernel",
    by: "install it",
  }, options);
  if (!await hasNbconvert(system)) {
    throw new FeatherdetError(`${missing} although ${NOTEBOOK_PACKAGES.join(", ")} were installed`);
  }
}

/**
 * Writes the description of a Jupyter kernel that is this very Deno below `folder`, for the environment variable `JUPYTER_PATH`. An
 * installed kernel may be an older Deno, and before 2.9 cells that fail say nothing.
 */
export async function writeKernel(folder: string): Promise<void> {
  const kernel = join(folder, "kernels", KERNEL_NAME);
  await Deno.mkdir(kernel, { recursive: true });
  const argv = [Deno.execPath(), "jupyter", "--kernel", "--conn", "{connection_file}"];
  const description = { argv, display_name: "Deno", language: "typescript" };
  await Deno.writeTextFile(join(kernel, "kernel.json"), JSON.stringify(description));
}
