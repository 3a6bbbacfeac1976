/**
 * What a training run has left in a store in memory.
 *
 * @module
 */

import { type Checkpoint, readCheckpoint } from "../../src/train/loop/checkpoint.ts";
import type { MemoryStore } from "../../src/train/loop/store.ts";

/** The checkpoint that a run goes on from. */
export function lastCheckpoint({ files }: MemoryStore): Promise<Checkpoint> {
  return readCheckpoint(files.get("last.ckpt")!, "last.ckpt");
}

/** The steps of a run's log. */
// deno-lint-ignore no-explicit-any
export function stepsIn({ files }: MemoryStore): any[] {
  return new TextDecoder().decode(files.get("log.jsonl")).trimEnd().split("\n").map((line) => JSON.parse(line))
    .filter(({ event }) => event === "step");
}
