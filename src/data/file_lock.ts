/**
 * Locks on what several processes use: a file that one of them holds. The system lets go of it when its holder ends, however that happens,
 * so no lock is ever left behind.
 *
 * @module
 */

import { accessError } from "./files.ts";

/** Holds a file until it is disposed of or the process ends. */
export class FileLock implements Disposable {
  #open: Deno.FsFile | undefined;

  private constructor(readonly file: string, open: Deno.FsFile) {
    this.#open = open;
  }

  /** Takes the lock, once nobody else holds it; `onWait` is told first that somebody does. Throws `FeatherdetError` if it cannot be made. */
  static async wait(file: string, onWait: () => void = () => {}): Promise<FileLock> {
    for (;;) {
      const open = openLock(file);
      if (!await open.tryLock(true)) {
        onWait();
        await open.lock(true);
      }
      if (isThere(file, open)) return FileLock.#held(file, open);
      open.close();
    }
  }

  /** As `wait`, and nothing else runs meanwhile: for locks that are held for moments. */
  static waitSync(file: string): FileLock {
    for (;;) {
      const open = openLock(file);
      open.lockSync(true);
      if (isThere(file, open)) return FileLock.#held(file, open);
      open.close();
    }
  }

  /** Takes the lock if nobody holds it; else the number of the process that does, 0 where that is not known. Throws as `wait` does. */
  static take(file: string): FileLock | number {
    for (;;) {
      const open = openLock(file);
      if (!open.tryLockSync(true)) {
        open.close();
        return holderOf(file);
      }
      if (isThere(file, open)) return FileLock.#held(file, open);
      open.close();
    }
  }

  static #held(file: string, open: Deno.FsFile): FileLock {
    open.truncateSync();
    open.writeSync(new TextEncoder().encode(`${Deno.pid}\n`));
    return new FileLock(file, open);
  }

  /** Lets go, and takes the file away. */
  [Symbol.dispose](): void {
    if (this.#open === undefined) return;
    try {
      // While it is held: a file that is taken away later could be another's already.
      Deno.removeSync(this.file);
    } catch {
      // It stays, and is as good as none.
    }
    this.#open.close();
    this.#open = undefined;
  }
}

function openLock(file: string): Deno.FsFile {
  try {
    return Deno.openSync(file, { read: true, write: true, create: true });
  } catch (error) {
    throw accessError(error, file);
  }
}

/** Whether the open file is still the one of that name: who held it before may have taken it away. */
function isThere(file: string, open: Deno.FsFile): boolean {
  try {
    const { ino, dev } = Deno.statSync(file), own = open.statSync();
    return ino === own.ino && dev === own.dev;
  } catch {
    return false;
  }
}

function holderOf(file: string): number {
  try {
    return Number.parseInt(Deno.readTextFileSync(file)) || 0;
  } catch {
    return 0;
  }
}
