/**
 * The table of the kinds of sources, and what words of the command line stand for.
 *
 * @module
 */

import { CAMERAS } from "./cameras.ts";
import { FILES, FOLDERS, PATTERNS } from "./picture_files.ts";
import { PICTURE_URLS } from "./picture_urls.ts";
import type { ListedSources, Source, SourceKind } from "./source.ts";
import { STDIN } from "./stdin.ts";
import { VIDEO_URLS } from "./video_files.ts";

/** Every kind of source, in the order in which they are asked. Another kind is a file and its row here. */
export const SOURCE_KINDS: readonly SourceKind[] = [
  ...[STDIN, CAMERAS, VIDEO_URLS, PICTURE_URLS],
  ...[FOLDERS, PATTERNS, FILES],
];

/** The sources that words stand for, each once. Throws a `FeatherdetError` for what is not there or holds no picture. */
export function listSources(words: readonly string[]): ListedSources {
  const listed = words.map((word) => SOURCE_KINDS.find(({ means }) => means(word))!.list(word, words.length === 1));
  const sources = new Map<string, Source>();
  // What is named twice is one source.
  for (const source of listed.flatMap(({ sources }) => sources)) {
    if (!sources.has(source.file)) sources.set(source.file, source);
  }
  return { sources: [...sources.values()], notes: listed.flatMap(({ notes }) => notes) };
}
