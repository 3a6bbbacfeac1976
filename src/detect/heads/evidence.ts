/**
 * What a studied tail says of an output: whether numbers are scores, corners, parts of the input, class numbers.
 *
 * @module
 */

import type { Shape } from "../../graph/mod.ts";
import type { ReferenceTensor } from "../../reference/run.ts";
import type { TailRun, TailStudy } from "./tail.ts";

/** Scores are in 0..1; int8 may be a step over. */
const NEARLY = 0.01;

/** The two extents of an output besides the batch; axes of one element are left out. Undefined if it has more axes than two. */
export function planeOf(shape: Shape): readonly [number, number] | undefined {
  const rest = shape.length === 2 ? [...shape] : shape.slice(1);
  if (shape.length !== 2 && shape[0] !== 1) return undefined;
  while (rest.length > 2) {
    const at = rest.indexOf(1);
    if (at < 0) return undefined;
    rest.splice(at, 1);
  }
  return rest.length === 2 ? [rest[0], rest[1]] : undefined;
}

/** Which rows of which output are looked at. */
export interface RowsView {
  /** The output. */
  readonly value: string;
  /** Whether its rows are its first axis. */
  readonly anchorsLast: boolean;
}

/** Numbers of one row, over the anchors. */
function rowOf(tensor: ReferenceTensor, anchorsLast: boolean, row: number): Float64Array {
  const [p, q] = planeOf(tensor.shape)!;
  if (anchorsLast) return tensor.data.subarray(row * q, (row + 1) * q);
  const numbers = new Float64Array(p);
  for (let anchor = 0; anchor < p; anchor++) numbers[anchor] = tensor.data[row + anchor * q];
  return numbers;
}

/** Number of rows. */
function countRows(tensor: ReferenceTensor, anchorsLast: boolean): number {
  return planeOf(tensor.shape)![anchorsLast ? 0 : 1];
}

/** Answers about an output from a study. */
export class TailEvidence {
  /** Asks of a study. */
  constructor(private readonly study: TailStudy) {}

  #row(run: TailRun, { value, anchorsLast }: RowsView, row: number): Float64Array {
    return rowOf(run.get(value)!, anchorsLast, row);
  }

  /** Rows from `first` on that can hold numbers outside 0..1, whatever the layers make. */
  unbounded(
    view: RowsView,
    first: number,
    end = countRows(this.study.mixed.get(view.value)!, view.anchorsLast),
  ): number[] {
    const found: number[] = [];
    for (let row = first; row < end; row++) {
      const inside = (number: number) => number >= -NEARLY && number <= 1 + NEARLY;
      if (!this.#row(this.study.mixed, view, row).every(inside)) found.push(row);
    }
    return found;
  }

  /** Whether a row holds whole numbers only. */
  isWhole(view: RowsView, row: number): boolean {
    return this.#row(this.study.mixed, view, row).every((number) => Number.isInteger(number));
  }

  /** Whether a row holds ones only. */
  isOne(view: RowsView, row: number): boolean {
    return this.#row(this.study.mixed, view, row).every((number) => number === 1);
  }

  /** Whether the four numbers of a box are what a layer made, unchanged. */
  isUndecoded(view: RowsView): boolean {
    const { constant, value } = this.study;
    return [0, 1, 2, 3].every((row) =>
      this.#row(constant, view, row).every((number) => Math.abs(number - value) < 0.02)
    );
  }

  /**
   * Whether boxes are two corners. Where layers make the same everywhere, boxes of neighbouring anchors differ in place and not in size: the
   * third number moves along with the first if it is a corner, and stays if it is a width. Where nothing moves, the second corner must never
   * lie before the first, whatever layers make. Undefined where neither tells.
   */
  areCorners(view: RowsView): boolean | undefined {
    const { constant } = this.study;
    let along = 0, still = 0;
    for (const axis of [0, 1]) {
      const [place, other] = [this.#row(constant, view, axis), this.#row(constant, view, axis + 2)];
      for (let at = 1; at < place.length; at++) {
        const moved = place[at] - place[at - 1], same = 1e-3 * Math.abs(moved);
        if (Math.abs(moved) < 1e-6) continue;
        if (Math.abs(other[at] - other[at - 1] - moved) < same) along++;
        if (Math.abs(other[at] - other[at - 1]) < same) still++;
      }
    }
    if (along !== still) return along > still;
    const ordered = (run: TailRun) => {
      const [x1, y1, x2, y2] = [0, 1, 2, 3].map((row) => this.#row(run, view, row));
      return x1.every((left, at) => x2[at] >= left && y2[at] >= y1[at]);
    };
    // A single box may look like either.
    if (this.#row(constant, view, 0).length < 2) return undefined;
    return ordered(this.study.mixed) || ordered(this.study.positive);
  }

  /** Whether boxes are parts of the input instead of pixels. */
  areParts(view: RowsView): boolean {
    return [0, 1].every((row) => this.#row(this.study.constant, view, row).every((number) => Math.abs(number) <= 2));
  }
}
