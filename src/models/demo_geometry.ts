/**
 * From runs to boxes, as linear forms over the feature map of `demo_features.ts`.
 *
 * A square's runs are its box. A disc's and a triangle's are not, away from the middle; but since their proportions are
 * known, the box is still a linear function of the four runs, the same for every cell inside.
 *
 * @module
 */

import { coverChannel, DEMO_CLASSES, runChannel } from "./demo_features.ts";

/** A linear form over feature channels: channel -> factor. */
export type Form = ReadonlyMap<number, number>;

/** Sum of forms with factors. */
export function combine(...terms: readonly (readonly [factor: number, form: Form])[]): Form {
  const sum = new Map<number, number>();
  for (const [factor, form] of terms) {
    for (const [channel, value] of form) sum.set(channel, (sum.get(channel) ?? 0) + factor * value);
  }
  return sum;
}

/** The covered part of the cell. */
export function cover(classId: number): Form {
  return new Map([[coverChannel(classId), 1]]);
}

/** Cells from the middle of the cell to where the colour ends on one side. */
function run(classId: number, side: number): Form {
  return new Map([[runChannel(classId, side), 1]]);
}

/** Forms that describe what a cell sees of an object of one class. */
export interface Geometry {
  /** Distances in cells to the box's left, top, right and bottom. */
  readonly sides: readonly [Form, Form, Form, Form];
  /** 0 if the runs have the proportions of the class's shape. */
  readonly misfit: Form;
}

/** The geometry of a class. */
export function geometryOf(classId: number): Geometry {
  const { shape, aspect } = DEMO_CLASSES[classId];
  const [left, top, right, bottom] = [0, 1, 2, 3].map((side) => run(classId, side));
  if (shape === "rectangle") {
    return {
      sides: [left, top, right, bottom],
      misfit: combine([aspect, left], [aspect, right], [-1, top], [-1, bottom]),
    };
  }
  if (shape === "disc") {
    // A quarter of both chords is the radius near the middle; half the difference of opposite runs is the offset from it.
    const from = (near: Form, far: Form, other: Form, another: Form) =>
      combine([0.75, near], [-0.25, far], [0.25, other], [0.25, another]);
    return {
      sides: [
        from(left, right, top, bottom),
        from(top, bottom, left, right),
        from(right, left, top, bottom),
        from(bottom, top, left, right),
      ],
      misfit: combine([1, left], [1, right], [-1, top], [-1, bottom]),
    };
  }
  // Apex up: half the width grows by `slope` a row, so the width here tells the rows to the apex, and the rows to the base
  // how much wider the base is.
  const slope = 1 / (2 * aspect);
  return {
    sides: [
      combine([1, left], [slope, bottom]),
      combine([1 / (2 * slope), left], [1 / (2 * slope), right]),
      combine([1, right], [slope, bottom]),
      bottom,
    ],
    misfit: combine([1, left], [1, right], [-2 * slope, top]),
  };
}
