/**
 * Files that are written whole or not at all.
 *
 * @module
 */

import { dirname } from "node:path";
import { FeatherdetError } from "../graph/error.ts";
import { fileError } from "./verb.ts";

/** Refuses before the work what could not be written after it. */
export function checkTarget(file: string): void {
  try {
    if (!Deno.statSync(dirname(file)).isDirectory) throw new Deno.errors.NotFound();
  } catch {
    throw new FeatherdetError("its folder does not exist", { file });
  }
}

/** Writes a file beside its place and puts it there when it is complete. Throws what `fileError` makes of it. */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  const unfinished = `${file}.new.partial`;
  try {
    if (typeof content === "string") await Deno.writeTextFile(unfinished, content);
    else await Deno.writeFile(unfinished, content);
    await Deno.rename(unfinished, file);
  } catch (error) {
    throw fileError(error, file);
  }
}
