/**
 * The folder of a training run: where its checkpoints, models and log are.
 *
 * @module
 */

import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { FileLock } from "../data/file_lock.ts";
import { kindOf } from "../data/files.ts";
import { UNFINISHED } from "../data/whole_file.ts";
import { FeatherdetError } from "../graph/error.ts";
import { type Checkpoint, readCheckpoint } from "../train/loop/checkpoint.ts";
import { LOG_FILE } from "../train/loop/log.ts";
import { BEST_CHECKPOINT, BEST_MODEL, LAST_CHECKPOINT } from "../train/loop/loop.ts";
import type { LargeStore, TrainingStore } from "../train/loop/store.ts";
import { fileError, folderError } from "./file_error.ts";
import { writeWhole } from "./whole_file.ts";

/** Refuses before the work what cannot be the folder of a run. */
export function checkFolder(folder: string): void {
  if (kindOf(folder) === "file") {
    throw new FeatherdetError("is a file, a folder is needed for the run", { file: folder });
  }
}

/** A store whose files are in a folder, which is made where it is not there. Throws FeatherdetError if it cannot be. */
export async function folderStore(folder: string): Promise<LargeStore> {
  checkFolder(folder);
  try {
    await Deno.mkdir(folder, { recursive: true });
  } catch (error) {
    throw folderError(error, folder);
  }
  return {
    place: folder,
    write: (name, content) => writeWhole(join(folder, name), content),
    async append(name, text) {
      const file = join(folder, name);
      try {
        await Deno.writeTextFile(file, text, { append: true });
      } catch (error) {
        throw fileError(error, file);
      }
    },
    async read(name) {
      const file = join(folder, name);
      try {
        return await Deno.readFile(file);
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return undefined;
        throw fileError(error, file);
      }
    },
    has: (name) => Promise.resolve(kindOf(join(folder, name)) === "file"),
    async free() {
      try {
        const { bavail, bsize } = await statfs(folder);
        return bavail * bsize;
      } catch {
        // Some systems do not tell; writing says then whether there is room.
        return undefined;
      }
    },
  };
}

/**
 * Locks the folder of a run, which is there, while this process works in it, and takes away what processes that died in the middle of
 * writing left there. Throws FeatherdetError, which names the process, if another one works in it.
 */
export function lockRun(folder: string): Disposable {
  const lock = FileLock.take(join(folder, "run.lock"));
  if (typeof lock === "number") {
    const holder = lock === 0 ? "another process" : `process ${lock}`;
    throw new FeatherdetError(`${holder} trains in this folder`, { file: folder });
  }
  for (const { name, isFile } of Deno.readDirSync(folder)) {
    if (isFile && name.endsWith(UNFINISHED)) Deno.removeSync(join(folder, name));
  }
  return lock;
}

/** Copies from another folder the files that a continued run does not make again, those of these names among them. */
export async function takeAlong(store: TrainingStore, from: string, others: readonly string[] = []): Promise<void> {
  const before = await folderStore(from);
  for (const name of [BEST_MODEL, BEST_CHECKPOINT, LOG_FILE, ...others]) {
    const content = await before.read(name);
    if (content !== undefined) await store.write(name, content);
  }
}

/** Refuses for other files what is no folder, and the folder of a training run, whose pictures they would replace. */
export function refuseRunFolder(folder: string): void {
  checkFolder(folder);
  if (![LAST_CHECKPOINT, BEST_CHECKPOINT, LOG_FILE].some((name) => kindOf(join(folder, name)) !== undefined)) return;
  throw new FeatherdetError("holds a training run, whose pictures these would replace: name another folder", {
    file: folder,
  });
}

/** Refuses to write a new run over one that is there, or over the best of one that could not write its last checkpoint. */
export function refuseRun(folder: string): void {
  const isThere = (name: string) => kindOf(join(folder, name)) !== undefined;
  if (!isThere(LAST_CHECKPOINT) && !isThere(BEST_CHECKPOINT)) return;
  const place = isThere(LAST_CHECKPOINT) ? folder : join(folder, BEST_CHECKPOINT);
  throw new FeatherdetError(`holds a training run already: --resume ${place} goes on with it`, { file: folder });
}

/** Reads the checkpoint of a file, or the last one of a run's folder. Throws FeatherdetError if there is none. */
export async function openCheckpoint(place: string): Promise<{ checkpoint: Checkpoint; file: string }> {
  const isFolder = kindOf(place) === "folder", file = isFolder ? join(place, LAST_CHECKPOINT) : place;
  if (isFolder && kindOf(file) === undefined) {
    throw new FeatherdetError(`is no folder of a training run: it has no ${LAST_CHECKPOINT}`, { file: place });
  }
  let bytes: Uint8Array;
  try {
    bytes = await Deno.readFile(file);
  } catch (error) {
    throw fileError(error, file);
  }
  return { checkpoint: await readCheckpoint(bytes, file), file };
}
