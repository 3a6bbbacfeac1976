/**
 * Files that are written whole or not at all.
 *
 * @module
 */

import { dirname } from "node:path";
import { accessError } from "./files.ts";

/** What unfinished files end in. */
export const UNFINISHED = ".partial";

/** A name beside a file that nobody else writes to: not another process, and no other call of this one. */
export function unfinishedName(file: string): string {
  return `${file}.${crypto.randomUUID().slice(0, 8)}${UNFINISHED}`;
}

const bytesOf = (content: string | Uint8Array) =>
  typeof content === "string" ? new TextEncoder().encode(content) : content;

/**
 * Writes a file beside its place and puts it there when all of it is on the disk. What was begun is taken away again where that fails.
 * Of two that write at once, the later one's content stays. Throws what `accessError` makes of it.
 */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  const unfinished = unfinishedName(file);
  let bytes = bytesOf(content);
  try {
    const open = await Deno.open(unfinished, { write: true, createNew: true });
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
    throw accessError(error, file);
  }
}

/** As `writeWhole`, and nothing else runs meanwhile: for small files. */
export function writeWholeSync(file: string, content: string): void {
  const unfinished = unfinishedName(file);
  try {
    Deno.writeTextFileSync(unfinished, content, { createNew: true });
    Deno.renameSync(unfinished, file);
  } catch (error) {
    try {
      Deno.removeSync(unfinished);
    } catch {
      // It was not begun.
    }
    throw accessError(error, file);
  }
}

/** As `writeWhole`, and makes the file's folder. */
export async function writeWholeIn(file: string, content: string | Uint8Array): Promise<void> {
  try {
    await Deno.mkdir(dirname(file), { recursive: true });
  } catch (error) {
    throw accessError(error, dirname(file));
  }
  await writeWhole(file, content);
}
