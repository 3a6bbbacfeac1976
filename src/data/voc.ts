/**
 * Data sets in Pascal VOC's form: one XML file a picture, in `Annotations/` or beside the pictures, and lists of names in
 * `ImageSets/Main/`.
 *
 * @module
 */

import { basename, join, parse, posix } from "node:path";
import { BoxCheck } from "./box_check.ts";
import type { GroundTruth } from "./dataset.ts";
import { FeatherdetError } from "../graph/error.ts";
import { kindOf, mapPooled, readLines, readNames } from "./files.ts";
import { categoryIdsFor, type Folder, pictureIds, type Reading } from "./folder.ts";
import { PictureFile, type PictureSize, pictureSize } from "./picture_file.ts";
import { foldName, PictureIndex, relativePath } from "./picture_index.ts";
import { type RemarkKind, Remarks } from "./remarks.ts";
import { usualSplit } from "./splits.ts";
import { type FirstPixel, firstPixelOf, readVocFile, type VocFile } from "./voc_file.ts";
import { siblingLayouts, type VocLayout, vocLayout } from "./voc_layout.ts";

export { vocSplits } from "./voc_layout.ts";

/** How VOC files that differ from the standard are read. */
export interface VocOptions {
  /**
   * Number that the files give to the first pixel: 1 as in Pascal VOC itself, where boxes also name the last pixel that is inside;
   * 0 for the tools that write edges instead, as labelImg does. By default what the boxes show (see `firstPixelOf`).
   */
  readonly firstPixel?: 0 | 1;
  /** Classes in their order, where the folder does not say; those that occur, by alphabet, by default. */
  readonly classes?: readonly string[];
}

const OTHER_NAME: RemarkKind = [
  "file names another picture than its own name does, which counts",
  "files name other pictures than their own names do, which count",
];
const UNLABELLED: RemarkKind = [
  "image without a file of annotations left out",
  "images without files of annotations left out",
];

/** The picture of a file: named as the file is, or as the file says. */
async function findPicture(index: PictureIndex, layout: VocLayout, one: VocFile, remarks: Remarks) {
  const { file, stem, pictureName, stated } = one;
  const inside = posix.dirname(stem);
  const places = ["JPEGImages", "images", "data", "img", layout.folder, ""].map((place) => posix.join(place, inside));
  const own = posix.basename(stem);
  const said = pictureName === undefined ? undefined : basename(relativePath(pictureName));
  const isOwn = (name: string) => foldName(parse(name).name) === foldName(own);
  // Of pictures that differ in their endings alone the file names its own; otherwise its own name counts.
  const byName = () => said === undefined ? undefined : index.byName(pictureName!, places);
  const picture = said !== undefined && isOwn(said)
    ? byName() ?? index.byStem(own, places)
    : index.byStem(own, places) ?? byName();
  const listedIn = join(layout.folder, `${stem}.xml`);
  if (picture === undefined) {
    const name = said ?? `${own}.jpg`;
    throw index.missing(name, join(layout.path, places[0], name), listedIn);
  }
  const isOther = said !== undefined && !isOwn(said) && isOwn(basename(picture)) &&
    index.byName(said, places) !== undefined;
  const otherName = isOther ? new FeatherdetError(`it says that it is of ${said}`, { file }) : undefined;
  const size = await pictureSize(picture, remarks);
  // Some tools write 0 for a size they do not know.
  if (stated && stated.width > 0 && (stated.width !== size.width || stated.height !== size.height)) {
    throw new FeatherdetError(
      `it says that ${basename(picture)} is ${stated.width}x${stated.height}, but it is ${size.width}x${size.height}`,
      { file },
    );
  }
  return { picture, size, otherName };
}

const classesIn = (files: readonly VocFile[]) => files.flatMap(({ objects }) => objects.map(({ name }) => name));

/** Classes of CVAT's `labelmap.txt`, whose lines are `label:colour:parts:actions`; none where there is no such file. */
async function labelMap(path: string): Promise<string[]> {
  const file = join(path, "labelmap.txt");
  if (kindOf(file) !== "file") return [];
  return (await readLines(file)).map(({ text }) => text.split(":")[0])
    .filter((name) => !name.startsWith("#") && name !== "background");
}

/** Classes in their order: given, listed in `classes.txt` or by CVAT, or those that occur in any split. */
async function findClasses(
  layout: VocLayout,
  files: readonly VocFile[],
  options: VocOptions,
): Promise<readonly string[]> {
  if (options.classes) return options.classes;
  const list = join(layout.path, "classes.txt");
  if (kindOf(list) === "file") return await readNames(list);
  const labels = await labelMap(layout.path);
  const isSplit = usualSplit(basename(layout.path)) !== undefined && layout.lists.size === 0;
  const others = isSplit ? siblingLayouts(layout.path) : [];
  const found = await Promise.all(others.map(readAll));
  return [...new Set([...labels, ...[files, ...found].flatMap(classesIn).sort()])];
}

function readAll({ path, folder, files }: VocLayout): Promise<VocFile[]> {
  return mapPooled(files, 16, (file) => readVocFile(join(path, folder), file));
}

/** The stem that a line of a list names: all of it, or what stands before a number that says whether a class is there. */
function stemOf(text: string, known: ReadonlyMap<string, VocFile>): string {
  const tries = [text, text.replace(/\s+-?[01]$/, "")].flatMap((name) => {
    const path = relativePath(name);
    return [name, path, path.replace(/\.\w+$/, ""), posix.parse(path).name];
  });
  return tries.find((name) => known.has(name)) ?? tries[4];
}

/** The files that are wanted, in the order of the list if there is one. */
async function wantedFiles(
  { path, folder, lists, splits }: VocLayout,
  files: ReadonlyMap<string, VocFile>,
  split: string | undefined,
): Promise<VocFile[]> {
  const list = split === undefined ? undefined : lists.get(split);
  if (list === undefined) {
    const all = [...files.values()];
    return splits.length === 0 ? all : all.filter(({ stem }) => usualSplit(stem.split("/")[0]) === split);
  }
  const seen = new Set<string>();
  return (await readLines(list)).map(({ text }) => {
    const stem = stemOf(text, files);
    if (seen.has(stem)) throw new FeatherdetError(`the image "${stem}" is there twice`, { file: list });
    seen.add(stem);
    const found = files.get(stem);
    if (found === undefined) {
      const where = folder === "" ? basename(path) : folder;
      throw new FeatherdetError(`it names "${stem}", which has no file in ${where}`, { file: list });
    }
    return found;
  });
}

/** Counts pictures that no file annotates. */
function remarkOnUnlabelled(index: PictureIndex, used: ReadonlySet<string>, layout: VocLayout, remarks: Remarks): void {
  if (layout.lists.size > 0 || layout.splits.length > 0) return;
  for (const path of index.paths()) {
    const file = join(index.root, path);
    if (!used.has(file)) remarks.count(UNLABELLED, new FeatherdetError("has no XML file", { file }));
  }
}

/** Throws `FeatherdetError` if boxes are given in parts of the pictures, by which they would be less than a pixel. */
function refuseParts({ path, folder }: VocLayout, files: readonly VocFile[]): void {
  const edges = files.flatMap(({ objects }) =>
    objects.flatMap((one) => one.edges instanceof FeatherdetError ? [] : one.edges)
  );
  if (edges.length > 0 && edges.every((edge) => Math.abs(edge) <= 1)) {
    throw new FeatherdetError("its boxes lie between 0 and 1, expected pixels", { file: join(path, folder) });
  }
}

/** Reads a folder. Throws a `FeatherdetError` for whatever is wrong in its files or about its pictures. */
export async function readVoc(folder: Folder, options: VocOptions = {}): Promise<Reading> {
  const { path, split, limit, remarks = new Remarks() } = folder;
  const layout = vocLayout(path);
  if (layout === undefined) throw new FeatherdetError("it holds no XML files in Pascal VOC's form", { file: path });
  // Every file is read whatever the split, so that classes have the same numbers in all splits.
  const files = new Map((await readAll(layout)).map((one) => [one.stem, one]));
  const classes = await findClasses(layout, [...files.values()], options);
  const classOf = new Map(classes.map((name, classId) => [name, classId]));
  const wanted = await wantedFiles(layout, files, split);
  const kept = wanted.slice(0, limit);
  const ids = pictureIds(kept.map(({ stem }) => posix.basename(stem)));
  const isFromCvat = kindOf(join(path, "labelmap.txt")) === "file";
  const { number: firstPixel, says }: FirstPixel = options.firstPixel === undefined
    ? firstPixelOf([...files.values()], isFromCvat)
    : { number: options.firstPixel };
  if (says !== undefined) remarks.say(says);
  refuseParts(layout, [...files.values()]);
  const check = new BoxCheck(remarks);
  let nextId = 1;
  const boxesOf = ({ file, objects }: VocFile, size: PictureSize): GroundTruth[] => {
    const found = objects.flatMap(({ name, edges, difficult }, place) => {
      const classId = classOf.get(name);
      if (classId === undefined) {
        throw new FeatherdetError(`object ${place + 1} is of the unknown class "${name}"`, { file });
      }
      if (edges instanceof FeatherdetError) {
        check.unreadable(edges);
        return [];
      }
      const [left, top, right, bottom] = edges;
      const box = check.check([left - firstPixel, top - firstPixel, right, bottom], size, file, `object ${place + 1}`);
      return box === undefined ? [] : [{ classId, box, crowd: difficult }];
    });
    const objectsOnce = check.withoutRepeats(found, () => new FeatherdetError("an object is there twice", { file }));
    return objectsOnce.map(({ classId, box, crowd }) => {
      return { id: nextId++, classId, box, area: (box[2] - box[0]) * (box[3] - box[1]), crowd };
    });
  };
  const index = new PictureIndex(path);
  const found = await mapPooled(kept, 16, async (one) => ({ one, ...await findPicture(index, layout, one, remarks) }));
  // Remarks come in the order of the files, not of their reading.
  for (const { otherName } of found) if (otherName) remarks.count(OTHER_NAME, otherName);
  if (limit === undefined) remarkOnUnlabelled(index, new Set(found.map(({ picture }) => picture)), layout, remarks);
  const images = found.map(({ one, picture, size }, at) => {
    const boxes = boxesOf(one, size);
    return new PictureFile({ id: ids[at], name: basename(picture), ...size, boxes, file: picture }, remarks);
  });
  check.finish(path);
  return { classes, categoryIds: categoryIdsFor(classes), images, warnings: remarks.warnings() };
}
