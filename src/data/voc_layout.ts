/**
 * Finds the XML files, the lists and the splits of a folder in Pascal VOC's form.
 *
 * @module
 */

import { basename, join } from "node:path";
import { foldersIn, isPictureName, kindOf, namesIn, walk } from "./files.ts";
import { usualSplit } from "./splits.ts";

/** Folders of XML files: VOC's own, what others make of it, FiftyOne's. Last, beside the pictures, as labelImg and Roboflow write them. */
const FOLDERS = ["Annotations", "annotations", "xmls", "xml", "labels"];

/** Where the files of a folder in VOC's form are. */
export interface VocLayout {
  readonly path: string;
  /** Folder of the XML files, from `path` on; `""` for files beside the pictures. */
  readonly folder: string;
  /** XML files, from that folder on, with slashes. */
  readonly files: readonly string[];
  /** Lists of names by splits. */
  readonly lists: ReadonlyMap<string, string>;
  /** Splits by folders of XML files, where there are no lists. */
  readonly splits: readonly string[];
}

/** Lists in `ImageSets/Main`. Those of single classes (`cat_train.txt`) are no splits. */
function vocLists(path: string): Map<string, string> {
  const place = join(path, "ImageSets", "Main");
  const names = namesIn(place, /\.txt$/).filter((name) => !/_(train|val|trainval|test)\.txt$/.test(name));
  return new Map(names.map((name) => {
    const stem = name.slice(0, -4);
    return [usualSplit(stem) ?? stem, join(place, name)];
  }));
}

/** Splits that a folder has, by the names of their lists. */
export function vocSplits(path: string): string[] {
  return [...vocLists(path).keys()];
}

function xmlFilesIn(folder: string): string[] {
  return walk(folder).filter((path) => /\.xml$/i.test(path));
}

/** Splits of XML files that lie in a folder for each. */
function splitsByFolder(files: readonly string[]): string[] {
  const splits = files.map((path) => path.includes("/") ? usualSplit(path.split("/")[0]) : undefined);
  return splits.includes(undefined) ? [] : [...new Set(splits as string[])];
}

/** The files of a folder in VOC's form; undefined if it has none. */
export function vocLayout(path: string): VocLayout | undefined {
  const lists = vocLists(path);
  for (const folder of FOLDERS) {
    if (kindOf(join(path, folder)) !== "folder") continue;
    const files = xmlFilesIn(join(path, folder));
    if (files.length === 0 && folder !== "Annotations") continue;
    return { path, folder, files, lists, splits: lists.size > 0 ? [] : splitsByFolder(files) };
  }
  const beside = namesIn(path, /\.xml$/i);
  const images = join(path, "images");
  if (beside.length > 0 && (namesIn(path, /./).some(isPictureName) || kindOf(images) === "folder")) {
    return { path, folder: "", files: beside, lists, splits: [] };
  }
  const within = namesIn(images, /\.xml$/i);
  if (within.length > 0) return { path, folder: "images", files: within, lists, splits: [] };
  return undefined;
}

/** The layouts of the folders of splits beside one, with which it shares its classes. */
export function siblingLayouts(path: string): VocLayout[] {
  const folders = foldersIn(join(path, "..")).filter((name) => usualSplit(name) !== undefined);
  return folders.filter((name) => name !== basename(path))
    .map((name) => vocLayout(join(path, "..", name))).filter((layout) => layout !== undefined);
}
