/**
 * YOLOv5's detection head: what its last layers begin with, and the tail that decodes their maps to `output0`.
 *
 * @module
 */

import { ANCHOR_FIELDS } from "../../graph/anchor_loss.ts";
import type { GraphEditor } from "../../graph/editor.ts";
import type { AnchorHeadLevel } from "../../passes/mod.ts";

/** Pixels along the side of the picture that the prior below is stated for, and objects expected on it, by each level's anchors. */
const PRIOR_SIDE = 640, PRIOR_OBJECTS = 8;

/** Share of all classes that an object is expected to be. */
const PRIOR_CLASS = 0.6;

/**
 * First biases of the logits of an anchor: x, y, width, height, objectness, classes. Almost every predictor sees background; that all
 * begin with the expected share of objects saves the first steps (Lin et al. 2017). One class alone is always right.
 */
export function anchorPrior(classes: number, stride: number): number[] {
  const objectness = Math.log(PRIOR_OBJECTS / (PRIOR_SIDE / stride) ** 2);
  const label = Math.log(PRIOR_CLASS / (classes - 0.99999));
  return [0, 0, 0, 0, objectness, ...Array<number>(classes).fill(label)];
}

/** A level, and where its nodes stand. */
export interface AnchorTailLevel extends AnchorHeadLevel {
  /** Beginning of the names of its nodes. */
  readonly path: string;
}

/** Appends the decode of one level: `[batch, anchors * h * w, 5 + classes]`. */
function decode(editor: GraphEditor, { path, map, stride, anchors }: AnchorTailLevel): string {
  const [batch, channels, rows, columns] = editor.shapeOf(map), count = anchors.length, fields = channels / count;
  const table = (name: string, shape: number[], at: (index: number) => number) =>
    editor.constant(
      editor.uniqueName(`${path}/${name}`),
      shape,
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, index) => at(index)),
    );
  const number = (name: string, value: number) => table(name, [1], () => value);
  const both = (op: "Add" | "Mul", name: string, a: string, b: string) => editor.one(op, `${path}/${name}`, [a, b], {});
  const apart = editor.one("Reshape", `${path}/Reshape`, [map], { shape: [batch, count, fields, rows, columns] });
  const last = editor.one("Transpose", `${path}/Transpose`, [apart], { perm: [0, 1, 3, 4, 2] });
  const shares = editor.one("Sigmoid", `${path}/Sigmoid`, [last], {});
  const sizes = [2, 2, fields - 4];
  const [centre, extent, rest] = editor.several("Split", `${path}/Split`, [shares], { axis: 4, sizes }, [
    "0",
    "1",
    "2",
  ]);
  const cell = table("grid", [1, 1, rows, columns, 2], (index) => {
    const place = Math.floor(index / 2);
    return (index % 2 === 0 ? place % columns : Math.floor(place / columns)) - 0.5;
  });
  const moved = both("Add", "Add", both("Mul", "Mul", centre, number("two", 2)), cell);
  const middle = both("Mul", "Mul_1", moved, number("stride", stride));
  const twice = both("Mul", "Mul_2", extent, number("two_1", 2));
  const sides = table("anchors", [1, count, 1, 1, 2], (index) => anchors[Math.floor(index / 2)][index % 2]);
  const box = both("Mul", "Mul_4", both("Mul", "Mul_3", twice, twice), sides);
  const joint = editor.one("Concat", `${path}/Concat`, [middle, box, rest], { axis: 4 });
  return editor.one("Reshape", `${path}/Reshape_1`, [joint], { shape: [batch, count * rows * columns, fields] });
}

/**
 * Appends the decode of all levels and returns the output's name: `[batch, anchors of all levels, 5 + classes]`, rows of centre x, centre
 * y, width and height in input pixels, objectness and class scores in 0..1.
 */
export function appendAnchorTail(
  editor: GraphEditor,
  levels: readonly AnchorTailLevel[],
  output: string,
): string {
  return editor.node("Concat", output, levels.map((level) => decode(editor, level)), { axis: 1 });
}

/** Channels of the map of a level. */
export function anchorChannels(anchors: number, classes: number): number {
  return anchors * (ANCHOR_FIELDS + classes);
}
