/**
 * Reading of files and folders, with errors in the words of `FeatherdetError`.
 *
 * @module
 */

import { join, posix } from "node:path";
import { FeatherdetError } from "../graph/error.ts";
import { fileSystem, type FolderEntry, saysNotFound } from "./file_system.ts";

/** Names of pictures that can be decoded; not those of the records that macOS writes beside files (`._a.jpg`). */
export const PICTURE_NAME = /^(?!\._).+\.(jpe?g|jpe|jfif|mpo|png|webp|bmp|dib|gif|tiff?|avif|hei[cf])$/i;

/** Names of pictures of formats that nothing here decodes. */
export const STRANGE_PICTURE =
  /^(?!\._).+\.(jp2|j2k|jpx|jxl|psd|svg|dng|raw|arw|cr[23]|nef|orf|rw2|pfm|p[bgpn]m|exr|hdr|tga|ico|dcm|heics|avifs)$/i;

/** True for the name of a picture that can be decoded. */
export function isPictureName(name: string): boolean {
  return PICTURE_NAME.test(name);
}

/** What kind of thing a path is; undefined if there is nothing. */
export function kindOf(path: string): "file" | "folder" | undefined {
  try {
    return fileSystem().kindOf(path);
  } catch (error) {
    throw accessError(error, path);
  }
}

/** A failed access in one sentence that names the file. */
export function accessError(error: unknown, file: string): FeatherdetError {
  if (error instanceof FeatherdetError) return error.at({ file });
  if (saysNotFound(error)) return new FeatherdetError("no such file", { file });
  const is = (...names: (keyof typeof Deno.errors)[]) =>
    "Deno" in globalThis && names.some((name) => error instanceof Deno.errors[name]);
  if (is("IsADirectory")) return new FeatherdetError("is a folder, not a file", { file });
  if (is("PermissionDenied", "NotCapable")) {
    return new FeatherdetError("may not be accessed", { file }, { cause: error });
  }
  return new FeatherdetError(error instanceof Error ? error.message : String(error), { file }, { cause: error });
}

/** All bytes of a file. */
export async function readBytes(file: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await fileSystem().read(file);
  } catch (error) {
    throw accessError(error, file);
  }
}

/** The encoding that a byte order mark states; UTF-8 where there is none. */
function markedEncoding([first, second]: Uint8Array): string {
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
}

/**
 * Bytes as text, without the byte order mark that some editors write. `stated` is the encoding that the file itself names.
 *
 * Throws `FeatherdetError` that names the file for bytes that are not of that encoding, or an encoding that is not known: guessing
 * would change the names of classes.
 */
export function decodeText(bytes: Uint8Array, file: string, stated?: string): string {
  const marked = markedEncoding(bytes);
  const encoding = marked === "utf-8" && stated !== undefined ? stated : marked;
  let decoder: TextDecoder;
  try {
    decoder = new TextDecoder(encoding, { fatal: true });
  } catch (error) {
    throw new FeatherdetError(`states the unknown encoding "${encoding}", save it as UTF-8`, { file }, {
      cause: error,
    });
  }
  try {
    return decoder.decode(bytes);
  } catch (error) {
    const name = encoding.toUpperCase();
    throw new FeatherdetError(`is not ${name} text, save it as UTF-8`, { file }, { cause: error });
  }
}

/** A text file in UTF-8, or in UTF-16 if it says so. Throws as `decodeText` does. */
export async function readText(file: string): Promise<string> {
  return decodeText(await readBytes(file), file);
}

/** The lines of a text file that are not blank, with their numbers from 1. */
export async function readLines(file: string): Promise<{ line: number; text: string }[]> {
  return (await readText(file)).split(/\r?\n/)
    .map((text, i) => ({ line: i + 1, text: text.trim() }))
    .filter(({ text }) => text !== "");
}

/** The names in a text file, one a line. Throws a `FeatherdetError` for a blank line between them, by which they would be miscounted. */
export async function readNames(file: string): Promise<string[]> {
  const lines = await readLines(file);
  const gap = lines.findIndex(({ line }, index) => line !== index + 1);
  if (gap >= 0) throw new FeatherdetError(`line ${gap + 1} is blank, expected the name of class ${gap}`, { file });
  return lines.map(({ text }) => text);
}

/** Entries of a folder by name. Throws `FeatherdetError` for a folder that may not be read. */
function entriesOf(folder: string): FolderEntry[] {
  try {
    return [...fileSystem().list(folder)].sort((a, b) => a.name < b.name ? -1 : 1);
  } catch (error) {
    throw accessError(error, folder);
  }
}

/** Names of the files in a folder that match, in the order of their code points; empty if there is no such folder. */
export function namesIn(folder: string, pattern: RegExp): string[] {
  if (kindOf(folder) !== "folder") return [];
  return entriesOf(folder).filter(({ name, isFolder }) => !isFolder && !name.startsWith("._") && pattern.test(name))
    .map(({ name }) => name);
}

/** Names of the folders in a folder, but for hidden ones and what macOS adds to archives. */
export function foldersIn(folder: string): string[] {
  if (kindOf(folder) !== "folder") return [];
  return entriesOf(folder).filter(({ name, isFolder }) => isFolder && !/^(\.|__MACOSX$)/.test(name))
    .map(({ name }) => name);
}

/**
 * Paths of all files below a folder, from it on and with slashes; each folder's files by name, then its folders. Links are followed, but
 * not back to where they come from. Files that begin with a dot are left out.
 */
export function walk(folder: string): string[] {
  const found: string[] = [];
  const visit = (path: string, above: readonly string[]): void => {
    const real = fileSystem().real(join(folder, path));
    if (above.includes(real)) return;
    for (const name of namesIn(join(folder, path), /^[^.]/)) found.push(posix.join(path, name));
    for (const name of foldersIn(join(folder, path))) visit(posix.join(path, name), [...above, real]);
  };
  if (kindOf(folder) === "folder") visit("", []);
  return found;
}

/** As `Promise.all` over a mapped list, with at most `width` calls under way; the first error ends it. */
export async function mapPooled<T, R>(
  items: readonly T[],
  width: number,
  run: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  let failed = false;
  const worker = async () => {
    while (next < items.length && !failed) {
      const index = next++;
      try {
        results[index] = await run(items[index], index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  return results;
}
