/**
 * One XML file in Pascal VOC's form: what it says of its picture and the objects on it.
 *
 * @module
 */

import { posix } from "node:path";
import type { TrueBox } from "./dataset.ts";
import { FeatherdetError } from "../graph/error.ts";
import { join } from "node:path";
import { childOf, readXml, textOf, type XmlElement } from "./xml.ts";

/** An object as its file states it. */
export interface VocObject {
  readonly name: string;
  /** Edges as they are written, from which `firstPixel` has not been subtracted; or why there are none. */
  readonly edges: TrueBox | FeatherdetError;
  readonly difficult: boolean;
}

/** A picture's file as it states it. */
export interface VocFile {
  readonly file: string;
  /** Its path without ending, from the folder of XML files on. */
  readonly stem: string;
  readonly pictureName?: string;
  /** Where the picture is from, as `<source>` says. */
  readonly database?: string;
  readonly stated?: { readonly width: number; readonly height: number };
  readonly objects: readonly VocObject[];
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

function edgesIn(element: XmlElement, what: string, file: string): TrueBox | FeatherdetError {
  const bounds = childOf(element, "bndbox");
  if (bounds === undefined) return new FeatherdetError(`${what} has no <bndbox>`, { file });
  try {
    const [left, top, right, bottom] = ["xmin", "ymin", "xmax", "ymax"].map((key) => numberIn(bounds, key, what, file));
    return [left, top, right, bottom];
  } catch (error) {
    if (error instanceof FeatherdetError) return error;
    throw error;
  }
}

function readObject(element: XmlElement, place: number, file: string): VocObject {
  const what = `object ${place + 1}`;
  const name = textOf(element, "name");
  if (name === undefined) throw new FeatherdetError(`${what} has no <name>`, { file });
  return { name, edges: edgesIn(element, what, file), difficult: textOf(element, "difficult") === "1" };
}

/** Reads a file below a folder. Throws a `FeatherdetError` for one that is broken or of another kind. */
export async function readVocFile(folder: string, path: string): Promise<VocFile> {
  const file = join(folder, path);
  const root = await readXml(file);
  if (root.name !== "annotation") {
    throw new FeatherdetError(`its root is <${root.name}>, expected <annotation>`, { file });
  }
  const size = childOf(root, "size");
  const source = childOf(root, "source");
  const objects = root.children.filter(({ name }) => name === "object");
  return {
    file,
    stem: posix.join(posix.dirname(path), posix.parse(path).name),
    pictureName: textOf(root, "filename"),
    database: source && textOf(source, "database"),
    stated: size &&
      { width: numberIn(size, "width", "<size>", file), height: numberIn(size, "height", "<size>", file) },
    objects: objects.map((element, place) => readObject(element, place, file)),
  };
}

/** The number of the first pixel, and the sentence that says how it is known; none where nothing else was to be expected. */
export interface FirstPixel {
  readonly number: 0 | 1;
  readonly says?: string;
}

/**
 * The number that files give to the first pixel: 0 if some box begins there or has parts of pixels, as tools write that state edges,
 * and in the exports of CVAT; else 1, as Pascal VOC itself, where boxes also name the last pixel that is inside.
 */
export function firstPixelOf(files: readonly VocFile[], isFromCvat: boolean): FirstPixel {
  const isEdge = ({ edges }: VocObject) =>
    !(edges instanceof FeatherdetError) &&
    (edges[0] === 0 || edges[1] === 0 || edges.some((edge) => !Number.isInteger(edge)));
  if (files.some(({ objects }) => objects.some(isEdge))) {
    return { number: 0, says: "boxes are edges counted from 0, as some of them show" };
  }
  if (isFromCvat) return { number: 0, says: "boxes are edges counted from 0, as CVAT writes them" };
  if (files.some(({ database }) => database?.includes("VOC"))) return { number: 1 };
  return {
    number: 1,
    says: "pixels of boxes are counted from 1, as in Pascal VOC: no box shows that they are counted from 0",
  };
}
