/**
 * Recognises the form of a folder and its splits, and reads a split.
 *
 * @module
 */

import { basename, dirname, join } from "node:path";
import { cocoFiles, readCoco } from "./coco.ts";
import type { Dataset } from "./dataset.ts";
import { FeatherdetError } from "../graph/error.ts";
import { kindOf } from "./files.ts";
import type { Reading } from "./folder.ts";
import { picturePlace, pictureSplits, readPictures } from "./pictures.ts";
import { readVoc, type VocOptions, vocSplits } from "./voc.ts";
import { readYolo } from "./yolo.ts";
import { yoloPlace, yoloSplits } from "./yolo_layout.ts";

/** The split that is read where there are splits and none is named. */
export const DEFAULT_SPLIT = "val";

/** What to read of a folder. */
export interface FolderOptions extends VocOptions {
  /** `val` by default where there are splits. */
  readonly split?: string;
  /** Keep only the first so many pictures. */
  readonly limit?: number;
  /** Name of the data set; the folder's by default. */
  readonly name?: string;
  /** False where pictures alone will do: a folder of nothing else is a data set then, without classes. */
  readonly labels?: boolean;
}

/** One form that a folder has: its splits (none if it has no splits), and how one is read. */
interface Form {
  readonly splits: readonly string[];
  read(split: string | undefined): Promise<Reading>;
}

/** The form of a folder, undefined if it has none. The first that applies is taken: COCO, VOC, YOLO, pictures alone. */
function formOf(path: string, options: FolderOptions): Form | undefined {
  const { limit, labels } = options;
  const coco = cocoFiles(path);
  if (coco.size > 0) {
    return {
      splits: coco.has("") ? [] : [...coco.keys()],
      read: (split = "") => readCoco({ path, split, limit }, coco.get(split)!),
    };
  }
  if (kindOf(join(path, "Annotations")) === "folder") {
    return { splits: vocSplits(path), read: (split) => readVoc({ path, split, limit }, options) };
  }
  const splits = yoloSplits(path);
  if (splits.length > 0 || yoloPlace(path) !== undefined) {
    return { splits, read: (split) => readYolo({ path, split, limit }, yoloPlace(path, split)!) };
  }
  if (labels !== false) return undefined;
  const pictures = pictureSplits(path);
  if (pictures.length === 0 && picturePlace(path) === undefined) return undefined;
  return {
    splits: pictures,
    read: (split) => readPictures({ path, split, limit }, picturePlace(path, split)!),
  };
}

function noForm(path: string): FeatherdetError {
  return new FeatherdetError(
    "it is no data set: expected images/ with instances.json or instances_SPLIT.json (COCO), Annotations/ (Pascal VOC), or " +
      "images/ with labels/ (YOLO)",
    { file: path },
  );
}

/** Says what nobody could work with: no pictures, or nothing on any of them unless the set may be `bare`. */
function refuseEmpty(dataset: Dataset, path: string, bare: boolean): void {
  const set = dataset.split === undefined ? "the data set" : `the split "${dataset.split}"`;
  if (dataset.images.length === 0) throw new FeatherdetError(`${set} is empty, it has no image`, { file: path });
  if (!bare && dataset.images.every(({ boxes }) => boxes.length === 0)) {
    throw new FeatherdetError(`${set} is empty, none of its ${dataset.images.length} images has a box`, { file: path });
  }
}

/**
 * Reads a folder in COCO's, Pascal VOC's or YOLO's form, or one split of it; a folder with a folder for each split is read as
 * that of the split.
 *
 * Throws a `FeatherdetError`, one sentence that names the file: for a folder or split that is not there, a missing image or one of
 * another size, a box outside its image, an unknown class, an id that is there twice, a broken file, an empty set.
 */
export async function readFolder(path: string, options: FolderOptions = {}): Promise<Dataset> {
  const kind = kindOf(path);
  if (kind === undefined) throw new FeatherdetError("no such folder", { file: path });
  if (kind === "file") throw new FeatherdetError("is a file, a data set is a folder", { file: path });
  const form = formOf(path, options);
  const wanted = options.split ?? DEFAULT_SPLIT;
  const own = basename(path.replace(/[\\/]+$/, ""));
  if (form === undefined) {
    const inside = join(path, wanted);
    if (formOf(inside, options) === undefined) {
      const folders = kind === "folder" ? [...Deno.readDirSync(path)].filter((one) => one.isDirectory) : [];
      const splits = folders.map(({ name }) => name).filter((name) => formOf(join(path, name), options) !== undefined);
      throw splits.length > 0 ? noSplit(path, wanted, splits) : noForm(path);
    }
    // The folder of a split has none of its own.
    const found = await readFolder(inside, { ...options, split: undefined, name: options.name ?? own });
    return { ...found, split: wanted };
  }
  if (form.splits.length === 0 && options.split !== undefined) {
    throw new FeatherdetError(`it has no splits, so "${options.split}" is none of them`, { file: path });
  }
  if (form.splits.length > 0 && !form.splits.includes(wanted)) throw noSplit(path, wanted, form.splits);
  const split = form.splits.length > 0 ? wanted : undefined;
  // A folder val/ is best known by the name of what it is a part of.
  const name = options.name ?? (["train", "val", "test"].includes(own) ? basename(dirname(path)) : own);
  const dataset: Dataset = { name, ...(split !== undefined && { split }), ...await form.read(split) };
  refuseEmpty(dataset, path, options.limit !== undefined || options.labels === false);
  return dataset;
}

function noSplit(path: string, wanted: string, splits: readonly string[]): FeatherdetError {
  return new FeatherdetError(`it has no split "${wanted}", there are: ${[...splits].sort().join(", ")}`, {
    file: path,
  });
}
