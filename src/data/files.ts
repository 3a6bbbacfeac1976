/**
 * Reading of files and folders, with errors in the words of `FeatherdetError`.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";

/** Names of pictures that can be decoded; not those of the records that macOS writes beside files (`._a.jpg`). */
export const PICTURE_NAME = /^(?!\._).+\.(jpe?g|jpe|jfif|mpo|png|webp|bmp|dib|gif|tiff?|avif|hei[cf])$/i;

/** Names of pictures of formats that nothing here decodes. */
const STRANGE_PICTURE =
  /^(?!\._).+\.(jp2|j2k|jpx|jxl|psd|svg|dng|raw|arw|cr[23]|nef|orf|rw2|pfm|p[bgpn]m|exr|hdr|tga|ico|dcm|heics|avifs)$/i;

/** True for the name of a picture that can be decoded. */
export function isPictureName(name: string): boolean {
  return PICTURE_NAME.test(name);
}

/** True for the name of a picture of a format that nothing here decodes. */
export function isStrangePictureName(name: string): boolean {
  return STRANGE_PICTURE.test(name);
}

/** What kind of thing a path is; undefined if there is nothing. */
export function kindOf(path: string): "file" | "folder" | undefined {
  try {
    return Deno.statSync(path).isDirectory ? "folder" : "file";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw accessError(error, path);
  }
}

/** A failed access in one sentence that names the file. */
export function accessError(error: unknown, file: string): FeatherdetError {
  if (error instanceof FeatherdetError) return error.at({ file });
  if (error instanceof Deno.errors.NotFound) return new FeatherdetError("no such file", { file });
  if (error instanceof Deno.errors.IsADirectory) return new FeatherdetError("is a folder, not a file", { file });
  if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
    return new FeatherdetError("may not be accessed", { file }, { cause: error });
  }
  return new FeatherdetError(error instanceof Error ? error.message : String(error), { file }, { cause: error });
}

/** All bytes of a file. */
export async function readBytes(file: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(file);
  } catch (error) {
    throw accessError(error, file);
  }
}

/** A text file, without the byte order mark that some editors write. */
export async function readText(file: string): Promise<string> {
  return new TextDecoder().decode(await readBytes(file));
}

/** The lines of a text file that are not blank, with their numbers from 1. */
export async function readLines(file: string): Promise<{ line: number; text: string }[]> {
  return (await readText(file)).split(/\r?\n/)
    .map((text, i) => ({ line: i + 1, text: text.trim() }))
    .filter(({ text }) => text !== "");
}

/** Names of the files in a folder that match, in the order of their code points; empty if there is no such folder. */
export function namesIn(folder: string, pattern: RegExp): string[] {
  if (kindOf(folder) !== "folder") return [];
  try {
    return [...Deno.readDirSync(folder)].filter(({ name, isDirectory }) => !isDirectory && pattern.test(name))
      .map(({ name }) => name).sort();
  } catch (error) {
    throw accessError(error, folder);
  }
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
