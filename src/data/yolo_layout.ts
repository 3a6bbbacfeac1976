/**
 * Finds the pictures of a folder in YOLO's form and the files where their labels are expected.
 *
 * @module
 */

import { basename, dirname, isAbsolute, join, parse } from "node:path";
import { FeatherdetError } from "../graph/error.ts";
import { foldersIn, isPictureName, kindOf, namesIn, PICTURE_NAME, readLines, STRANGE_PICTURE, walk } from "./files.ts";
import { foldName } from "./picture_index.ts";
import type { Remarks } from "./remarks.ts";
import { SPLITS, usualSplit } from "./splits.ts";
import { endsOf } from "./yolo_yaml.ts";

/** A picture and the file of its labels, which need not be there. */
export interface YoloItem {
  readonly picture: string;
  readonly label: string;
  /** Where the picture was looked for, for a picture that a list names. */
  readonly listedIn?: string;
}

/** Text files beside labels that are none. */
const NO_LABELS = /(^|\/)(classes|predefined_classes|readme.*|notes|licen[cs]e|train|valid?|test|labels)\.txt$/i;

/** Names of folders of pictures beside which there is one of labels. */
const PICTURE_FOLDER = /^(images?|JPEGImages)$/i;

/** How folders of labels are called. */
const LABEL_FOLDERS = ["labels", "Labels", "LABELS", "label", "Label"];

/** The path with the last folder of pictures exchanged for that of labels; undefined if it has none. */
function amongLabels(path: string): string | undefined {
  const parts = path.split(/[\\/]/);
  const last = parts.findLastIndex((part) => PICTURE_FOLDER.test(part));
  if (last < 0) return undefined;
  const places = LABEL_FOLDERS.map((name) => parts.with(last, name).join("/"));
  return places.find((place) => kindOf(place) === "folder") ?? places[0];
}

/** Finds the files of labels, whatever capitals and accents their names are written with. */
export class LabelFinder {
  /** Names of the files of folders as they are compared. */
  readonly #names = new Map<string, ReadonlyMap<string, string>>();
  readonly #folders = new Map<string, string>();

  #namesIn(folder: string): ReadonlyMap<string, string> {
    const known = this.#names.get(folder) ??
      new Map(namesIn(folder, /\.txt$/i).map((name) => [foldName(name), name] as const));
    this.#names.set(folder, known);
    return known;
  }

  /** The folder of the labels of a folder's pictures, if there is another one for them. */
  #among(folder: string): string {
    const known = this.#folders.get(folder) ?? amongLabels(folder) ?? folder;
    this.#folders.set(folder, known);
    return known;
  }

  #inFolder(folder: string, name: string): string | undefined {
    const names = this.#namesIn(folder);
    const found = names.get(foldName(name));
    return found === undefined ? undefined : join(folder, found);
  }

  /** The file of a picture's labels: in the folder of labels, or beside the picture; where it is expected if there is none. */
  labelOf(picture: string): string {
    const [folder, name] = [dirname(picture), `${parse(picture).name}.txt`];
    const among = this.#among(folder);
    return this.#inFolder(among, name) ?? this.#inFolder(folder, name) ?? join(among, name);
  }
}

/** Counts what lies in a folder of pictures, or of its labels, and is not read. */
function remarkOnRest(folder: string, files: readonly string[], items: readonly YoloItem[], remarks: Remarks): void {
  for (const path of files.filter((one) => STRANGE_PICTURE.test(basename(one)))) {
    const kind = ["image of another format left out", "images of other formats left out"] as const;
    remarks.count(kind, new FeatherdetError("is of a format that is not read", { file: join(folder, path) }));
  }
  const expected = new Set(items.map(({ label }) => label));
  const among = amongLabels(folder);
  const labels = among !== undefined && kindOf(among) === "folder" ? among : folder;
  for (const path of labels === folder ? files : walk(labels)) {
    if (!/\.txt$/i.test(path) || NO_LABELS.test(path) || expected.has(join(labels, path))) continue;
    const kind = ["label file without its image left out", "label files without their images left out"] as const;
    remarks.count(kind, new FeatherdetError(`its image is missing from ${folder}`, { file: join(labels, path) }));
  }
}

/** The pictures of a folder and of all folders in it. */
export function itemsOfFolder(folder: string, remarks: Remarks): YoloItem[] {
  const files = walk(folder), finder = new LabelFinder();
  const items = files.filter((path) => isPictureName(basename(path)))
    .map((path) => ({ picture: join(folder, path), label: finder.labelOf(join(folder, path)) }));
  remarkOnRest(folder, files, items, remarks);
  return items;
}

/** The pictures that a text file lists, one a line: from its own folder on, or by the longest end of the path that is there. */
export async function itemsOfList(list: string, roots: readonly string[]): Promise<YoloItem[]> {
  const places = [...new Set([dirname(list), ...roots])];
  const finder = new LabelFinder();
  return (await readLines(list)).map(({ text }) => {
    const written = text.replaceAll("\\", "/");
    const direct = isAbsolute(written) ? written : join(places[0], written);
    const others = endsOf(written).flatMap((end) => places.map((place) => join(place, end)));
    const picture = [direct, ...others].find((path) => kindOf(path) === "file") ?? direct;
    return { picture, label: finder.labelOf(picture), listedIn: basename(list) };
  });
}

/** The folder of pictures in a folder, beside which there is one of labels or which holds them too. */
function picturesIn(path: string): string | undefined {
  return foldersIn(path).filter((name) => PICTURE_FOLDER.test(name)).map((name) => join(path, name)).find((folder) =>
    kindOf(amongLabels(folder)!) === "folder" || hasLabelsBeside(folder)
  );
}

/** The folder of pictures of a split of a folder whose YAML file does not say where it is. */
function placeOf(path: string, split: string): string | undefined {
  const named = (folder: string) =>
    foldersIn(folder).filter((name) => usualSplit(name) === split).map((name) => join(folder, name));
  const within = foldersIn(path).filter((name) => PICTURE_FOLDER.test(name)).flatMap((name) => named(join(path, name)));
  return within.find((folder) => kindOf(amongLabels(folder)!) === "folder" || hasLabelsBeside(folder)) ??
    named(path).map((folder) => picturesIn(folder) ?? (hasLabelsBeside(folder) ? folder : undefined))
      .find((folder) => folder !== undefined);
}

/** True for a folder in which a picture has its labels beside it. */
function hasLabelsBeside(folder: string): boolean {
  const stems = new Set(namesIn(folder, /\.txt$/i).map((name) => foldName(parse(name).name)));
  return stems.size > 0 && namesIn(folder, PICTURE_NAME).some((name) => stems.has(foldName(parse(name).name)));
}

/** Splits that a folder has, with their folders of pictures: `images/SPLIT`, `SPLIT/images`, or `SPLIT` with labels beside. */
export function layoutSplits(path: string): Map<string, string> {
  const found = SPLITS.map((split) => [split, placeOf(path, split)] as const);
  return new Map(found.filter((one): one is [string, string] => one[1] !== undefined));
}

/** Lists of pictures in a folder by their splits: `train.txt`, `autosplit_val.txt`. */
export async function layoutLists(path: string): Promise<Map<string, string>> {
  const lists = new Map<string, string>();
  for (const name of namesIn(path, /\.txt$/)) {
    const split = usualSplit(parse(name).name.replace(/^autosplit_/, ""));
    if (split === undefined) continue;
    const [first] = await readLines(join(path, name));
    if (first && PICTURE_NAME.test(basename(first.text))) lists.set(split, join(path, name));
  }
  return lists;
}

/** The folder of pictures of a folder without splits: `images` beside `labels`, or itself with labels beside its pictures. */
export function layoutFolder(path: string): string | undefined {
  const images = picturesIn(path);
  if (images !== undefined) return images;
  return hasLabelsBeside(path) ? path : undefined;
}
