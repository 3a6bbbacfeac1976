/**
 * Where the drawn copies of pictures go: never over a picture that is read, and over other files only if asked to.
 *
 * @module
 */

import { basename, dirname, extname, join } from "node:path";
import { FeatherdetError } from "../graph/error.ts";
import { makeFolderOf } from "../host/whole_file.ts";

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

function oneTarget(target: string): string[] {
  if (!WRITABLE.test(target)) {
    throw new FeatherdetError("cannot draw to this, the name must end in .png, .jpg or .jpeg", { file: target });
  }
  return [target];
}

/** A name for each picture in a folder. Names are told apart as file systems do that ignore capitals. */
function targetsIn(folder: string, files: readonly string[]): string[] {
  const taken = new Set<string>();
  return files.map((file) => {
    const ending = WRITABLE.test(file) ? extname(file) : ".png";
    const stem = basename(file, extname(file));
    let name = stem + ending;
    // Pictures of different folders may share a name.
    for (let copy = 2; taken.has(name.toLowerCase()); copy++) name = `${stem}-${copy}${ending}`;
    taken.add(name.toLowerCase());
    return join(folder, name);
  });
}

/** Throws `FeatherdetError` for a target that is one of the pictures, and without `force` for one that exists. */
function refuseLoss(files: readonly string[], targets: readonly string[], force: boolean): void {
  const inputs = new Set(files.map(identity));
  for (const target of targets) {
    const found = identity(target);
    if (found === undefined) continue;
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
 * The file for each picture's drawn copy: `target` itself for one picture, and files in the folder `target` for several or where
 * `target` is a folder or has no ending. The folder is made.
 *
 * Throws `FeatherdetError` for a target that cannot be written, that is one of the pictures, or that exists, without `force`.
 */
export function drawTargets(files: readonly string[], target: string, force = false): string[] {
  const single = files.length === 1 && !target.endsWith("/") && !isFolder(target) && extname(target) !== "";
  if (!single && files.length > 1 && WRITABLE.test(target) && !isFolder(target)) {
    throw new FeatherdetError(`${files.length} images are drawn to a folder, this names a file`, { file: target });
  }
  const targets = single ? oneTarget(target) : targetsIn(target, files);
  refuseLoss(files, targets, force);
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
