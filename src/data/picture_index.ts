/**
 * All pictures below a folder, so that one is found by what a file of annotations calls it.
 *
 * @module
 */

import { basename, join, parse, posix } from "node:path";
import { FeatherdetError } from "../graph/error.ts";
import { PICTURE_NAME, STRANGE_PICTURE, walk } from "./files.ts";

/** Names as they are compared: capitals and the form of accents do not matter. */
export function foldName(name: string): string {
  return name.normalize("NFC").toLowerCase();
}

function keep(map: Map<string, string[]>, key: string, value: string): void {
  const known = map.get(key);
  if (known) known.push(value);
  else map.set(key, [value]);
}

/** Paths with slashes, as every system understands them, without `./` and `..` in front. */
export function relativePath(name: string): string {
  return posix.normalize(name.replaceAll("\\", "/")).replace(/^(\.\.\/|\/|[A-Za-z]:\/)+/, "");
}

/** Pictures below a folder by their paths and names. Capitals matter only where names differ in nothing else. */
export class PictureIndex {
  readonly #paths = new Set<string>();
  readonly #byPath = new Map<string, string>();
  readonly #byName = new Map<string, string[]>();
  readonly #byStem = new Map<string, string[]>();
  /** Paths of pictures of formats that nothing here decodes, from the folder on. */
  readonly strange: readonly string[];

  /** Looks through the folder and all folders in it. */
  constructor(readonly root: string) {
    const strange: string[] = [];
    for (const path of walk(root)) {
      const name = basename(path);
      if (STRANGE_PICTURE.test(name)) strange.push(path);
      if (!PICTURE_NAME.test(name)) continue;
      this.#paths.add(path);
      this.#byPath.set(foldName(path), path);
      keep(this.#byName, foldName(name), path);
      keep(this.#byStem, foldName(parse(name).name), path);
    }
    this.strange = strange;
  }

  /** The paths of all pictures, from the folder on. */
  paths(): string[] {
    return [...this.#paths];
  }

  #only(found: readonly string[] | undefined, name: string): string | undefined {
    if (!found || found.length === 0) return undefined;
    if (found.length > 1) {
      throw new FeatherdetError(`"${name}" may be ${found[0]} or ${found[1]}`, { file: this.root });
    }
    return join(this.root, found[0]);
  }

  /**
   * The picture that a file of annotations calls `name`: below one of `places` (folders from the root on), else anywhere by the longest
   * end of its path that is there. Undefined if there is none. Throws `FeatherdetError` if several are as likely.
   */
  byName(name: string, places: readonly string[]): string | undefined {
    const exact = this.#byPathOf(name, places);
    if (exact !== undefined || !name.includes("%")) return exact;
    // Names that come from web addresses.
    try {
      return this.#byPathOf(decodeURIComponent(name), places);
    } catch {
      return undefined;
    }
  }

  #byPathOf(name: string, places: readonly string[]): string | undefined {
    const parts = relativePath(name).split("/");
    for (let first = 0; first < parts.length; first++) {
      const end = parts.slice(first).join("/");
      for (const place of places) {
        const path = posix.join(place, end);
        const found = this.#paths.has(path) ? path : this.#byPath.get(foldName(path));
        if (found !== undefined) return join(this.root, found);
      }
    }
    const last = parts.at(-1)!;
    // Some files name pictures without their ending.
    return this.#only(this.#byName.get(foldName(last)), name) ??
      (PICTURE_NAME.test(last) ? undefined : this.byStem(last, places));
  }

  /** The picture of a stem, whatever its format: below one of `places` in their order, else anywhere. As `byName` otherwise. */
  byStem(stem: string, places: readonly string[]): string | undefined {
    const found = this.#byStem.get(foldName(stem)) ?? [];
    for (const place of places) {
      const here = found.filter((path) => foldName(posix.dirname(path)) === foldName(posix.normalize(place || ".")));
      if (here.length > 0) return this.#only(here, stem);
    }
    return this.#only(found, stem);
  }

  /** What to say of a picture that is not there: the true reason where a file of another format is. */
  missing(name: string, file: string, listedIn: string): FeatherdetError {
    const stem = foldName(parse(basename(relativePath(name))).name);
    const strange = this.strange.find((path) => foldName(parse(path).name) === stem);
    if (strange !== undefined) {
      return new FeatherdetError(`is of a format that is not read, ${listedIn} names it`, {
        file: join(this.root, strange),
      });
    }
    return new FeatherdetError(`the image is missing, ${listedIn} names it`, { file });
  }
}
