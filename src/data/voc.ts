/**
 * Data sets in Pascal VOC's form: one XML file a picture in `Annotations/`, lists of names in `ImageSets/Main/`, pictures in
 * `JPEGImages/` or `images/`.
 *
 * @module
 */

import { basename, join, parse } from "node:path";
import { BoxCheck } from "./box_check.ts";
import type { GroundTruth, TrueBox } from "./dataset.ts";
import { FeatherdetError } from "../graph/error.ts";
import { kindOf, mapPooled, namesIn, readLines, readText } from "./files.ts";
import { categoryIdsFor, type Folder, pictureIds, type Reading } from "./folder.ts";
import { firstPresent, PictureFile, pictureSize } from "./picture_file.ts";
import { childOf, parseXml, textOf, type XmlElement } from "./xml.ts";

/** How VOC files that differ from the standard are read. */
export interface VocOptions {
  /**
   * Number that the files give to the first pixel: 1 as in Pascal VOC itself, where boxes also name the last pixel that is inside;
   * 0 for the tools that write edges instead, as labelImg does.
   */
  readonly firstPixel?: 0 | 1;
  /** Classes in their order, where the folder does not say; those that occur, by alphabet, by default. */
  readonly classes?: readonly string[];
  /** Drop boxes whose edges are exchanged instead of refusing the set. */
  readonly dropInverted?: boolean;
}

/** An object as its file states it. */
interface VocObject {
  readonly name: string;
  readonly box: TrueBox;
  readonly difficult: boolean;
}

/** A picture's file as it states it. */
interface VocFile {
  readonly file: string;
  readonly stem: string;
  readonly pictureName?: string;
  readonly stated?: { readonly width: number; readonly height: number };
  readonly objects: readonly VocObject[];
}

/** Splits that a folder has, by the names of their lists. Lists of single classes (`cat_train.txt`) are not splits. */
export function vocSplits(path: string): string[] {
  const stems = namesIn(join(path, "ImageSets", "Main"), /\.txt$/).map((name) => name.slice(0, -4));
  return stems.filter((stem) => !/_(train|val|trainval|test)$/.test(stem));
}

function numberIn(element: XmlElement, name: string, what: string, file: string): number {
  const text = textOf(element, name);
  const value = Number(text);
  if (text === undefined || !Number.isFinite(value)) {
    throw new FeatherdetError(`${what} has ${text === undefined ? "no" : "an unusable"} <${name}>, expected a number`, {
      file,
    });
  }
  return value;
}

function readObject(element: XmlElement, place: number, firstPixel: number, file: string): VocObject {
  const what = `object ${place + 1}`;
  const name = textOf(element, "name");
  if (name === undefined) throw new FeatherdetError(`${what} has no <name>`, { file });
  const bounds = childOf(element, "bndbox");
  if (bounds === undefined) throw new FeatherdetError(`${what} has no <bndbox>`, { file });
  const [left, top, right, bottom] = ["xmin", "ymin", "xmax", "ymax"].map((key) => numberIn(bounds, key, what, file));
  return {
    name,
    box: [left - firstPixel, top - firstPixel, right, bottom],
    difficult: textOf(element, "difficult") === "1",
  };
}

async function readFile(path: string, stem: string, firstPixel: number): Promise<VocFile> {
  const file = join(path, "Annotations", `${stem}.xml`);
  const root = parseXml(await readText(file), file);
  if (root.name !== "annotation") {
    throw new FeatherdetError(`its root is <${root.name}>, expected <annotation>`, { file });
  }
  const size = childOf(root, "size");
  const objects = root.children.filter(({ name }) => name === "object");
  return {
    file,
    stem,
    pictureName: textOf(root, "filename"),
    stated: size &&
      { width: numberIn(size, "width", "<size>", file), height: numberIn(size, "height", "<size>", file) },
    objects: objects.map((element, place) => readObject(element, place, firstPixel, file)),
  };
}

/** The picture of a file: named as the file is, or as the file says. */
async function findPicture(path: string, { file, stem, pictureName, stated }: VocFile) {
  const names = [".jpg", ".jpeg", ".png", ".webp", ".JPG"].map((ending) => stem + ending);
  if (pictureName !== undefined) names.unshift(basename(pictureName));
  const picture = firstPresent(
    ["JPEGImages", "images"].flatMap((folder) => names.map((name) => join(path, folder, name))),
  );
  const size = await pictureSize(picture, join("Annotations", `${stem}.xml`));
  // Some tools write 0 for a size they do not know.
  if (stated && stated.width > 0 && (stated.width !== size.width || stated.height !== size.height)) {
    throw new FeatherdetError(
      `it says that ${basename(picture)} is ${stated.width}x${stated.height}, but it is ${size.width}x${size.height}`,
      { file },
    );
  }
  return { picture, size };
}

/** Classes in their order: given, listed in `classes.txt`, or those that occur in any split. */
async function findClasses(path: string, files: readonly VocFile[], options: VocOptions): Promise<readonly string[]> {
  if (options.classes) return options.classes;
  const list = join(path, "classes.txt");
  if (kindOf(list) === "file") return (await readLines(list)).map(({ text }) => text);
  return [...new Set(files.flatMap(({ objects }) => objects.map(({ name }) => name)))].sort();
}

/** Reads a folder. Throws a `FeatherdetError` for whatever is wrong in its files or about its pictures. */
export async function readVoc(folder: Folder, options: VocOptions = {}): Promise<Reading> {
  const { path, split, limit } = folder;
  const stems = namesIn(join(path, "Annotations"), /\.xml$/).map((name) => parse(name).name);
  // Every file is read whatever the split, so that classes have the same numbers in all splits.
  const files = new Map(
    (await mapPooled(stems, 16, (stem) => readFile(path, stem, options.firstPixel ?? 1))).map((one) => [one.stem, one]),
  );
  const classes = await findClasses(path, [...files.values()], options);
  const classOf = new Map(classes.map((name, classId) => [name, classId]));
  const list = split === undefined ? undefined : join(path, "ImageSets", "Main", `${split}.txt`);
  const wanted = list === undefined ? stems : (await readLines(list)).map(({ text }) => text.split(/\s+/)[0]);
  const seen = new Set<string>();
  for (const stem of wanted) {
    if (seen.has(stem)) throw new FeatherdetError(`the image "${stem}" is there twice`, { file: list });
    seen.add(stem);
  }
  const kept = wanted.slice(0, limit);
  const ids = pictureIds(kept);
  const check = new BoxCheck(options);
  let nextId = 1;
  const boxesOf = ({ file, objects }: VocFile, size: { width: number; height: number }): GroundTruth[] =>
    objects.flatMap(({ name, box: stated, difficult }, place) => {
      const classId = classOf.get(name);
      if (classId === undefined) {
        throw new FeatherdetError(`object ${place + 1} is of the unknown class "${name}"`, { file });
      }
      const box = check.check(stated, size, file, `object ${place + 1}`);
      if (box === undefined) return [];
      const area = (box[2] - box[0]) * (box[3] - box[1]);
      return [{ id: nextId++, classId, box, area, crowd: difficult }];
    });
  const found = await mapPooled(kept, 16, async (stem) => {
    const one = files.get(stem);
    if (one === undefined) {
      throw new FeatherdetError(`it names "${stem}", which has no file in Annotations`, { file: list });
    }
    return { one, ...await findPicture(path, one) };
  });
  const images = found.map(({ one, picture, size }, index) =>
    new PictureFile({ id: ids[index], name: basename(picture), ...size, boxes: boxesOf(one, size), file: picture })
  );
  return { classes, categoryIds: categoryIdsFor(classes), images, warnings: check.warnings() };
}
