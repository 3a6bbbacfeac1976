/**
 * Files that are written whole or not at all.
 *
 * @module
 */

import { dirname } from "node:path";
import { FeatherdetError } from "../graph/error.ts";
import { fileError, folderError } from "./file_error.ts";

/** Makes the folder of a file to write, or another. Throws FeatherdetError, naming the file, where that is not possible. */
export function makeFolderOf(file: string, folder: string = dirname(file)): void {
  try {
    Deno.mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw folderError(error, file);
  }
}

/**
 * Makes the folder of a file that is written after some work, and refuses before it what could not be written: a file without a name, in a
 * place that cannot be written to, or whose name something else than a file has.
 */
export function checkTarget(file: string): void {
  if (file === "") throw new FeatherdetError("the file to write has no name");
  const statOf = (path: string) => {
    try {
      return Deno.statSync(path);
    } catch {
      return undefined;
    }
  };
  makeFolderOf(file);
  const there = statOf(file);
  // A device or a pipe would be replaced, not written to.
  if (there && !there.isFile) {
    throw new FeatherdetError(there.isDirectory ? "is a folder, not a file" : "is no file that could be replaced", {
      file,
    });
  }
  const attempt = `${file}.attempt.partial`;
  try {
    Deno.openSync(attempt, { write: true, create: true }).close();
    Deno.removeSync(attempt);
  } catch (error) {
    // Its folder is there: this is no place for files.
    if (error instanceof Deno.errors.NotFound) throw new FeatherdetError("cannot be written in this place", { file });
    throw fileError(error, file);
  }
}

/**
 * Writes a file beside its place and puts it there when all of it is on the disk. What was begun is taken away again where that fails.
 * Throws what `fileError` makes of it.
 */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  const unfinished = `${file}.new.partial`;
  let bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  try {
    const open = await Deno.open(unfinished, { write: true, create: true, truncate: true });
    try {
      while (bytes.length > 0) bytes = bytes.subarray(await open.write(bytes));
      // Else a crash of the machine could leave an empty file under the new name.
      await open.sync();
    } finally {
      open.close();
    }
    await Deno.rename(unfinished, file);
  } catch (error) {
    await Deno.remove(unfinished).catch(() => {});
    throw fileError(error, file);
  }
}
