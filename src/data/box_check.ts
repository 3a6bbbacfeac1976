/**
 * Checks boxes as they are read. Wrong boxes are refused; effects of rounding are corrected and counted.
 *
 * @module
 */

import type { TrueBox } from "./dataset.ts";
import { FeatherdetError } from "../graph/error.ts";
import type { PictureSize } from "./picture_file.ts";

/** Pixels that a box may reach beyond its picture before it is refused: what rounding and counting from 1 amount to. */
const TOLERANCE = 2;

/** Pixels that are cut off without a word: the last digit of figures as files state them. */
const UNNOTICED = 0.1;

function plain(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** Checks the boxes of one data set and keeps count of what it put right. */
export class BoxCheck {
  #clipped = 0;
  #empty = 0;

  /** With `dropInverted`, boxes whose edges are exchanged are dropped like empty ones instead of refused. */
  constructor(private readonly options: { readonly dropInverted?: boolean } = {}) {}

  /**
   * The box within its picture, or undefined for one without width or height, which some published sets contain.
   *
   * Throws a `FeatherdetError` that names `file` and `what` for a box that reaches further out than rounding explains, whose edges
   * are exchanged, or that is no number.
   */
  check([x1, y1, x2, y2]: TrueBox, { width, height }: PictureSize, file: string, what: string): TrueBox | undefined {
    const refuse = (reason: string) => new FeatherdetError(`${what} ${reason}`, { file });
    if (![x1, y1, x2, y2].every(Number.isFinite)) throw refuse("has a box that is no number");
    const edges = `from (${plain(x1)}, ${plain(y1)}) to (${plain(x2)}, ${plain(y2)})`;
    if ((x2 < x1 || y2 < y1) && !this.options.dropInverted) {
      throw refuse(`has a box of negative size, ${edges}`);
    }
    if (x2 <= x1 || y2 <= y1) {
      this.#empty++;
      return undefined;
    }
    const beyond = Math.max(-x1, -y1, x2 - width, y2 - height);
    if (beyond > TOLERANCE) throw refuse(`has a box ${edges} that is outside its image of ${width}x${height}`);
    if (beyond > UNNOTICED) this.#clipped++;
    const clipped: TrueBox = [Math.max(0, x1), Math.max(0, y1), Math.min(width, x2), Math.min(height, y2)];
    // A sliver that lies in the tolerance alone has nothing left.
    if (clipped[2] <= clipped[0] || clipped[3] <= clipped[1]) {
      this.#empty++;
      return undefined;
    }
    return clipped;
  }

  /** What was put right, a sentence each. */
  warnings(): string[] {
    const boxes = (count: number) => `${count} ${count === 1 ? "box" : "boxes"}`;
    const found: string[] = [];
    if (this.#clipped > 0) {
      found.push(`${boxes(this.#clipped)} up to ${TOLERANCE} pixels outside the image clipped to it`);
    }
    if (this.#empty > 0) found.push(`${boxes(this.#empty)} without width or height left out`);
    return found;
  }
}
