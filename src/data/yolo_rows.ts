/**
 * The rows of a label file in YOLO's form: `class centreX centreY width height` in parts of the picture, perhaps with keypoints behind;
 * or `class x y x y x y ...`, an outline.
 *
 * @module
 */

import type { TrueBox } from "./dataset.ts";
import { FeatherdetError } from "../graph/error.ts";
import { readLines } from "./files.ts";
import type { YoloYaml } from "./yolo_yaml.ts";

/** One object in parts of the picture. */
export interface YoloRow {
  readonly line: number;
  readonly classId: number;
  /** Edges from 0 to 1. */
  readonly box: TrueBox;
  /** Whether the box was drawn around an outline. */
  readonly isOutline: boolean;
}

/** How rows are to be understood. */
export interface RowForm {
  readonly classes: number;
  readonly keypoints?: YoloYaml["keypoints"];
}

/** Numbers beyond which a place is surely not given in parts of the picture: of boxes, which may reach out, and of outlines. */
const FAR = 2, FAR_OF_OUTLINE = 1.1;

/** Edges around the points of an outline. */
function around(points: readonly number[]): TrueBox {
  const [xs, ys] = [0, 1].map((odd) => points.filter((_, index) => index % 2 === odd));
  // Not as arguments: outlines may have more points than a call takes.
  const least = (list: readonly number[]) => list.reduce((a, b) => Math.min(a, b));
  const most = (list: readonly number[]) => list.reduce((a, b) => Math.max(a, b));
  return [least(xs), least(ys), most(xs), most(ys)];
}

/** The numbers of the box or the outline. Throws for a row of another length. */
function placeIn(rest: readonly number[], { keypoints }: RowForm, refuse: (reason: string) => FeatherdetError) {
  const given = `has ${rest.length + 1} numbers, expected 5`;
  if (keypoints) {
    const more = keypoints[0] * keypoints[1];
    if (rest.length !== 4 && rest.length !== 4 + more) throw refuse(`${given}, or ${5 + more} with its keypoints`);
    return { numbers: rest.slice(0, 4), isOutline: false };
  }
  // Outlines for segmentation stand in the same kind of file; three points are the least.
  const isOutline = rest.length >= 6 && rest.length % 2 === 0;
  if (rest.length !== 4 && !isOutline) throw refuse(given);
  return { numbers: rest, isOutline };
}

function parseRow(text: string, line: number, form: RowForm, file: string, onBroken: (fault: FeatherdetError) => void) {
  const refuse = (reason: string) => new FeatherdetError(`line ${line} ${reason}`, { file });
  const values = text.split(/[\s,]+/).filter((part) => part !== "").map(Number);
  if (values.some((value) => !Number.isFinite(value))) {
    onBroken(
      refuse(`is ${JSON.stringify(text.slice(0, 40))}, expected numbers: class, centre x and y, width, height`),
    );
    return undefined;
  }
  const [classId, ...rest] = values;
  if (!Number.isInteger(classId) || classId < 0 || classId >= form.classes) {
    // Names that do not belong to the labels make every class wrong, not only this row.
    throw refuse(`is of the unknown class ${classId}, there are ${form.classes} counted from 0`);
  }
  try {
    const { numbers, isOutline } = placeIn(rest, form, refuse);
    const limit = isOutline ? FAR_OF_OUTLINE : FAR;
    const far = numbers.find((value) => Math.abs(value) > limit);
    if (far !== undefined) throw refuse(`has ${far}, expected parts of the picture from 0 to 1`);
    const [x, y, width, height] = numbers;
    const box: TrueBox = isOutline ? around(numbers) : [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
    return { line, classId, box, isOutline };
  } catch (error) {
    if (!(error instanceof FeatherdetError)) throw error;
    onBroken(error);
    return undefined;
  }
}

/**
 * Reads a label file. Rows that cannot be read go to `onBroken`. Throws a `FeatherdetError` for a class that there is not, and for a
 * file that is no text.
 */
export async function readRows(
  file: string,
  form: RowForm,
  onBroken: (fault: FeatherdetError) => void,
): Promise<YoloRow[]> {
  const lines = await readLines(file);
  return lines.map(({ text, line }) => parseRow(text, line, form, file, onBroken)).filter((row) => row !== undefined);
}
