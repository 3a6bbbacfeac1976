/**
 * Finds the pictures, the labels and the names of the classes of a folder in YOLO's form.
 *
 * @module
 */

import { join } from "node:path";
import { parse as parseYaml } from "npm:yaml@2.9.1";
import { FeatherdetError } from "../graph/error.ts";
import { kindOf, readLines, readText } from "./files.ts";

/** A folder of pictures and the folder of their labels. */
export interface YoloPlace {
  readonly images: string;
  readonly labels: string;
}

/** Names that tools give to the same split. */
const ALSO: Readonly<Record<string, readonly string[]>> = { val: ["valid", "validation"] };

/** Splits that are looked for. */
const SPLITS = ["train", "val", "test"];

/**
 * Where the pictures and labels of a split are: `images/SPLIT` with `labels/SPLIT`, or `SPLIT/images` with `SPLIT/labels`; those of
 * a folder without splits in `images` and `labels`. Undefined where there is no such place.
 */
export function yoloPlace(path: string, split?: string): YoloPlace | undefined {
  const splits = split === undefined ? [""] : [split, ...(ALSO[split] ?? [])];
  const places = splits.flatMap((name) => [
    { images: join(path, "images", name), labels: join(path, "labels", name) },
    { images: join(path, name, "images"), labels: join(path, name, "labels") },
  ]);
  return places.find(({ images, labels }) => kindOf(images) === "folder" && kindOf(labels) === "folder");
}

/** Splits that a folder has. */
export function yoloSplits(path: string): string[] {
  return SPLITS.filter((split) => yoloPlace(path, split) !== undefined);
}

/** Names from the YAML file: a list, or a mapping from numbers. */
async function namesFromYaml(file: string): Promise<string[]> {
  let content: unknown;
  try {
    content = parseYaml(await readText(file));
  } catch (error) {
    if (error instanceof FeatherdetError) throw error;
    throw new FeatherdetError(`broken YAML: ${(error as Error).message.split("\n")[0]}`, { file }, { cause: error });
  }
  const { names, nc } = (content ?? {}) as { names?: unknown; nc?: unknown };
  if (typeof names !== "object" || names === null) throw new FeatherdetError('it has no "names" of classes', { file });
  const byNumber = names as Record<string, unknown>;
  const count = Object.keys(byNumber).length;
  const list = Array.from({ length: count }, (_, classId) => {
    if (byNumber[classId] === undefined) throw new FeatherdetError(`its "names" lack the class ${classId}`, { file });
    return String(byNumber[classId]);
  });
  if (nc !== undefined && nc !== count) {
    throw new FeatherdetError(`its "nc" says ${nc} classes, its "names" are ${count}`, { file });
  }
  return list;
}

/** Names of the classes by their numbers. Throws a `FeatherdetError` if nothing tells them, or a name is there twice. */
export async function yoloClasses(path: string): Promise<string[]> {
  const files = ["data.yaml", "dataset.yaml", "classes.txt", join("labels", "classes.txt")].map((name) =>
    join(path, name)
  );
  const file = files.find((one) => kindOf(one) === "file");
  if (file === undefined) {
    throw new FeatherdetError("it has neither data.yaml nor classes.txt, which name the classes", { file: path });
  }
  const names = file.endsWith(".yaml") ? await namesFromYaml(file) : (await readLines(file)).map(({ text }) => text);
  if (names.length === 0) throw new FeatherdetError("it names no class", { file });
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) throw new FeatherdetError(`the class "${repeated}" is there twice`, { file });
  return names;
}
