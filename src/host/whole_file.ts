/**
 * Files that are written whole or not at all.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { unfinishedName, writeWhole } from "../data/whole_file.ts";
import { FeatherdetError } from "../graph/error.ts";
import { fileError, folderError } from "./file_error.ts";

export { writeWhole } from "../data/whole_file.ts";

/** Writes texts by their names into a folder that is there, each whole or not at all. Returns the files. */
export async function writeTexts(folder: string, texts: Readonly<Record<string, string>>): Promise<string[]> {
  const files: string[] = [];
  for (const [name, text] of Object.entries(texts)) {
    const file = join(folder, name);
    await writeWhole(file, text);
    files.push(file);
  }
  return files;
}

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
  const attempt = unfinishedName(file);
  try {
    Deno.openSync(attempt, { write: true, createNew: true }).close();
    Deno.removeSync(attempt);
  } catch (error) {
    // Its folder is there: this is no place for files.
    if (error instanceof Deno.errors.NotFound) throw new FeatherdetError("cannot be written in this place", { file });
    throw fileError(error, file);
  }
}
