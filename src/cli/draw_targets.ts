/**
 * Where the drawn copies of pictures and videos go: never over a file that is read, and over other files only if asked to.
 *
 * @module
 */

import { basename, dirname, extname, join } from "node:path";
import { FeatherdetError } from "../graph/error.ts";
import { makeFolderOf } from "../host/whole_file.ts";
import type { Source } from "../host/sources/source.ts";
import { isVideoTarget, VIDEO_ENDINGS } from "../host/sources/write_video.ts";

/** What of a source decides where its drawn copy goes. */
export type Drawable = Pick<Source, "file" | "content">;

const WRITABLE = /\.(jpe?g|png)$/i;

function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined;
  }
}

const isFolder = (path: string) => statOf(path)?.isDirectory === true;

/** One key for all names of a file. */
function identity(path: string): string | undefined {
  const found = statOf(path);
  if (found === undefined) return undefined;
  return found.ino ? `${found.dev}:${found.ino}` : Deno.realPathSync(path);
}

/** The one file that a picture, a video, or what comes through a pipe is drawn to. */
function oneTarget(target: string, { content }: Drawable): string[] {
  const isVideo = isVideoTarget(target);
  if (content === "video" ? isVideo : WRITABLE.test(target) || content === "stream" && isVideo) return [target];
  const pictures = ".png, .jpg or .jpeg";
  const endings = { picture: pictures, video: `one of ${VIDEO_ENDINGS}`, stream: `${pictures}, or ${VIDEO_ENDINGS}` };
  throw new FeatherdetError(`cannot draw to this, the name must end in ${endings[content]}`, { file: target });
}

/** Name of a drawn copy: that of the file, or the last part of a URL's path. */
function nameOf({ file, content }: Drawable): { readonly stem: string; readonly ending: string } {
  const path = /^[a-z]+:\/\//i.test(file) && URL.canParse(file) ? decodeURI(new URL(file).pathname) : file;
  const name = basename(path).replaceAll(/[:*?"<>|]/g, "-") || "picture";
  const given = extname(name), stem = name.slice(0, name.length - given.length);
  if (content === "video") return { stem, ending: isVideoTarget(name) ? given : ".mp4" };
  return { stem, ending: WRITABLE.test(name) ? given : ".png" };
}

/** A name for each source in a folder, the folder itself for a pipe. Names are told apart as file systems do that ignore capitals. */
function targetsIn(folder: string, sources: readonly Drawable[]): string[] {
  const taken = new Set<string>();
  return sources.map((source) => {
    if (source.content === "stream") return folder;
    const { stem, ending } = nameOf(source);
    let name = stem + ending;
    // Files of different folders may share a name.
    for (let copy = 2; taken.has(name.toLowerCase()); copy++) name = `${stem}-${copy}${ending}`;
    taken.add(name.toLowerCase());
    return join(folder, name);
  });
}

/** Throws `FeatherdetError` for a target that is one of the files to read, and without `force` for one that exists. */
function refuseLoss(sources: readonly Drawable[], targets: readonly string[], force: boolean): void {
  const inputs = new Set(sources.map(({ file }) => identity(file)));
  for (const target of targets) {
    const found = identity(target);
    if (found === undefined || isFolder(target)) continue;
    if (inputs.has(found)) {
      throw new FeatherdetError("is one of the pictures to read, which drawing would destroy: name another place", {
        file: target,
      });
    }
    if (!force) {
      throw new FeatherdetError("exists already: name another place, or replace it with --force", { file: target });
    }
  }
}

/**
 * The file for each source's drawn copy: `target` itself for one picture or video, and files in the folder `target` for several or where
 * `target` is a folder or has no ending. For what comes through a pipe, and is known by its bytes only, the folder. The folder is made.
 *
 * Throws `FeatherdetError` for a target that cannot be written, that is one of the pictures, or that exists, without `force`.
 */
export function drawTargets(sources: readonly Drawable[], target: string, force = false): string[] {
  const single = sources.length === 1 && !target.endsWith("/") && !isFolder(target) && extname(target) !== "";
  if (!single && sources.length > 1 && (WRITABLE.test(target) || isVideoTarget(target)) && !isFolder(target)) {
    throw new FeatherdetError(`${sources.length} images are drawn to a folder, this names a file`, { file: target });
  }
  const targets = single ? oneTarget(target, sources[0]) : targetsIn(target, sources);
  refuseLoss(sources, targets, force);
  makeFolderOf(target, single ? dirname(target) : target);
  return targets;
}

/** The name itself, or the first of `name-2`, `name-3` that no file has. */
export function freeName(name: string): string {
  const ending = extname(name), stem = name.slice(0, name.length - ending.length);
  let free = name;
  for (let copy = 2; statOf(free) !== undefined; copy++) free = `${stem}-${copy}${ending}`;
  return free;
}
