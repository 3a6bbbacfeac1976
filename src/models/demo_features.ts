/**
 * The features of the constructed demo detector: how much of each cell has each class's colour, and how far that colour
 * reaches from the cell in the four directions.
 *
 * @module
 */

import type { GraphEditor } from "../graph/editor.ts";
import { appendSparseConv, type Tap } from "./sparse_conv.ts";

/** How a class is recognised and how its box follows from runs of its colour. */
export interface DemoClass {
  readonly label: string;
  /** Weights of red, green and blue: the opponent colour, 0 for every grey. */
  readonly opponent: readonly [number, number, number];
  readonly shape: "disc" | "rectangle" | "triangle";
  /** Height over width; needed for triangles. */
  readonly aspect: number;
}

/** The classes of `data/synthetic.ts`, in its order. */
export const DEMO_CLASSES: readonly DemoClass[] = [
  { label: "red disc", opponent: [1, -0.5, -0.5], shape: "disc", aspect: 1 },
  { label: "green square", opponent: [-0.5, 1, -0.5], shape: "rectangle", aspect: 1 },
  { label: "blue triangle", opponent: [-0.5, -0.5, 1], shape: "triangle", aspect: 0.9 },
];

/** Channels that a value of each class takes: padded to four, so that joined maps need no copies where channels go in fours. */
const SLOTS = 4;

/** Cells that a run is followed in each direction. */
const REACH = 7;

/** Opponent colour below which a pixel is background, and the range from there to certainty. */
const THRESHOLD = 0.18;
const RANGE = 0.22;

/** How strongly the uncovered part of a cell shortens a run that starts in it or passes it. */
const GAP = 1.25;

/** Steps in columns and rows from a cell to its neighbour on each side, in the order of a box's sides. */
const SIDES = [[-1, 0], [0, -1], [1, 0], [0, 1]] as const;

/** Channels of the feature map: per class its cover, then its run to each side. */
export const FEATURES = SLOTS * (1 + SIDES.length);

/** Channel of a class's cover of the cell, 0..1. */
export function coverChannel(classId: number): number {
  return classId;
}

/** Channel of a class's run: cells from the cell's middle to where the colour ends on that side, at most REACH + 0.5. */
export function runChannel(classId: number, side: number): number {
  return SLOTS * (1 + side) + classId;
}

/** Colour masks at half the input's size: `clip((opponent - THRESHOLD) / RANGE, 0, 1)` of the mean of four pixels. */
export function appendMasks(editor: GraphEditor, image: string): string {
  const taps: Tap[] = [];
  DEMO_CLASSES.forEach(({ opponent }, classId) => {
    opponent.forEach((factor, channel) => {
      // The first row and column stay empty: the four others are the pixels that the output covers.
      for (const [row, column] of [[1, 1], [1, 2], [2, 1], [2, 2]]) {
        const value = factor / 4 / RANGE;
        taps.push([classId, channel, row, column, value], [SLOTS + classId, channel, row, column, value]);
      }
    });
  });
  const shifts = [-THRESHOLD / RANGE, -THRESHOLD / RANGE - 1];
  const ramps = appendSparseConv(editor, {
    name: "model.0",
    input: image,
    inputGain: 1,
    inChannels: 3,
    outChannels: 2 * SLOTS,
    kernel: [3, 3],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    taps,
    bias: shifts.flatMap((shift) => Array.from({ length: SLOTS }, () => shift)),
  });
  // ramp(z) - ramp(z - 1) is z clipped to 0..1.
  return appendSparseConv(editor, {
    name: "model.1",
    input: ramps,
    inChannels: 2 * SLOTS,
    outChannels: SLOTS,
    taps: DEMO_CLASSES.flatMap((_, i): Tap[] => [[i, i, 0, 0, 1], [i, SLOTS + i, 0, 0, -1]]),
  });
}

/** Halves the masks' size; a value is the covered part of its cell. */
export function appendHalving(editor: GraphEditor, name: string, masks: string): string {
  return editor.node("AveragePool", name, [masks], {
    kernel: [2, 2],
    strides: [2, 2],
    pads: [0, 0, 0, 0],
    dilations: [1, 1],
    ceilMode: false,
    countIncludePad: false,
  });
}

/**
 * One more step of all runs: what the neighbour on that side reached in `step` steps, less what the cell itself lacks:
 * `ramp(reached(neighbour) - GAP * (1 - cover))`. It stays 1 while all cells are covered, is a fraction where the object
 * ends within a cell, and 0 behind a gap.
 */
function appendStep(editor: GraphEditor, name: string, cover: string, reached: string, isFirst: boolean): string {
  const taps = SIDES.flatMap(([columns, rows], side) =>
    DEMO_CLASSES.flatMap((_, classId): Tap[] => {
      const out = SLOTS * side + classId;
      const input = isFirst ? classId : SLOTS * (1 + side) + classId;
      return [[out, input, 1 + rows, 1 + columns, 1], [out, classId, 1, 1, GAP]];
    })
  );
  return appendSparseConv(editor, {
    name,
    input: isFirst ? cover : editor.node("Concat", `${name}.joined`, [cover, reached], { axis: 1 }),
    inChannels: isFirst ? SLOTS : FEATURES,
    outChannels: SLOTS * SIDES.length,
    kernel: [3, 3],
    pads: [1, 1, 1, 1],
    taps,
    bias: Array.from({ length: SLOTS * SIDES.length }, () => -GAP),
  });
}

/** The feature map of one level: cover, and runs as sums of their steps and half of the cell itself. */
export function appendFeatures(editor: GraphEditor, prefix: string, cover: string): string {
  const steps: string[] = [];
  for (let step = 0; step < REACH; step++) {
    steps.push(appendStep(editor, `${prefix}.${step}`, cover, steps[step - 1] ?? cover, step === 0));
  }
  const taps = DEMO_CLASSES.flatMap((_, classId): Tap[] => [
    [coverChannel(classId), classId, 0, 0, 1],
    ...SIDES.flatMap((_, side): Tap[] => [
      [runChannel(classId, side), classId, 0, 0, 0.5],
      ...steps.map((_, step): Tap => [
        runChannel(classId, side),
        SLOTS * (1 + step * SIDES.length + side) + classId,
        0,
        0,
        1,
      ]),
    ]),
  ]);
  return appendSparseConv(editor, {
    name: `${prefix}.${REACH}`,
    input: editor.node("Concat", `${prefix}.steps`, [cover, ...steps], { axis: 1 }),
    inChannels: SLOTS * (1 + REACH * SIDES.length),
    outChannels: FEATURES,
    taps,
  });
}
