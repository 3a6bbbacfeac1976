/**
 * A detector whose boxes are known: it finds red, green and blue squares of 16 pixels on a grid of 16 pixels. What stands behind its boxes
 * and scores is the caller's, so that one detector serves for every form of head.
 *
 * @module
 */

import { GraphEditor } from "../../src/graph/editor.ts";
import type { Graph, Shape } from "../../src/graph/graph.ts";
import type { RgbImage } from "../../src/image/rgb_image.ts";

/** Side of the scene and of the input. */
export const SIDE = 64;

/** Side of a square. */
const CELL = 16;

/** Squares in a row. */
const ACROSS = SIDE / CELL;

/** Cells of the grid. */
export const CELLS: number = ACROSS * ACROSS;

/** Names of the classes, as most files have them. */
export const COLOURS = "{0: 'red', 1: 'green', 2: 'blue'}";

/** Black with a red square and a blue one. */
export function colourScene(): RgbImage {
  const data = new Uint8Array(3 * SIDE * SIDE);
  const square = (x: number, y: number, channel: number) => {
    for (let row = y; row < y + CELL; row++) {
      for (let column = x; column < x + CELL; column++) data[3 * (row * SIDE + column) + channel] = 255;
    }
  };
  square(32, 16, 0);
  square(0, 48, 2);
  return { width: SIDE, height: SIDE, data };
}

/** What is on the scene: corners and class. */
export const SCENE_OBJECTS: readonly { readonly box: readonly number[]; readonly classId: number }[] = [
  { box: [32, 16, 48, 32], classId: 0 },
  { box: [0, 48, 16, 64], classId: 2 },
];

/** Writes nodes in short. */
export class Tail extends GraphEditor {
  /** The values side by side. */
  join(axis: number, ...values: string[]): string {
    return this.one("Concat", "join", values, { axis });
  }

  /** Axes 1 and 2 swapped. */
  swap(value: string): string {
    return this.one("Transpose", "swap", [value], { perm: [0, 2, 1] });
  }

  /** In another shape. */
  shaped(value: string, shape: Shape): string {
    return this.one("Reshape", "shaped", [value], { shape: [...shape] });
  }

  /** The values of an operator of two inputs. */
  both(op: "Add" | "Sub" | "Mul" | "Div", a: string, b: string): string {
    return this.one(op, "both", [a, b], {});
  }

  /** Values that do not depend on the picture. */
  fixed(shape: Shape, of: (at: number) => number): string {
    const count = shape.reduce((product, extent) => product * extent, 1);
    return this.constant(this.uniqueName("fixed"), shape, Float32Array.from({ length: count }, (_, at) => of(at)));
  }
}

/** What a head is made of. */
export interface HeadParts {
  /** Logits `[1, 3, 16]`, one a class. */
  readonly logits: string;
  /** The same in 0..1. */
  readonly scores: string;
  /** The greatest of them, `[1, 1, 16]`. */
  readonly greatest: string;
  /** `[1, 4, 16]`: centre x, centre y, width, height in pixels. */
  readonly centres: string;
  /** `[1, 4, 16]`: x1, y1, x2, y2 in pixels. */
  readonly corners: string;
  /** The input, `[1, 3, 64, 64]` in 0..1. */
  readonly picture: string;
}

/** Row `row` of a box table `[1, 4, cells]`. */
function boxNumber(kind: "centre" | "corners", at: number): number {
  const row = Math.floor(at / CELLS), cell = at % CELLS;
  const corner = [CELL * (cell % ACROSS), CELL * Math.floor(cell / ACROSS)];
  if (kind === "centre") return row < 2 ? corner[row] + CELL / 2 : CELL;
  return corner[row % 2] + (row < 2 ? 0 : CELL);
}

/** Logits of the colours in squares of `cell` pixels, `[1, 3, side / cell, side / cell]`. */
export function colourLogits(tail: Tail, picture: string, cell: number): string {
  const kernel = [cell, cell] as const;
  const means = tail.one("AveragePool", "means", [picture], {
    kernel,
    strides: kernel,
    pads: [0, 0, 0, 0],
    dilations: [1, 1],
    ceilMode: false,
    countIncludePad: false,
  });
  const weights = tail.fixed([3, 3, 1, 1], (at) => at % 4 === 0 ? 12 : -6);
  const bias = tail.fixed([3], () => -4);
  return tail.one("Conv", "logits", [means, weights, bias], {
    strides: [1, 1],
    pads: [0, 0, 0, 0],
    dilations: [1, 1],
    groups: 1,
  });
}

/** How the model takes a picture. */
export interface ColourInput {
  /** Shape of the input. */
  readonly shape?: Shape;
  /** Type of its elements; f32 by default. */
  readonly dtype?: "f32" | "u8";
  /** From the input as it is to `[1, 3, 64, 64]` in 0..1. */
  readonly prepare?: (tail: Tail, input: string) => string;
}

/** The detector: `write` makes the outputs from the parts of a head. */
export function colourDetector(
  write: (tail: Tail, parts: HeadParts) => string | readonly string[],
  metadata: Readonly<Record<string, string>> = { names: COLOURS },
  { shape = [1, 3, SIDE, SIDE], dtype = "f32", prepare = (_, input) => input }: ColourInput = {},
): Graph {
  const tail = new Tail();
  const picture = prepare(tail, tail.input("images", shape, dtype));
  const logits = tail.shaped(colourLogits(tail, picture, CELL), [1, 3, CELLS]);
  const scores = tail.one("Sigmoid", "scores", [logits], {});
  const greatest = tail.one("ReduceMax", "greatest", [scores], { axes: [1], keepDims: true });
  const centres = tail.fixed([1, 4, CELLS], (at) => boxNumber("centre", at));
  const corners = tail.fixed([1, 4, CELLS], (at) => boxNumber("corners", at));
  const outputs = write(tail, { logits, scores, greatest, centres, corners, picture });
  const graph = tail.finish({ outputs: typeof outputs === "string" ? [outputs] : outputs });
  return { ...graph, name: "colours", metadata };
}
