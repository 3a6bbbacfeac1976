/**
 * Installs Debian's packages where they are missing, or names the command that does.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import type { System } from "./system.ts";

/** Set to anything to forbid installing, as `--no-install` does. */
export const FORBID_VARIABLE = "FEATHERDET_NO_INSTALL";

/** What an installation may do. */
export interface EnsureOptions {
  /** Install what is missing if need be; `FORBID_VARIABLE` overrules it. */
  readonly install: boolean;
  /** Told in one line what takes long. */
  readonly say: (line: string) => void;
}

/** What is missing, and what helps, in words that make sentences. */
export interface MissingPackages {
  /** What was found missing: the beginning of every sentence. */
  readonly missing: string;
  /** What the packages bring: "installing ..." */
  readonly what: string;
  /** Names in Debian and Ubuntu. */
  readonly packages: readonly string[];
  /** What to do where there is no apt: "install ..." */
  readonly elsewhere: string;
  /** What to do if the user may not install packages: "... with:" and the command. */
  readonly by: string;
}

/** The command for people without root. */
export function installCommand(packages: readonly string[]): string {
  return `sudo apt-get update && sudo apt-get install -y ${packages.join(" ")}`;
}

/** Installs packages. Throws a `FeatherdetError` that names what to do if that is not possible or not allowed, or that it failed. */
export async function installPackages(system: System, wanted: MissingPackages, options: EnsureOptions): Promise<void> {
  const { missing, what, packages, elsewhere, by } = wanted;
  if (!system.hasApt()) throw new FeatherdetError(`${missing}, ${elsewhere}`);
  const allowed = options.install && system.variable(FORBID_VARIABLE) === undefined;
  if (!allowed || !system.isRoot()) {
    throw new FeatherdetError(`${missing}, ${by} with: ${installCommand(packages)}`);
  }
  options.say(`${missing}: installing ${what} (${packages.join(", ")})`);
  // A stale package list only matters if the installation then fails, which tells more.
  await system.run("apt-get", ["update"]);
  const install = await system.run("apt-get", ["install", "-y", "--no-install-recommends", ...packages]);
  if (!install.success) {
    const reason = install.output.trim().split("\n").at(-1) ?? "";
    throw new FeatherdetError(`${missing}, and installing ${packages.join(" and ")} failed: ${reason}`);
  }
}
