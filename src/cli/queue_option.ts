/**
 * The option `--queue` of the verbs that use a queue.
 *
 * @module
 */

import { Option } from "npm:@commander-js/extra-typings@15.1.0";
import { cacheFolder } from "../data/cache.ts";

/** The queue in the cache: PGlite, with nothing to install. */
export const OWN_QUEUE = `pglite:${cacheFolder("queue")}`;

/** `--queue <url>`. */
export function queueOption(): Option<"--queue <url>", undefined, string> {
  return new Option(
    "--queue <url>",
    "postgres://user:password@host:port/database or pglite:FOLDER; ?files=FOLDER for a shared folder of files",
  ).default(OWN_QUEUE, "PGlite in .cache/queue");
}
