/**
 * PostgreSQL inside a process (PGlite): in memory, or in a folder that one process holds and serves to the others.
 *
 * @module
 */

import { join } from "node:path";
import process from "node:process";
import type { PGlite } from "npm:@electric-sql/pglite@0.5.14";
import { FileLock } from "../data/file_lock.ts";
import { kindOf, readText } from "../data/files.ts";
import { parseJson } from "../data/json_fields.ts";
import { FeatherdetError } from "../graph/error.ts";
import { makeFolder } from "../host/table_files.ts";
import { writeWhole } from "../host/whole_file.ts";
import type { Connection } from "./database.ts";

/** In a queue's folder: who serves it, and where. */
const ADDRESS = "address.json";

/** Processes that may use a folder at the same time, with a few connections each. */
const MOST_CONNECTIONS = 200;

async function create(folder?: string): Promise<PGlite> {
  const { PGlite } = await import("npm:@electric-sql/pglite@0.5.14");
  return await PGlite.create(folder);
}

/** A database in the memory of this process, which ends with it. */
export async function openMemory(): Promise<Connection> {
  const { fromPglite } = await import("npm:pg-boss@12.38.0");
  const lite = await create(), { executeSql } = fromPglite(lite);
  return { executeSql, close: () => lite.close() };
}

/** A folder's database in the hands of this process. */
export interface ServedFolder {
  /** What others connect to, by PostgreSQL's protocol. */
  readonly url: string;
  /** Ends it. */
  close(): Promise<void>;
}

/** A folder's database is being opened or left by another process: to be tried again. */
function isBusy(folder: string): Error {
  return Object.assign(new Error(`${folder} is being opened by another process`), { code: "ECONNREFUSED" });
}

/**
 * Opens a folder's database and serves it by PostgreSQL's protocol. There is no password: whoever reaches the address may use it, which by
 * default only programs of this machine do. Returns the address of the process that serves it already.
 *
 * Throws an error of which `isLost` is true while another process is opening it.
 */
export async function serveFolder(
  folder: string,
  { host = "127.0.0.1", port = 0 } = {},
): Promise<ServedFolder | string> {
  await makeFolder(folder);
  const lock = FileLock.take(join(folder, "lock")), file = join(folder, ADDRESS);
  if (typeof lock === "number") {
    if (kindOf(file) !== "file") throw isBusy(folder);
    const { holder, url } = parseJson(await readText(file), file) as { holder: number; url: string };
    // One of a process that has ended is left where that was killed.
    if (holder !== lock) throw isBusy(folder);
    return url;
  }
  let lite: PGlite | undefined;
  try {
    const { PGLiteSocketServer } = await import("npm:@electric-sql/pglite-socket@0.2.17");
    lite = await create(join(folder, "database"));
    const server = new PGLiteSocketServer({ db: lite, host, port, maxConnections: MOST_CONNECTIONS });
    await server.start();
    const url = `postgres://postgres@${server.getServerConn().replace(/^0\.0\.0\.0:/, "127.0.0.1:")}/postgres`;
    await writeWhole(file, `${JSON.stringify({ holder: process.pid, url })}\n`);
    const held = lite;
    return {
      url,
      async close() {
        await server.stop();
        await held.close();
        lock[Symbol.dispose]();
      },
    };
  } catch (error) {
    await lite?.close().catch(() => {});
    lock[Symbol.dispose]();
    throw new FeatherdetError("the queue's database cannot be opened", { file: folder }, { cause: error });
  }
}

/** A connection to a folder's database, which this process serves if no other one does. */
export async function openFolder(
  folder: string,
  connect: (url: string) => Promise<Connection>,
): Promise<Connection> {
  const served = await serveFolder(folder);
  if (typeof served === "string") return await connect(served);
  const own = await connect(served.url);
  return {
    executeSql: (text, values) => own.executeSql(text, values),
    async close() {
      await own.close();
      await served.close();
    },
  };
}
