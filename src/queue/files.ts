/**
 * Files by the hash of their content, which travel between machines: through the queue's database, or in a folder that all machines share.
 *
 * @module
 */

import { join } from "node:path";
import { sha256Of } from "../data/download/checksum.ts";
import { kindOf, readBytes } from "../data/files.ts";
import { FeatherdetError } from "../graph/error.ts";
import { makeFolder } from "../host/table_files.ts";
import { writeWhole } from "../host/whole_file.ts";
import type { Connection } from "./database.ts";

/** Keeps bytes by SHA-256 of their content, in hexadecimal. */
export interface FileStore {
  /** Keeps bytes and returns their hash. */
  put(bytes: Uint8Array): Promise<string>;
  /** The bytes of a hash. Throws FeatherdetError if there are none, or others. */
  get(hash: string): Promise<Uint8Array<ArrayBuffer>>;
  /** Whether there are bytes of that hash. */
  has(hash: string): Promise<boolean>;
}

function checked(bytes: Uint8Array<ArrayBuffer>, hash: string, where: string): Uint8Array<ArrayBuffer> {
  if (sha256Of(bytes) === hash) return bytes;
  throw new FeatherdetError(`${where} has other bytes under the hash ${hash}: it is damaged`);
}

const HASH = /^[0-9a-f]{64}$/;

function missing(hash: string, where: string): FeatherdetError {
  return new FeatherdetError(`${where} has no file of the hash "${hash.slice(0, 80)}"`);
}

/** A store in a folder: a file a hash, in folders by the hash's first two digits. */
export function folderFiles(folder: string): FileStore {
  const place = (hash: string) => {
    if (!HASH.test(hash)) throw missing(hash, folder);
    return join(folder, hash.slice(0, 2), hash);
  };
  return {
    async put(bytes) {
      const hash = sha256Of(bytes), file = place(hash);
      if (kindOf(file) === "file") return hash;
      await makeFolder(join(folder, hash.slice(0, 2)));
      await writeWhole(file, bytes);
      return hash;
    },
    async get(hash) {
      const file = place(hash);
      if (kindOf(file) !== "file") throw missing(hash, folder);
      return checked(await readBytes(file), hash, folder);
    },
    has: (hash) => Promise.resolve(HASH.test(hash) && kindOf(place(hash)) === "file"),
  };
}

/** Bytes of one row: a statement stays small beside what PGlite and the network hold. */
const PART_BYTES = 4 * 2 ** 20;

const TABLES = `
  CREATE SCHEMA IF NOT EXISTS featherdet;
  CREATE TABLE IF NOT EXISTS featherdet.file (hash text PRIMARY KEY, bytes bigint NOT NULL, parts int NOT NULL);
  CREATE TABLE IF NOT EXISTS featherdet.part (
    hash text NOT NULL, part int NOT NULL, content bytea NOT NULL, PRIMARY KEY (hash, part));`;

/** Two processes that make the same table at once: one of them is refused by the catalogue. */
const MADE_BY_ANOTHER = /^(23505|42P06|42P07)$/;

/** A store in rows of a database, in parts of 4 MiB. A file is there once all of its parts are. */
export async function databaseFiles(connection: Pick<Connection, "executeSql">): Promise<FileStore> {
  const where = "the queue's database";
  for (let tries = 0;; tries++) {
    try {
      await connection.executeSql(TABLES);
      break;
    } catch (error) {
      if (tries === 3 || !MADE_BY_ANOTHER.test((error as { code?: string }).code ?? "")) throw error;
    }
  }
  const partsOf = async (hash: string): Promise<number | undefined> => {
    const { rows } = await connection.executeSql("SELECT parts FROM featherdet.file WHERE hash = $1", [hash]);
    return rows[0]?.parts;
  };
  return {
    async put(bytes) {
      const hash = sha256Of(bytes);
      if (await partsOf(hash) !== undefined) return hash;
      const parts = Math.ceil(bytes.length / PART_BYTES);
      for (let part = 0; part < parts; part++) {
        const content = bytes.subarray(part * PART_BYTES, (part + 1) * PART_BYTES);
        await connection.executeSql("INSERT INTO featherdet.part VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", [
          hash,
          part,
          content,
        ]);
      }
      await connection.executeSql("INSERT INTO featherdet.file VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", [
        ...[hash, bytes.length, parts],
      ]);
      return hash;
    },
    async get(hash) {
      const parts = await partsOf(hash);
      if (parts === undefined) throw missing(hash, where);
      const pieces: Uint8Array<ArrayBuffer>[] = [];
      for (let part = 0; part < parts; part++) {
        const { rows } = await connection.executeSql(
          "SELECT content FROM featherdet.part WHERE hash = $1 AND part = $2",
          [hash, part],
        );
        pieces.push(Uint8Array.from(rows[0]?.content ?? []));
      }
      return checked(await new Blob(pieces).bytes(), hash, where);
    },
    has: async (hash) => await partsOf(hash) !== undefined,
  };
}
