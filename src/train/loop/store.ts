/**
 * Where a run keeps its files: the loop is handed one and knows no folders.
 *
 * @module
 */

/** Files by name. */
export interface TrainingStore {
  /** Writes a file, completely or not at all. An earlier file of that name stays until the new one is complete. */
  write(name: string, content: Uint8Array | string): Promise<void>;
  /** Adds text at the end of a file, which is made if it does not exist. */
  append(name: string, text: string): Promise<void>;
  /** A file's bytes, undefined if it is not there. */
  read(name: string): Promise<Uint8Array | undefined>;
}

/** A store for many files, which tells what is there without reading it. */
export interface LargeStore extends TrainingStore {
  /** Whether a file is there. */
  has(name: string): Promise<boolean>;
  /** What the store is called in errors. */
  readonly place?: string;
  /** Bytes that it has room for; undefined, or no such function, where nobody knows. */
  free?(): Promise<number | undefined>;
}

/** A store that keeps everything in memory, and its files. */
export interface MemoryStore extends LargeStore {
  /** What was written, by name. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/**
 * Makes a store in memory, for runs whose files nobody needs afterwards or that the caller keeps elsewhere.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { createMemoryStore } from "./store.ts";
 * const store = createMemoryStore();
 * await store.append("log.jsonl", "{}\n");
 * assert.equal(store.files.get("log.jsonl")!.length, 3);
 * ```
 */
export function createMemoryStore(): MemoryStore {
  const files = new Map<string, Uint8Array>();
  const encoder = new TextEncoder();
  return {
    files,
    write(name, content) {
      files.set(name, typeof content === "string" ? encoder.encode(content) : content.slice());
      return Promise.resolve();
    },
    append(name, text) {
      const before = files.get(name) ?? new Uint8Array(0);
      const added = encoder.encode(text);
      const all = new Uint8Array(before.length + added.length);
      all.set(before);
      all.set(added, before.length);
      files.set(name, all);
      return Promise.resolve();
    },
    read: (name) => Promise.resolve(files.get(name)),
    has: (name) => Promise.resolve(files.has(name)),
  };
}
