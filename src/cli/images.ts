/**
 * Pictures named on the command line: which files they are, and where their drawn copies go.
 *
 * @module
 */

import { basename, extname, join } from "node:path";
import { FeatherdetError } from "../graph/error.ts";
import { fileError } from "../host/file_error.ts";
import { makeFolderOf } from "../host/whole_file.ts";

const READABLE = /\.(jpe?g|png|webp)$/i;
const WRITABLE = /\.(jpe?g|png)$/i;

/** Files for the given paths: a folder stands for the pictures in it, by name. */
export function listImages(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    let isFolder: boolean;
    try {
      isFolder = Deno.statSync(path).isDirectory;
    } catch (error) {
      throw fileError(error, path);
    }
    if (!isFolder) return [path];
    const names = [...Deno.readDirSync(path)].filter(({ name, isFile }) => isFile && READABLE.test(name));
    if (names.length === 0) throw new FeatherdetError("the folder holds no image (JPEG, PNG, WebP)", { file: path });
    return names.map(({ name }) => join(path, name)).sort();
  });
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/**
 * The file for each picture's drawn copy: `target` itself for one picture, and files in the folder `target`, which is made, for
 * several or where `target` is a folder or ends in a slash.
 */
export function drawTargets(files: readonly string[], target: string): string[] {
  if (files.length === 1 && !target.endsWith("/") && !isFolder(target)) {
    if (!WRITABLE.test(target)) {
      throw new FeatherdetError("cannot draw to this, the name must end in .png, .jpg or .jpeg", { file: target });
    }
    makeFolderOf(target);
    return [target];
  }
  if (files.length > 1 && WRITABLE.test(target) && !isFolder(target)) {
    throw new FeatherdetError(`${files.length} images are drawn to a folder, this names a file`, { file: target });
  }
  makeFolderOf(target, target);
  const taken = new Set<string>();
  return files.map((file) => {
    const ending = WRITABLE.test(file) ? extname(file) : ".png";
    const stem = basename(file, extname(file));
    let name = stem + ending;
    // Pictures of different folders may share a name.
    for (let copy = 2; taken.has(name); copy++) name = `${stem}-${copy}${ending}`;
    taken.add(name);
    return join(target, name);
  });
}
