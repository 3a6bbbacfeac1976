/**
 * Checks boxes as they are read: what reaches over the edge is clipped, what is no box is left out, and both are counted.
 *
 * @module
 */

import type { TrueBox } from "./dataset.ts";
import { FeatherdetError } from "../graph/error.ts";
import type { PictureSize } from "./picture_file.ts";
import type { RemarkKind, Remarks } from "./remarks.ts";

/** Pixels that a box may reach beyond its picture even where nothing is put right: what rounding and counting from 1 amount to. */
const TOLERANCE = 2;

/** Pixels that are cut off without a word: the last digit of figures as files state them. */
const UNNOTICED = 0.1;

/** Boxes of which most mean something. */
const FEW = 4;

const ROUNDED: RemarkKind = [
  `box up to ${TOLERANCE} pixels outside the image clipped to it`,
  `boxes up to ${TOLERANCE} pixels outside the image clipped to it`,
];
const CLIPPED: RemarkKind = [
  "box over the edge of its image clipped to it",
  "boxes over the edge of the image clipped to it",
];
const OUTSIDE: RemarkKind = ["box outside its image left out", "boxes outside their images left out"];
const EMPTY: RemarkKind = ["box without width or height left out", "boxes without width or height left out"];
const INVERTED: RemarkKind = ["box of negative size left out", "boxes of negative size left out"];
const UNREADABLE: RemarkKind = ["object without a usable box left out", "objects without a usable box left out"];
const REPEATED: RemarkKind = ["object that is there twice counted once", "objects that are there twice counted once"];
const NEGATIVE_AREA: RemarkKind = ["negative area replaced by the box's", "negative areas replaced by the boxes'"];

function plain(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** Checks the boxes of one data set. */
export class BoxCheck {
  #seen = 0;
  #lost = 0;
  #firstLost = "";
  #clipped = 0;

  /** `remarks` takes what is put right. */
  constructor(private readonly remarks: Remarks) {}

  #lose(kind: RemarkKind, fault: FeatherdetError): undefined {
    this.remarks.count(kind, fault);
    if (this.#lost++ === 0) this.#firstLost = fault.message;
    return undefined;
  }

  /** Counts an object whose box cannot be read. `fault` says why. */
  unreadable(fault: FeatherdetError): void {
    this.#seen++;
    this.#lose(UNREADABLE, fault);
  }

  /**
   * The box within its picture, or undefined for one that is left out: without width or height, of negative size, outside of the
   * picture, or no number. `file` and `what` name it.
   */
  check([x1, y1, x2, y2]: TrueBox, { width, height }: PictureSize, file: string, what: string): TrueBox | undefined {
    this.#seen++;
    const fault = (reason: string) => new FeatherdetError(`${what} ${reason}`, { file });
    if (![x1, y1, x2, y2].every(Number.isFinite)) return this.#lose(UNREADABLE, fault("has a box that is no number"));
    const edges = `from (${plain(x1)}, ${plain(y1)}) to (${plain(x2)}, ${plain(y2)})`;
    if (x2 < x1 || y2 < y1) return this.#lose(INVERTED, fault(`has a box of negative size, ${edges}`));
    if (x2 === x1 || y2 === y1) {
      this.remarks.note(EMPTY, fault(`has a box without width or height, ${edges}`));
      return undefined;
    }
    const clipped: TrueBox = [Math.max(0, x1), Math.max(0, y1), Math.min(width, x2), Math.min(height, y2)];
    const beyond = Math.max(-x1, -y1, x2 - width, y2 - height);
    const outside = fault(`has a box ${edges} that is outside its image of ${width}x${height}`);
    if (clipped[2] <= clipped[0] || clipped[3] <= clipped[1]) {
      // A sliver that lies in the tolerance alone has nothing left.
      if (beyond <= TOLERANCE) {
        this.remarks.note(EMPTY, outside);
        return undefined;
      }
      return this.#lose(OUTSIDE, outside);
    }
    if (beyond > TOLERANCE) {
      this.#clipped++;
      this.remarks.count(CLIPPED, fault(`has a box ${edges} that reaches over its image of ${width}x${height}`));
    } else if (beyond > UNNOTICED) this.remarks.note(ROUNDED, outside);
    return clipped;
  }

  /** Counts an object whose area is below zero: COCO's figures would leave it out in silence. */
  negativeArea(fault: FeatherdetError): void {
    this.remarks.count(NEGATIVE_AREA, fault);
  }

  /** Objects without those that repeat another of their picture in class and box. `describe` names the one that repeats. */
  withoutRepeats<T extends { readonly classId: number; readonly box: TrueBox }>(
    objects: readonly T[],
    describe: () => FeatherdetError,
  ): T[] {
    const seen = new Set<string>();
    return objects.filter(({ classId, box }) => {
      const key = [classId, ...box].join(" ");
      if (seen.has(key)) this.remarks.count(REPEATED, describe());
      return !seen.has(key) && seen.add(key);
    });
  }

  /**
   * Throws `FeatherdetError` that names `file` if most boxes were left out: then it is not they that are wrong but how they are
   * understood.
   */
  finish(file: string): void {
    if (this.#clipped * 2 > this.#seen && this.#seen >= FEW) {
      this.remarks.say(
        "most boxes reach over their images: they may be written in another way than is read here (corners for sizes, say)",
      );
    }
    if (this.#lost * 2 <= this.#seen) return;
    throw new FeatherdetError(`${this.#lost} of ${this.#seen} boxes cannot be used, the first: ${this.#firstLost}`, {
      file,
    });
  }
}
