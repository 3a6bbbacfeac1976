/**
 * The head of the constructed demo detector, layer by layer of YOLO11's shape: a box branch that ends in DFL logits and a class
 * branch of depthwise and pointwise convolutions that ends in class logits.
 *
 * Depthwise and 3x3 layers use their centre tap only: what they would gather, the runs already hold.
 *
 * @module
 */

import { DFL_BINS } from "./dfl_tail.ts";
import { combine, cover, type Form, geometryOf } from "./demo_geometry.ts";
import { DEMO_CLASSES, FEATURES } from "./demo_features.ts";
import type { GraphEditor } from "../graph/editor.ts";
import { appendSparseConv, type Tap } from "./sparse_conv.ts";

const CLASSES = DEMO_CLASSES.length;

/** Sharpness of the DFL distribution: its variance is 1 / (2 * SHARPNESS) bins. */
const SHARPNESS = 1;

/** Box sizes, as width plus height in cells, that a level answers for. */
export interface SizeRange {
  readonly least: number;
  readonly most: number;
}

function taps(forms: readonly Form[], row = 0, column = 0): Tap[] {
  return forms.flatMap((form, out) => [...form].map(([input, value]): Tap => [out, input, row, column, value]));
}

/** Channel i of a layer as a form. */
function channel(index: number, factor = 1): [number, number] {
  return [index, factor];
}

/** Box branch: `[.., 4 * DFL_BINS, rows, columns]` logits whose distributions have the four distances as means. */
export function appendBoxBranch(editor: GraphEditor, prefix: string, features: string): string {
  // At most one class covers a cell, and forms of the others are 0 there: the sum is the box of whichever it is.
  const sides = [0, 1, 2, 3].map((side) =>
    combine(...DEMO_CLASSES.map((_, classId): [number, Form] => [1, geometryOf(classId).sides[side]]))
  );
  const distances = appendSparseConv(editor, {
    name: `${prefix}.0`,
    input: features,
    inChannels: FEATURES,
    outChannels: 4,
    kernel: [3, 3],
    pads: [1, 1, 1, 1],
    taps: taps(sides, 1, 1),
  });
  const again = appendSparseConv(editor, {
    name: `${prefix}.1`,
    input: distances,
    inChannels: 4,
    outChannels: 4,
    kernel: [3, 3],
    pads: [1, 1, 1, 1],
    taps: sides.map((_, side): Tap => [side, side, 1, 1, 1]),
  });
  // A parabola around the distance d is linear in d but for a term that is the same in all bins: the softmax of
  // -SHARPNESS * (i - d)^2 is the softmax of SHARPNESS * (2 * (i - m) * d - i^2 + 2 * i * m), which m keeps small.
  const middle = (DFL_BINS - 1) / 2;
  const bins = Array.from({ length: 4 * DFL_BINS }, (_, out) => out % DFL_BINS);
  return appendSparseConv(editor, {
    name: `${prefix}.2`,
    input: again,
    inChannels: 4,
    outChannels: 4 * DFL_BINS,
    taps: bins.map((bin, out): Tap => [out, Math.floor(out / DFL_BINS), 0, 0, 2 * SHARPNESS * (bin - middle)]),
    bias: bins.map((bin) => -SHARPNESS * (bin * bin - middle * middle)),
    linear: true,
  });
}

/** What speaks for and against an object of one class here; each becomes a ramp. */
function evidence(classId: number, range: SizeRange): { forms: Form[]; bias: number[] } {
  const { sides: [left, top, right, bottom], misfit } = geometryOf(classId);
  const across = combine([1, left], [-1, right]);
  const down = combine([1, top], [-1, bottom]);
  const size = combine([1, left], [1, top], [1, right], [1, bottom]);
  const opposite = (form: Form) => combine([-1, form]);
  return {
    forms: [
      cover(classId),
      across,
      opposite(across),
      down,
      opposite(down),
      misfit,
      opposite(misfit),
      opposite(size),
      size,
    ],
    bias: [0, 0, 0, 0, 0, 0, 0, range.least, -range.most],
  };
}

/** Channels that `evidence` makes of one class, and those that its second stage does. */
const EVIDENCE = 9;
const VERDICT = 6;

/** Cells by which a cell may be off the middle, twice, and by which the proportions may be off, before it costs. */
const OFF_CENTRE = 1.1;
const MISFIT = 1.1;

/** Second stage for one class: cover, off-centre costs, misfit, size, and the plain distance from the middle. */
function verdict(classId: number): { forms: Form[]; bias: number[] } {
  const base = classId * EVIDENCE;
  return {
    forms: [
      new Map([channel(base)]),
      new Map([channel(base + 1), channel(base + 2)]),
      new Map([channel(base + 3), channel(base + 4)]),
      new Map([channel(base + 5), channel(base + 6)]),
      new Map([channel(base + 7), channel(base + 8)]),
      new Map([1, 2, 3, 4].map((i) => channel(base + i))),
    ],
    bias: [0, -OFF_CENTRE, -OFF_CENTRE, -MISFIT, 0, 0],
  };
}

/** Logit of a class: factors of its verdict's channels, and the logit of nothing. */
const WEIGHTS = [36, -4, -4, -3, -3, -0.5] as const;
const NOTHING = -31;

/** Class branch: `[.., classes, rows, columns]` logits. */
export function appendClassBranch(editor: GraphEditor, prefix: string, features: string, range: SizeRange): string {
  const ids = DEMO_CLASSES.map((_, classId) => classId);
  const pass = (name: string, input: string, channels: number) =>
    appendSparseConv(editor, {
      name,
      input,
      inChannels: channels,
      outChannels: channels,
      kernel: [3, 3],
      pads: [1, 1, 1, 1],
      groups: channels,
      taps: Array.from({ length: channels }, (_, i): Tap => [i, 0, 1, 1, 1]),
    });
  const first = ids.map((classId) => evidence(classId, range));
  const found = appendSparseConv(editor, {
    name: `${prefix}.0.1`,
    input: pass(`${prefix}.0.0`, features, FEATURES),
    inChannels: FEATURES,
    outChannels: CLASSES * EVIDENCE,
    taps: taps(first.flatMap(({ forms }) => forms)),
    bias: first.flatMap(({ bias }) => bias),
  });
  const second = ids.map(verdict);
  const judged = appendSparseConv(editor, {
    name: `${prefix}.1.1`,
    input: pass(`${prefix}.1.0`, found, CLASSES * EVIDENCE),
    inChannels: CLASSES * EVIDENCE,
    outChannels: CLASSES * VERDICT,
    taps: taps(second.flatMap(({ forms }) => forms)),
    bias: second.flatMap(({ bias }) => bias),
  });
  return appendSparseConv(editor, {
    name: `${prefix}.2`,
    input: judged,
    inChannels: CLASSES * VERDICT,
    outChannels: CLASSES,
    taps: ids.flatMap((classId) => WEIGHTS.map((value, i): Tap => [classId, classId * VERDICT + i, 0, 0, value])),
    bias: ids.map(() => NOTHING),
    linear: true,
  });
}
