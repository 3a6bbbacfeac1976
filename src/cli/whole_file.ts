/**
 * Files that are written whole or not at all.
 *
 * @module
 */

import { fileError } from "./verb.ts";

/** Writes a file beside its place and puts it there when it is complete. Throws what `fileError` makes of it. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const unfinished = `${file}.new.partial`;
  try {
    await Deno.writeTextFile(unfinished, text);
    await Deno.rename(unfinished, file);
  } catch (error) {
    throw fileError(error, file);
  }
}
