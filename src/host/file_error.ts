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
