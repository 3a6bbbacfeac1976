/**
 * Finds the files of annotations of a folder in COCO's form.
 *
 * @module
 */

import { basename, dirname, join } from "node:path";
import { fileSystem } from "./file_system.ts";
import { FeatherdetError } from "../graph/error.ts";
import { namesIn } from "./files.ts";
import { splitIn } from "./splits.ts";

/** Files of annotations by their splits; `""` is the split of a file that is all there is. */
export type CocoFiles = ReadonlyMap<string, readonly string[]>;

/** What COCO's own archives hold beside instances. */
const OTHERS = /^(captions|person_keypoints|stuff|panoptic|image_info)_/;

/** Names that say that a file is COCO's: COCO's own and CVAT's, and Roboflow's. */
const USUAL = /^(instances(_.+)?|_annotations\.coco)\.json$/;

/** True if a file of any name has COCO's lists. */
function holdsCoco(file: string): boolean {
  const text = fileSystem().readTextNow(file);
  return ["images", "annotations", "categories"].every((key) => new RegExp(`"${key}"\\s*:\\s*\\[`).test(text));
}

/** The name of a file's split: COCO's own tag without its year, or the split that the name mentions. */
function splitOf(name: string): string {
  const stem = name.replace(/\.json$/, "");
  const [, tag] = /^instances_(.+)$/.exec(stem) ?? [];
  if (tag === "default" || /^(instances|_annotations\.coco)$/.test(stem)) return "";
  // The years in COCO's own names say nothing that matters here: instances_val2017.json is the split val.
  return splitIn(tag ?? stem) ?? tag?.replace(/(20\d\d)$/, "") ?? "";
}

/** Files of annotations in a folder and its `annotations`, by their splits. */
export function cocoFiles(path: string): CocoFiles {
  const places = [path, join(path, "annotations"), join(path, "Annotations")];
  const all = places.flatMap((place) => namesIn(place, /\.json$/).map((name) => join(place, name)));
  // A broken file of a usual name has to be told of, so that its name is enough.
  const usual = all.filter((file) => USUAL.test(basename(file)));
  const files = usual.length > 0 ? usual : all.filter((file) => !OTHERS.test(basename(file)) && holdsCoco(file));
  const found = new Map<string, string[]>();
  for (const file of files) {
    const split = splitOf(basename(file));
    found.set(split, [...found.get(split) ?? [], file]);
  }
  return found;
}

/** The tag of a file's name, as folders of pictures are called after: `val2017`. */
export function tagOf(file: string): string {
  return /^instances_(.+)\.json$/.exec(basename(file))?.[1] ?? "";
}

/**
 * The file of a split. A split may also be named by its file's tag (`val2014`).
 *
 * Throws `FeatherdetError` if several files could be meant, as those of two years.
 */
export function fileOfSplit(files: CocoFiles, split: string): string {
  const found = files.get(split) ?? [...files.values()].flat().filter((file) => tagOf(file) === split);
  if (found.length === 1) return found[0];
  const [names, tags] = [found.map((file) => basename(file)), found.map(tagOf)];
  const way = tags.every((tag) => tag !== "") ? `name one: ${tags.join(", ")}` : "give the path of one";
  const what = split === "" ? "the annotations" : `the split "${split}"`;
  throw new FeatherdetError(`${what} may be ${names.join(" or ")}, ${way}`, { file: dirname(found[0]) });
}

/** The names by which splits of a folder may be asked for. */
export function cocoSplitNames(files: CocoFiles): string[] {
  const names = [...files.keys()].filter((name) => name !== "");
  const several = [...files.values()].filter((list) => list.length > 1).flat().map(tagOf);
  return [...names, ...several.filter((tag) => tag !== "" && !names.includes(tag))];
}
