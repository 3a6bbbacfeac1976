/**
 * Files by their hashes in the memory of this program, in Deno and in browsers.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { FileStore } from "./files.ts";

/** SHA-256 of bytes in hexadecimal. In browsers it needs a page of https or of this machine. */
export async function hashOfBytes(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** Files in memory, which can be forgotten. */
export interface MemoryFiles extends FileStore {
  /** Forgets all files. */
  clear(): void;
}

/** A store that lasts as long as the program. */
export function memoryFiles(): MemoryFiles {
  const kept = new Map<string, Uint8Array<ArrayBuffer>>();
  return {
    async put(bytes) {
      const own = Uint8Array.from(bytes), hash = await hashOfBytes(own);
      kept.set(hash, own);
      return hash;
    },
    get(hash) {
      const bytes = kept.get(hash);
      if (bytes) return Promise.resolve(bytes.slice());
      return Promise.reject(new FeatherdetError(`there is no file of the hash "${hash.slice(0, 80)}"`));
    },
    has: (hash) => Promise.resolve(kept.has(hash)),
    clear: () => kept.clear(),
  };
}
