/**
 * The one URL of a queue: which database holds it, where its files lie, what it is called.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";

/** What a queue's URL says. */
export interface QueueAddress {
  /** `postgres`: a server. `folder`: PGlite in a folder of this machine. `memory`: PGlite in this process alone. */
  readonly kind: "postgres" | "folder" | "memory";
  /** The server's URL, or the folder. */
  readonly place: string;
  /** Folder that all machines share, for files; rows of the database by default. */
  readonly files?: string;
  /** Name of the queue: several fit into one database. */
  readonly name: string;
  /** The same without passwords, for people. */
  readonly shown: string;
}

const NAME = /^[A-Za-z][\w.-]{0,40}$/;

/**
 * Reads a queue's URL: `postgres://user:password@host:port/database`, `pglite:FOLDER`, or `pglite:` for one in memory. Behind it may follow
 * `?files=FOLDER` for a folder that all machines share, and `name=NAME`.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseQueueUrl } from "./address.ts";
 * const { kind, place, files, shown } = parseQueueUrl("postgres://me:secret@host/sweeps?files=/mnt/share");
 * assert.deepEqual([kind, place, files], ["postgres", "postgres://me:secret@host/sweeps", "/mnt/share"]);
 * assert.equal(shown, "postgres://me@host/sweeps");
 * assert.equal(parseQueueUrl("pglite:.cache/queue").place, ".cache/queue");
 * ```
 *
 * Throws FeatherdetError for another URL.
 */
export function parseQueueUrl(text: string): QueueAddress {
  const [before, query = ""] = text.split(/\?(.*)/s), options = new URLSearchParams(query);
  const files = options.get("files") ?? undefined, name = options.get("name") ?? "jobs";
  if (!NAME.test(name)) {
    throw new FeatherdetError(
      `the name "${name}" of a queue begins with a letter and has letters, digits, ".", "-" or "_"`,
    );
  }
  options.delete("files");
  options.delete("name");
  const common = { ...(files !== undefined && { files }), name };
  if (before === "pglite:" || before.startsWith("pglite:")) {
    if (options.size > 0) throw new FeatherdetError(`a queue's URL has no option "${[...options.keys()][0]}"`);
    const place = before.slice("pglite:".length);
    return { kind: place === "" ? "memory" : "folder", place, ...common, shown: before };
  }
  if (!/^postgres(ql)?:\/\//.test(before) || !URL.canParse(before)) {
    throw new FeatherdetError(
      `a queue's URL is postgres://user:password@host:port/database or pglite:FOLDER, not "${
        text.replace(/:[^:@/]*@/, "@")
      }"`,
    );
  }
  const shown = new URL(before);
  shown.password = "";
  const rest = options.size > 0 ? `?${options}` : "";
  return { kind: "postgres", place: `${before}${rest}`, ...common, shown: shown.href };
}

/** The URL of another queue in the same database. */
export function namedQueue(url: string, name: string): string {
  const [before, query = ""] = url.split(/\?(.*)/s), options = new URLSearchParams(query);
  options.set("name", name);
  return `${before}?${options}`;
}
