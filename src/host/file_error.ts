/**
 * Errors of the file system in the words of `FeatherdetError`.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";

/** An error as one line. */
export function sentence(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.trim().replaceAll(/\s*\n\s*/g, " ");
}

/** Text of an error of making a folder. */
export function folderError(error: unknown, folder: string): FeatherdetError {
  if (error instanceof FeatherdetError) return error.at({ file: folder });
  const why = error instanceof Deno.errors.AlreadyExists || error instanceof Deno.errors.NotADirectory
    ? ", a file has that name"
    : error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable
    ? ": nothing may be written there"
    // Of file systems that are not for files of users.
    : error instanceof Deno.errors.NotFound
    ? " in this place"
    : `: ${sentence(error)}`;
  return new FeatherdetError(`the folder cannot be made${why}`, { file: folder }, { cause: error });
}

/** Text of a file error in the words of `FeatherdetError`. */
export function fileError(error: unknown, file: string): FeatherdetError {
  if (error instanceof FeatherdetError) return error.at({ file });
  if (error instanceof Deno.errors.NotFound) return new FeatherdetError("no such file", { file });
  if (error instanceof Deno.errors.IsADirectory) return new FeatherdetError("is a folder, not a file", { file });
  if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
    return new FeatherdetError("may not be accessed", { file }, { cause: error });
  }
  return new FeatherdetError(sentence(error), { file }, { cause: error });
}
