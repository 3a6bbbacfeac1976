/**
 * The database of a queue: PostgreSQL, or PGlite in a folder or in memory. Statements wait for one that restarts.
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";
// @ts-types="npm:@types/pg@8.23.1"
import type pg from "npm:pg@8.23.1";
import { FeatherdetError } from "../graph/error.ts";
import type { QueueAddress } from "./address.ts";
import { openFolder, openMemory } from "./pglite.ts";

/** Rows that a statement gave. */
export interface Rows {
  // deno-lint-ignore no-explicit-any
  readonly rows: any[];
}

/** Where statements go. */
export interface Connection {
  /** Runs statements; several only without values. */
  executeSql(text: string, values?: unknown[]): Promise<Rows>;
  /** Lets go of it. */
  close(): Promise<void>;
}

/** SQLSTATEs and codes of sockets that say that the server has gone, or is not there yet. */
const LOST_CODES = /^(57P0[123]|08...|ECONNREFUSED|ECONNRESET|EPIPE|ENOENT|ETIMEDOUT)$/;

const LOST_WORDS = /terminat|ended|not queryable|timeout exceeded when trying to connect|Handler disconnected/i;

/** Whether a statement failed because the server has gone. */
export function isLost(error: unknown): boolean {
  if (error instanceof FeatherdetError || !(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (typeof code === "string") return LOST_CODES.test(code);
  return LOST_WORDS.test(error.message) || error instanceof AggregateError && error.errors.some(isLost);
}

/** Connections of one process to a server: its worker, its signs of life, and what it asks. */
const CONNECTIONS = 3;

/** A server that speaks PostgreSQL's protocol. */
export async function openServer(url: string): Promise<Connection> {
  const { default: { Pool } } = await import("npm:pg@8.23.1");
  const pool: pg.Pool = new Pool({ connectionString: url, max: CONNECTIONS, connectionTimeoutMillis: 10_000 });
  // An idle connection that is lost is replaced by the next statement's.
  pool.on("error", () => {});
  return {
    executeSql: async (text, values) => await pool.query(text, values),
    close: async () => await pool.end(),
  };
}

/** How long statements wait for a server that has gone, in milliseconds. */
const PATIENCE = 120_000;

/** A connection that outlives its server: statements that find none are run again, on a new one, once it is there. */
class PatientConnection implements Connection {
  #current: Promise<Connection> | undefined;
  readonly #closing = new AbortController();

  constructor(private readonly open: () => Promise<Connection>) {}

  async executeSql(text: string, values?: unknown[]): Promise<Rows> {
    return await this.#tried((connection) => connection.executeSql(text, values), PATIENCE);
  }

  /** Opens it, so that a server that is not there is told of at once. */
  async begin(patience: number): Promise<void> {
    await this.#tried((connection) => connection.executeSql("SELECT 1"), patience);
  }

  async #tried<Result>(run: (connection: Connection) => Promise<Result>, patience: number): Promise<Result> {
    const until = performance.now() + patience;
    for (let wait = 50;; wait = Math.min(2 * wait, 1000)) {
      const current = this.#current ??= this.open();
      try {
        return await run(await current);
      } catch (error) {
        if (!isLost(error) || this.#closing.signal.aborted || performance.now() > until) throw error;
        // Several statements may find it lost: the first one lets go of it.
        if (this.#current === current) {
          this.#current = undefined;
          current.then((connection) => connection.close()).catch(() => {});
        }
      }
      await pause(wait, undefined, { signal: this.#closing.signal });
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#current?.then((connection) => connection.close(), () => {});
  }
}

/**
 * Opens the database of a queue. A folder's is opened by the first process that asks and served by it to the others of this machine; when
 * that process ends, another one takes over.
 *
 * Throws FeatherdetError where there is no server.
 */
export async function openDatabase({ kind, place, shown }: QueueAddress): Promise<Connection> {
  if (kind === "memory") return await openMemory();
  const connection = new PatientConnection(() => kind === "folder" ? openFolder(place, openServer) : openServer(place));
  try {
    await connection.begin(kind === "folder" ? PATIENCE : 0);
  } catch (error) {
    await connection.close();
    const why = error instanceof AggregateError ? error.errors[0].message : (error as Error).message;
    throw error instanceof FeatherdetError
      ? error
      : new FeatherdetError(`the queue ${shown} cannot be opened: ${why}`, {}, { cause: error });
  }
  return connection;
}
