/**
 * Pictures named on the command line: which files they are.
 *
 * @module
 */

import { join } from "node:path";
import { FeatherdetError } from "../graph/error.ts";
import { FORMAT_NAMES } from "../image/codec/header.ts";
import { foldersIn, namesIn, PICTURE_NAME, STRANGE_PICTURE } from "../data/files.ts";
import { fileError } from "../host/file_error.ts";

/** What paths stand for. */
export interface ListedImages {
  readonly files: readonly string[];
  /** What was left out of folders, a sentence each. */
  readonly notes: readonly string[];
}

function some(names: readonly string[]): string {
  return names.slice(0, 3).join(", ") + (names.length > 3 ? " ..." : "");
}

function listFolder(path: string): ListedImages {
  const files = namesIn(path, PICTURE_NAME), strange = namesIn(path, STRANGE_PICTURE), folders = foldersIn(path);
  const notes: string[] = [];
  if (strange.length > 0) notes.push(`${path}: ${strange.length} of other formats left out: ${some(strange)}`);
  if (files.length === 0) {
    const why = strange.length > 0
      ? `, but ${some(strange)}`
      : folders.length > 0
      ? `, but folders: ${some(folders)}`
      : "";
    throw new FeatherdetError(`the folder holds no image (${FORMAT_NAMES})${why}`, { file: path });
  }
  if (folders.length > 0) notes.push(`${path}: folders in it are not looked into: ${some(folders)}`);
  return { files: files.map((name) => join(path, name)), notes };
}

/** Files for the given paths, each once: a folder stands for the pictures in it, by name. */
export function listImages(paths: readonly string[]): ListedImages {
  const listed = paths.map((path): ListedImages => {
    let isFolder: boolean;
    try {
      isFolder = Deno.statSync(path).isDirectory;
    } catch (error) {
      // One of several is missed when its turn comes.
      if (paths.length > 1) return { files: [path], notes: [] };
      throw fileError(error, path);
    }
    return isFolder ? listFolder(path) : { files: [path], notes: [] };
  });
  // A file that is named twice is one picture.
  return { files: [...new Set(listed.flatMap(({ files }) => files))], notes: listed.flatMap(({ notes }) => notes) };
}
