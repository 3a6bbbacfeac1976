/**
 * Holds child processes to the packages that `deno.lock` names.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const LOCK = new URL("../../../deno.lock", import.meta.url);

/**
 * Options of `deno run` and `deno test` with which a process takes the packages of the checkout's lock file and refuses others. They are
 * none where the toolkit was imported over the network. `deno.json` itself names no lock file, since Deno would then download every
 * package in it before the first task, also those that are only loaded when they are asked for.
 */
export function lockOptions(): string[] {
  return LOCK.protocol === "file:" && existsSync(LOCK) ? [`--lock=${fileURLToPath(LOCK)}`, "--frozen"] : [];
}
