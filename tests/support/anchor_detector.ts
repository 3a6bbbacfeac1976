/**
 * A small detector with anchors and objectness, its tail spelled in several ways.
 *
 * @module
 */

import type { Graph, Shape } from "../../src/graph/graph.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { anchorChannels, anchorPrior, appendAnchorTail } from "../../src/models/heads/anchors.ts";
import { namesText } from "../../src/models/metadata.ts";

/** Anchors of its two levels. */
export const SMALL_ANCHORS = [[[10, 13], [16, 30], [33, 23]], [[30, 61], [62, 45], [59, 119]]] as const;

/** What of a spelled tail may be otherwise: near misses. */
export interface TailOdds {
  /** What offsets lie around; 0.5 in a YOLOv5. */
  readonly offset?: number;
  /** Sides are e to the logit instead. */
  readonly exponential?: boolean;
  /** Scores are logits. */
  readonly bare?: boolean;
  /** Fields lie before anchors in the map's channels. */
  readonly fieldsFirst?: boolean;
  /** Cells count down the columns. */
  readonly turned?: boolean;
  /** Every level has the first anchor at its last column. */
  readonly uneven?: boolean;
}

/** How the tail is spelled: as built here, or as release 6 exports it, with bare maps as further outputs, or with the last axes exchanged. */
export type TailSpelling = "built" | "release 6" | "fields first";

/** What is built. */
export interface SmallDetectorOptions {
  readonly size?: number | readonly [height: number, width: number];
  readonly batch?: number;
  readonly classes?: readonly string[];
  readonly spelling?: TailSpelling;
  readonly odds?: TailOdds;
}

interface Level {
  readonly path: string;
  readonly map: string;
  readonly stride: number;
  readonly anchors: readonly (readonly [number, number])[];
}

/** The tail of a level as release 6 traced it: Slices, a power, and tables of cells and anchors as large as the map. */
function spelled(b: ModelBuilder, { map, stride, anchors }: Level, fields: number, odds: TailOdds) {
  const [batch, , rows, columns] = b.shapeOf(map), count = anchors.length;
  const table = (name: string, shape: Shape, at: (index: number) => number) =>
    b.constant(
      b.uniqueName(name),
      shape,
      Float32Array.from({ length: shape.reduce((x, y) => x * y) }, (_, i) => at(i)),
    );
  const number = (value: number) => table("number", [1], () => value);
  const both = (op: "Add" | "Sub" | "Mul" | "Pow", x: string, y: string) => b.one(op, "tail", [x, y], {});
  const cut = (x: string, start: number, end: number) =>
    b.one("Slice", "cut", [x], { axes: [4], starts: [start], ends: [end], steps: [1] });
  const shape = odds.fieldsFirst ? [batch, fields, count, rows, columns] : [batch, count, fields, rows, columns];
  const apart = b.one("Reshape", "apart", [map], { shape });
  const raw = b.one("Transpose", "raw", [apart], { perm: odds.fieldsFirst ? [0, 2, 3, 4, 1] : [0, 1, 3, 4, 2] });
  const shares = b.one("Sigmoid", "shares", [raw], {});
  const full = [1, count, rows, columns, 2];
  const cells = table("cells", full, (i) => {
    const place = Math.floor(i / 2) % (rows * columns);
    const x = odds.turned ? Math.floor(place / rows) : place % columns;
    return i % 2 === 0 ? x : odds.turned ? place % rows : Math.floor(place / columns);
  });
  const sides = table("sides", full, (i) => {
    const anchor = Math.floor(i / (2 * rows * columns)), isLast = Math.floor(i / 2) % columns === columns - 1;
    return anchors[odds.uneven && isLast ? 0 : anchor][i % 2];
  });
  const shifted = both("Sub", both("Mul", cut(shares, 0, 2), number(2)), number(odds.offset ?? 0.5));
  const centre = both("Mul", both("Add", shifted, cells), number(stride));
  const scaled = odds.exponential
    ? b.one("Exp", "grown", [cut(raw, 2, 4)], {})
    : both("Pow", both("Mul", cut(shares, 2, 4), number(2)), number(2));
  const parts = [centre, both("Mul", scaled, sides), cut(odds.bare ? raw : shares, 4, fields)];
  const rowsOf = b.one("Reshape", "rows", [b.one("Concat", "joint", parts, { axis: 4 })], {
    shape: [batch, count * rows * columns, fields],
  });
  return { rows: rowsOf, raw };
}

/** The detector, with random weights: `images [batch, 3, height, width]` to `output0 [batch, rows, 5 + classes]`; strides 8 and 16. */
export function smallDetector(options: SmallDetectorOptions = {}): Graph {
  const { size = 64, batch = 1, classes = ["red", "green", "blue"], spelling = "built", odds = {} } = options;
  const [height, width] = typeof size === "number" ? [size, size] : size;
  const b = new ModelBuilder({ seed: 5 });
  let x = b.input("images", [batch, 3, height, width]);
  const features: string[] = [];
  for (const [i, out] of [8, 16, 16, 24].entries()) {
    x = b.convBlock(`model.${i}`, x, { out, kernel: 3, stride: 2 });
    if (i >= 2) features.push(x);
  }
  const levels = features.map((feature, i): Level => {
    const path = `model.4.m.${i}`, anchors = SMALL_ANCHORS[i], stride = 8 << i;
    const out = anchorChannels(anchors.length, classes.length);
    const map = b.conv(path, feature, { out, bias: { repeat: anchorPrior(classes.length, stride) } });
    return { path, map, stride, anchors };
  });
  const metadata = { names: namesText(classes) };
  if (spelling === "built" && Object.keys(odds).length === 0) {
    return b.graph("small", [appendAnchorTail(b, levels, "output0")], metadata);
  }
  const tails = levels.map((level) => spelled(b, level, 5 + classes.length, odds));
  const rows = tails.map((tail) => tail.rows);
  if (spelling === "fields first") {
    const joint = b.one("Concat", "all", rows, { axis: 1 });
    return b.graph("small", [b.node("Transpose", "output0", [joint], { perm: [0, 2, 1] })], metadata);
  }
  const output = b.node("Concat", "output0", rows, { axis: 1 });
  return b.graph("small", [output, ...tails.map(({ raw }) => raw)], metadata);
}
