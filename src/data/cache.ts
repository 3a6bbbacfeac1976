/**
 * Finds files that were not part of the checkout: beside it, or in the cache.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { homedir } from "node:os";
import { join } from "node:path";
import { kindOf } from "./files.ts";

/** Environment variable that names the cache folder. */
export const CACHE_VARIABLE = "FEATHERDET_CACHE";

/** Root of the checkout; undefined if the module was imported over http. */
function checkout(): string | undefined {
  const root = new URL("../../", import.meta.url);
  return root.protocol === "file:" ? fileURLToPath(root) : undefined;
}

/** A folder in the cache: below `FEATHERDET_CACHE`, else below `.cache/` of the checkout, else below the user's own cache. */
export function cacheFolder(...parts: string[]): string {
  const root = checkout();
  const own = root === undefined ? join(homedir(), ".cache", "featherdet") : join(root, ".cache");
  return join(Deno.env.get(CACHE_VARIABLE) || own, ...parts);
}

/** A file or folder of the data that may lie beside the checkout (`../shared/data`), undefined where it does not. */
export function besideCheckout(...parts: string[]): string | undefined {
  const root = checkout();
  if (root === undefined) return undefined;
  const path = join(root, "..", "shared", "data", ...parts);
  return kindOf(path) === undefined ? undefined : path;
}
