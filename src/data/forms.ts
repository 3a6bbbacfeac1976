/**
 * Recognises the form of a folder and its splits, and reads a split.
 *
 * @module
 */

import { basename, dirname, extname, join, resolve } from "node:path";
import { type CocoFiles, cocoFiles, cocoSplitNames, fileOfSplit, tagOf } from "./coco_files.ts";
import { readCoco } from "./coco.ts";
import type { Dataset } from "./dataset.ts";
import { FeatherdetError } from "../graph/error.ts";
import { foldersIn, kindOf } from "./files.ts";
import type { Folder, Form } from "./folder.ts";
import { PictureIndex } from "./picture_index.ts";
import { picturePlace, pictureSplits, readPictures } from "./pictures.ts";
import { Remarks } from "./remarks.ts";
import { usualSplit } from "./splits.ts";
import { readVoc, type VocOptions } from "./voc.ts";
import { vocLayout } from "./voc_layout.ts";
import { yoloForm, yoloFormOfFile } from "./yolo_form.ts";

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
  /** Refuse what is otherwise put right or left out with a warning. */
  readonly strict?: boolean;
  /** Pictures of more pixels are refused; 100,000,000 by default. */
  readonly maxPixels?: number;
}

function cocoForm(files: CocoFiles, folder: Folder): Form | undefined {
  if (files.size === 0) return undefined;
  const splits = cocoSplitNames(files);
  const read = (split = "") => readCoco({ ...folder, split }, fileOfSplit(files, split));
  return { splits, read };
}

function vocForm(folder: Folder, options: VocOptions): Form | undefined {
  const layout = vocLayout(folder.path);
  if (layout === undefined) return undefined;
  // CVAT calls the only list there is `default`.
  const lists = [...layout.lists.keys()].filter((name) => layout.lists.size > 1 || name !== "default");
  return {
    splits: lists.length > 0 ? lists : layout.splits,
    read: (split) => readVoc({ ...folder, split }, options),
  };
}

/** A folder of nothing but pictures. */
function pictureForm(folder: Folder): Form | undefined {
  const splits = pictureSplits(folder.path);
  if (splits.length === 0 && picturePlace(folder.path) === undefined) return undefined;
  return { splits, read: (split) => readPictures({ ...folder, split }, picturePlace(folder.path, split)!) };
}

/** What is said where the first pixel of a set of another form is named. */
export function notVoc(form: string): string {
  return `the number of the first pixel (--first-pixel) is for files in Pascal VOC's form, this data set is ${form}`;
}

/** The form of a folder, undefined if it has none. The first that applies is taken: COCO, VOC, YOLO, pictures alone. */
async function formOf(folder: Folder, options: FolderOptions): Promise<Form | undefined> {
  const coco = cocoForm(cocoFiles(folder.path), folder);
  const voc = vocForm(folder, options);
  const first = coco ?? voc;
  if (options.firstPixel !== undefined && (coco || !voc && await yoloForm(folder).catch(() => undefined))) {
    throw new FeatherdetError(notVoc(coco ? "in that of COCO" : "in that of YOLO"), { file: folder.path });
  }
  if (first === undefined) {
    if (options.labels !== false) return await yoloForm(folder);
    const yolo = await yoloForm(folder).catch(() => undefined);
    // A folder of data sets, one for each split, is no folder of pictures, though nobody asks for their labels.
    const inside = await formsInside(folder.path, { ...options, labels: true });
    return yolo ?? (splitInside(inside, options) === undefined ? pictureForm(folder) : undefined);
  }
  const yolo = await yoloForm(folder).catch(() => undefined);
  const others = [coco && voc && "Pascal VOC", yolo && "YOLO"].filter((name) => name !== undefined);
  const say = (name: string) =>
    folder.remarks?.say(
      `it is read in the form of ${coco ? "COCO" : "Pascal VOC"}, files in that of ${name} are there too`,
    );
  for (const name of others) say(name);
  return first;
}

function noForm(path: string): FeatherdetError {
  const count = new PictureIndex(path).paths().length;
  const images = count === 1 ? "1 image" : `${count} images`;
  const found = count === 0 ? "it is no data set" : `it holds ${images}, but no annotations that are read`;
  return new FeatherdetError(
    `${found}: expected images/ with instances.json or instances_SPLIT.json (COCO), Annotations/ (Pascal VOC), or ` +
      "images/ with labels/ (YOLO); docs/data.md shows every layout",
    { file: path },
  );
}

/** Says what nobody could work with: no pictures, or nothing on any of them unless the set may be `bare`. */
function refuseEmpty(dataset: Dataset, path: string, bare: boolean): void {
  const set = dataset.split === undefined ? "the data set" : `the split "${dataset.split}"`;
  if (dataset.images.length === 0) throw new FeatherdetError(`${set} is empty, it has no image`, { file: path });
  if (!bare && dataset.images.every(({ boxes }) => boxes.length === 0)) {
    const why = dataset.warnings.map((warning) => `; ${warning}`).join("");
    throw new FeatherdetError(`${set} is empty, none of its ${dataset.images.length} images has a box${why}`, {
      file: path,
    });
  }
}

/** The split of a form that is meant by a name. Throws a `FeatherdetError` if it has none of that name. */
function splitOf(form: Form, { split }: FolderOptions, path: string): string | undefined {
  if (form.splits.length === 0) {
    if (split !== undefined) {
      throw new FeatherdetError(`it has no splits, so "${split}" is none of them`, { file: path });
    }
    return undefined;
  }
  const wanted = split ?? DEFAULT_SPLIT;
  const found = [wanted, usualSplit(wanted)].find((name) => name !== undefined && form.splits.includes(name));
  if (found === undefined) throw noSplit(path, wanted, form.splits);
  return found;
}

/** The name of a folder as a data set; a folder `val` is best known by the name of what it is a part of. */
function nameOf(path: string): string {
  const own = basename(resolve(path));
  return usualSplit(own) === undefined ? own : basename(dirname(resolve(path)));
}

/** A sentence on each two classes whose names differ in capitals and spaces alone: mostly a slip of who annotated. */
function nearlyEqualNames(classes: readonly string[]): string[] {
  const plain = classes.map((name) => name.toLowerCase().replaceAll(/[\s_-]+/g, " ").trim());
  const firsts = new Map<string, number>();
  return plain.flatMap((name, at) => {
    const first = firsts.get(name);
    if (first === undefined) firsts.set(name, at);
    return first === undefined ? [] : [`"${classes[first]}" and "${classes[at]}" are two classes`];
  });
}

async function readForm(form: Form, path: string, options: FolderOptions): Promise<Dataset> {
  const split = splitOf(form, options, path);
  const name = options.name ?? nameOf(path);
  const dataset: Dataset = { name, ...(split !== undefined && { split }), ...await form.read(split) };
  refuseEmpty(dataset, path, options.limit !== undefined || options.labels === false);
  return { ...dataset, warnings: [...dataset.warnings, ...nearlyEqualNames(dataset.classes)] };
}

/** Names of the folders in a folder that are data sets, or would be if nothing in them were broken. */
async function formsInside(path: string, options: FolderOptions): Promise<string[]> {
  const inside: string[] = [];
  for (const name of foldersIn(path)) {
    if (await formOf({ path: join(path, name) }, options).catch(() => true)) inside.push(name);
  }
  return inside;
}

/** The one of some folders that is the split that is wanted; undefined if none is. */
function splitInside(folders: readonly string[], { split: wanted = DEFAULT_SPLIT }: FolderOptions): string | undefined {
  const usual = usualSplit(wanted) ?? wanted;
  return folders.find((name) => name === wanted) ?? folders.find((name) => (usualSplit(name) ?? name) === usual);
}

/** Reads a folder that only holds others: that of the split that is wanted, or the only one that is a data set. */
async function readInside(path: string, options: FolderOptions, remarks: Remarks): Promise<Dataset> {
  const inside = await formsInside(path, options), found = splitInside(inside, options);
  const name = options.name ?? nameOf(path);
  if (found !== undefined) {
    // The folder of a split has none of its own.
    const dataset = await read(join(path, found), { ...options, split: undefined, name }, remarks);
    return { ...dataset, split: usualSplit(found) ?? found };
  }
  if (inside.length === 1 && usualSplit(inside[0]) === undefined && options.split === undefined) {
    remarks.say(`read from ${join(path, inside[0])}`);
    return await read(join(path, inside[0]), { ...options, name }, remarks);
  }
  if (inside.length === 0) throw noForm(path);
  throw noSplit(path, options.split ?? DEFAULT_SPLIT, inside.map((name) => usualSplit(name) ?? name));
}

/** Reads the data set that a file describes: one of YOLO's YAML files, or a file of COCO's annotations. */
async function readDescribed(file: string, options: FolderOptions, remarks: Remarks): Promise<Dataset> {
  const own = dirname(file), { limit } = options;
  if (options.firstPixel !== undefined) throw new FeatherdetError(notVoc("described by a file"), { file });
  if (/\.ya?ml$/i.test(file)) {
    return await readForm(await yoloFormOfFile(file, { path: own, limit, remarks }), own, options);
  }
  if (/\.(zip|tar|tgz|gz|bz2|xz|7z|rar)$/i.test(file)) {
    throw new FeatherdetError("is an archive: unpack it and name the folder", { file });
  }
  if (extname(file).toLowerCase() !== ".json") {
    throw new FeatherdetError("is a file, a data set is a folder, its data.yaml or a file of COCO's annotations", {
      file,
    });
  }
  const path = /^annotations$/i.test(basename(resolve(own))) ? dirname(own) : own;
  const form: Form = { splits: [], read: () => readCoco({ path, split: tagOf(file), limit, remarks }, file) };
  return await readForm(form, path, options);
}

async function read(path: string, options: FolderOptions, remarks: Remarks): Promise<Dataset> {
  const kind = kindOf(path);
  if (kind === undefined) {
    throw new FeatherdetError(`no such ${/\.(ya?ml|json|txt)$/i.test(path) ? "file" : "folder"}`, { file: path });
  }
  if (kind === "file") return await readDescribed(path, options, remarks);
  const form = await formOf({ path, limit: options.limit, remarks }, options);
  return form ? await readForm(form, path, options) : await readInside(path, options, remarks);
}

/**
 * Reads a folder in COCO's, Pascal VOC's or YOLO's form, or one split of it; a folder with a folder for each split is read as
 * that of the split. `path` may also be a `data.yaml` or a JSON file in COCO's form.
 *
 * What is put right or left out is counted in `warnings`, or refused with `strict`: boxes over the edge of their picture, rows that
 * cannot be read, labels without a picture.
 *
 * Throws a `FeatherdetError`, one sentence that names the file: for a folder or split that is not there, a missing image or one of
 * another size, an unknown class, an id that is there twice, a broken file, an empty set, a set most of whose boxes cannot be used.
 */
export async function readFolder(path: string, options: FolderOptions = {}): Promise<Dataset> {
  return await read(path, options, new Remarks(options.strict, options.maxPixels));
}

function noSplit(path: string, wanted: string, splits: readonly string[]): FeatherdetError {
  return new FeatherdetError(`it has no split "${wanted}", there are: ${[...splits].sort().join(", ")}`, {
    file: path,
  });
}
