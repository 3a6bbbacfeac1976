/**
 * The features of the constructed demo detector: how much of each cell has each class's colour, and how far that colour
 * reaches from the cell in the four directions.
 *
 * @module
 */

import type { GraphBuilder } from "./graph_builder.ts";
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

/** Cells that a run is followed in each direction. */
export const REACH = 7;

/** Opponent colour below which a pixel is background, and the range from there to certainty. */
const THRESHOLD = 0.18;
const RANGE = 0.22;

/** How strongly an uncovered part of a cell ends a run: of the cell it starts in, and of those it passes. */
const OWN_GAP = 1.5;
const GAP = 3;

/** Directions of runs, in the order of a box's sides. */
export const SIDES = ["left", "top", "right", "bottom"] as const;

/** Channels of the feature map: per class its cover, then its runs, side by side and step by step. */
export const FEATURES_PER_CLASS = 1 + SIDES.length * REACH;

/** Channel of a class's cover of the cell, 0..1. */
export function coverChannel(classId: number): number {
  return classId;
}

/** Channel of one step of a run: 1 if the colour reaches `step` (1 to REACH) cells to that side without a gap. */
export function runChannel(classId: number, side: number, step: number): number {
  const classes = DEMO_CLASSES.length;
  const axis = side % 2;
  const direction = side >> 1;
  return classes + axis * classes * 2 * REACH + (classId * 2 + direction) * REACH + step - 1;
}

/** Colour masks at half the input's size: `clip((opponent - THRESHOLD) / RANGE, 0, 1)` of the blurred image. */
export function appendMasks(builder: GraphBuilder, image: string): string {
  const classes = DEMO_CLASSES.length;
  // An even kernel keeps the centre of each output where its 2x2 input pixels have theirs.
  const blur = [1, 3, 3, 1];
  const taps: Tap[] = [];
  for (let classId = 0; classId < classes; classId++) {
    for (let channel = 0; channel < 3; channel++) {
      for (let row = 0; row < 4; row++) {
        for (let column = 0; column < 4; column++) {
          const value = (DEMO_CLASSES[classId].opponent[channel] * blur[row] * blur[column]) / 64 / RANGE;
          taps.push([2 * classId, channel, row, column, value], [2 * classId + 1, channel, row, column, value]);
        }
      }
    }
  }
  const ramps = appendSparseConv(builder, {
    name: "model.0",
    input: image,
    inputGain: 1,
    inChannels: 3,
    outChannels: 2 * classes,
    kernel: [4, 4],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    taps,
    bias: DEMO_CLASSES.flatMap(() => [-THRESHOLD / RANGE, -THRESHOLD / RANGE - 1]),
  });
  // ramp(z) - ramp(z - 1) is z clipped to 0..1.
  return appendSparseConv(builder, {
    name: "model.1",
    input: ramps,
    inChannels: 2 * classes,
    outChannels: classes,
    taps: DEMO_CLASSES.flatMap((_, i): Tap[] => [[i, 2 * i, 0, 0, 1], [i, 2 * i + 1, 0, 0, -1]]),
  });
}

/** Halves the masks' size; a value is the covered part of its cell. */
export function appendHalving(builder: GraphBuilder, name: string, masks: string): string {
  const classes = DEMO_CLASSES.length;
  const quarter = (
    i: number,
  ): Tap[] => [[i, i, 0, 0, 0.25], [i, i, 0, 1, 0.25], [i, i, 1, 0, 0.25], [i, i, 1, 1, 0.25]];
  return appendSparseConv(builder, {
    name,
    input: masks,
    inChannels: classes,
    outChannels: classes,
    kernel: [2, 2],
    strides: [2, 2],
    taps: DEMO_CLASSES.flatMap((_, i) => quarter(i)),
  });
}

/**
 * Runs along one axis: step k is `ramp(cover of cell k - weighted uncovered parts of cells 0..k-1)`: 1 while all are covered,
 * a fraction where the object ends within a cell, 0 behind a gap.
 */
function appendRuns(builder: GraphBuilder, name: string, cover: string, axis: 0 | 1): string {
  const classes = DEMO_CLASSES.length;
  const length = 2 * REACH + 1;
  const taps: Tap[] = [];
  const bias: number[] = [];
  for (let classId = 0; classId < classes; classId++) {
    for (const direction of [-1, 1]) {
      for (let step = 1; step <= REACH; step++) {
        for (let cell = 0; cell <= step; cell++) {
          const at = REACH + direction * cell;
          const weight = cell === step ? 1 : cell === 0 ? OWN_GAP : GAP;
          taps.push([bias.length, classId, axis === 0 ? 0 : at, axis === 0 ? at : 0, weight]);
        }
        bias.push(-OWN_GAP - GAP * (step - 1));
      }
    }
  }
  return appendSparseConv(builder, {
    name,
    input: cover,
    inChannels: classes,
    outChannels: bias.length,
    kernel: axis === 0 ? [1, length] : [length, 1],
    pads: axis === 0 ? [0, REACH, 0, REACH] : [REACH, 0, REACH, 0],
    taps,
    bias,
  });
}

/** The feature map of one level: cover, runs along rows, runs along columns. */
export function appendFeatures(builder: GraphBuilder, prefix: string, cover: string): string {
  const across = appendRuns(builder, `${prefix}.across`, cover, 0);
  const down = appendRuns(builder, `${prefix}.down`, cover, 1);
  return builder.node("Concat", `${prefix}.features`, [cover, across, down], { axis: 1 });
}
