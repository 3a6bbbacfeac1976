/**
 * Data sets in YOLO's form: a text file a picture with one line an object, `class centreX centreY width height` in parts of the
 * picture; class names in `data.yaml` or `classes.txt`.
 *
 * @module
 */

import { basename, join, parse } from "node:path";
import { BoxCheck } from "./box_check.ts";
import type { GroundTruth, TrueBox } from "./dataset.ts";
import { FeatherdetError } from "../graph/error.ts";
import { kindOf, mapPooled, namesIn, PICTURE_NAME, readLines } from "./files.ts";
import { categoryIdsFor, type Folder, pictureIds, type Reading } from "./folder.ts";
import { PictureFile, type PictureSize, pictureSize } from "./picture_file.ts";
import { yoloClasses, type YoloPlace } from "./yolo_layout.ts";

/** One object in parts of the picture. */
interface YoloLine {
  readonly line: number;
  readonly classId: number;
  /** Edges from 0 to 1. */
  readonly box: TrueBox;
}

/** Edges around the points of an outline. */
function around(points: readonly number[]): TrueBox {
  const [xs, ys] = [0, 1].map((odd) => points.filter((_, index) => index % 2 === odd));
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

function parseLine(text: string, line: number, classes: number, file: string): YoloLine {
  const refuse = (reason: string) => new FeatherdetError(`line ${line} ${reason}`, { file });
  const values = text.split(/\s+/).map(Number);
  if (values.some((value) => !Number.isFinite(value))) {
    throw refuse(`is ${JSON.stringify(text.slice(0, 40))}, expected numbers: class, centre x and y, width, height`);
  }
  const [classId, ...rest] = values;
  if (!Number.isInteger(classId) || classId < 0 || classId >= classes) {
    throw refuse(`is of the unknown class ${classId}, there are ${classes} counted from 0`);
  }
  // Outlines for segmentation stand in the same kind of file; three points are the least.
  const isOutline = rest.length >= 6 && rest.length % 2 === 0;
  if (rest.length !== 4 && !isOutline) throw refuse(`has ${values.length} numbers, expected 5`);
  const [x, y, width, height] = rest;
  const box: TrueBox = isOutline ? around(rest) : [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
  return { line, classId, box };
}

/** Pictures of a folder by their stems, since a label file is found by its stem alone. */
function picturesByStem(folder: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of namesIn(folder, PICTURE_NAME)) {
    const { name: stem } = parse(name);
    if (found.has(stem)) {
      throw new FeatherdetError(`${found.get(stem)} and ${name} would share one label file`, { file: folder });
    }
    found.set(stem, name);
  }
  return found;
}

/** Reads the labels and pictures of one place. Throws a `FeatherdetError` for whatever is wrong about them. */
export async function readYolo(folder: Folder, place: YoloPlace): Promise<Reading> {
  const classes = await yoloClasses(folder.path);
  const pictures = picturesByStem(place.images);
  const labels = namesIn(place.labels, /\.txt$/).filter((name) => name !== "classes.txt");
  for (const name of labels) {
    if (!pictures.has(name.slice(0, -4))) {
      throw new FeatherdetError(`its image is missing from ${place.images}`, { file: join(place.labels, name) });
    }
  }
  const kept = [...pictures].slice(0, folder.limit);
  const ids = pictureIds(kept.map(([stem]) => stem));
  const check = new BoxCheck();
  let nextId = 1;
  const boxesOf = (lines: readonly YoloLine[], { width, height }: PictureSize, file: string): GroundTruth[] =>
    lines.flatMap(({ line, classId, box: [x1, y1, x2, y2] }) => {
      const box = check.check(
        [x1 * width, y1 * height, x2 * width, y2 * height],
        { width, height },
        file,
        `line ${line}`,
      );
      if (box === undefined) return [];
      return [{ id: nextId++, classId, box, area: (box[2] - box[0]) * (box[3] - box[1]), crowd: false }];
    });
  const found = await mapPooled(kept, 16, async ([stem, name]) => {
    const [picture, label] = [join(place.images, name), join(place.labels, `${stem}.txt`)];
    const size = await pictureSize(picture);
    // A picture without a label file shows nothing that is looked for.
    const lines = kindOf(label) === "file" ? await readLines(label) : [];
    return { picture, label, size, lines: lines.map(({ text, line }) => parseLine(text, line, classes.length, label)) };
  });
  const images = found.map(({ picture, label, size, lines }, index) =>
    new PictureFile({
      id: ids[index],
      name: basename(picture),
      ...size,
      boxes: boxesOf(lines, size, label),
      file: picture,
    })
  );
  return { classes, categoryIds: categoryIdsFor(classes), images, warnings: check.warnings() };
}
