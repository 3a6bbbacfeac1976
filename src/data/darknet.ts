/**
 * Data sets as Darknet describes them and CVAT exports them (YOLO 1.1): `obj.data` names the lists of pictures and that of classes.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { kindOf, namesIn, readLines } from "./files.ts";
import { usualSplit } from "./splits.ts";
import { endsOf } from "./yolo_yaml.ts";

/** What the file says, with paths that are there. */
export interface DarknetData {
  readonly file: string;
  /** List of the names of classes. */
  readonly names?: string;
  /** Lists of pictures by the usual names of splits. */
  readonly lists: ReadonlyMap<string, string>;
}

/** The file of a folder: `obj.data`, or the only one that ends so. */
export function findDarknet(folder: string): string | undefined {
  const found = namesIn(folder, /^[^.].*\.data$/);
  return found.length === 1 || found.includes("obj.data")
    ? join(folder, found.length === 1 ? found[0] : "obj.data")
    : undefined;
}

/** Reads the file. Paths begin in the folder that the program was started in; the longest end of each that is there counts. */
export async function readDarknet(file: string): Promise<DarknetData> {
  const fields = new Map(
    (await readLines(file)).map(({ text }) => text.split("=").map((part) => part.trim()))
      .filter((parts) => parts.length === 2).map(([key, value]) => [key.toLowerCase(), value] as const),
  );
  const locate = (path: string) =>
    endsOf(path).map((end) => join(dirname(file), end)).find((one) => kindOf(one) === "file");
  const lists = new Map<string, string>();
  for (const [key, value] of fields) {
    const split = usualSplit(key), list = locate(value);
    if (split !== undefined && list !== undefined) lists.set(split, list);
  }
  return { file, names: locate(fields.get("names") ?? ""), lists };
}
