/**
 * Files: one by its name, those of a folder and of the folders in it, and those that a pattern names.
 *
 * @module
 */

import { globSync } from "node:fs";
import { join } from "node:path";
import { isPictureName, kindOf, readBytes, STRANGE_PICTURE, walk } from "../../data/files.ts";
import { FeatherdetError } from "../../graph/error.ts";
import { fileError } from "../file_error.ts";
import { FORMAT_NAMES } from "../../image/codec/header.ts";
import { decodeInTime, type ListedSources, type Source, type SourceKind } from "./source.ts";
import { isVideoName, videoFile } from "./video_files.ts";

/** What paths stand for. */
export interface ListedFiles {
  readonly files: readonly string[];
  /** What was left out of folders, a sentence each. */
  readonly notes: readonly string[];
}

const some = (names: readonly string[]) => names.slice(0, 3).join(", ") + (names.length > 3 ? " ..." : "");

const isReadable = (name: string) => isPictureName(name) || isVideoName(name);

/** The pictures and videos below a folder: its own by name, then those of its folders. Links are followed, but not in circles. */
export function listFolder(folder: string): ListedFiles {
  const all = walk(folder), files = all.filter(isReadable);
  const strange = all.filter((name) => STRANGE_PICTURE.test(name));
  const notes = strange.length > 0 ? [`${folder}: ${strange.length} of other formats left out: ${some(strange)}`] : [];
  if (files.length === 0) {
    const why = strange.length > 0 ? `, but ${some(strange)}` : "";
    throw new FeatherdetError(`the folder holds no image (${FORMAT_NAMES}) and no video${why}`, { file: folder });
  }
  return { files: files.map((name) => join(folder, name)), notes };
}

/** The files that a pattern (`*`, `**`, `?`, `[ab]`, `{a,b}`) names, by name. */
export function listPattern(pattern: string): ListedFiles {
  const files = globSync(pattern).filter((path) => kindOf(path) === "file" && isReadable(path)).sort();
  if (files.length === 0) {
    throw new FeatherdetError(`the pattern names no image (${FORMAT_NAMES}) and no video`, { file: pattern });
  }
  return { files, notes: [] };
}

/** One picture in a file. */
function pictureFile(file: string): Source {
  return {
    ...{ file, content: "picture" },
    async *frames({ decode = decodeInTime }) {
      yield { file, image: async () => await decode(await readBytes(file), file) };
    },
  };
}

const asSources = ({ files, notes }: ListedFiles): ListedSources => ({
  sources: files.map((file) => isVideoName(file) ? videoFile(file) : pictureFile(file)),
  notes,
});

/** Patterns, for shells that leave them as they are. A file whose own name looks like one is that file. */
export const PATTERNS: SourceKind = {
  name: "pattern",
  means: (word) => /[*?[{]/.test(word) && kindOf(word) === undefined,
  list: (word) => asSources(listPattern(word)),
};

/** Folders. */
export const FOLDERS: SourceKind = {
  name: "folder",
  means: (word) => kindOf(word) === "folder",
  list: (word) => asSources(listFolder(word)),
};

/** Files by their names. Content decides what a file without a known ending is, so all others are taken for pictures. */
export const FILES: SourceKind = {
  name: "file",
  means: () => true,
  list(word, isOnlyOne) {
    // One of several is missed when its turn comes.
    if (isOnlyOne) {
      try {
        Deno.statSync(word);
      } catch (error) {
        throw fileError(error, word);
      }
    }
    return asSources({ files: [word], notes: [] });
  },
};
