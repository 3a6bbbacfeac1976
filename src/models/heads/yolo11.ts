/**
 * YOLO11's detection head: for every level a box branch and a class branch, and the decode to `output0`.
 *
 * @module
 */

import type { ModelBuilder } from "../builder.ts";
import { appendDflTail, DFL_BINS, type HeadLevel } from "../dfl_tail.ts";

/** What a head needs beyond its features. */
export interface HeadOptions {
  /** Number of classes. */
  readonly classes: number;
  /** Height and width of the model's input in pixels. */
  readonly size: readonly [height: number, width: number];
}

/** Pixels along the side of the picture that the class prior below is stated for, and objects expected on it. */
const PRIOR_SIDE = 640, PRIOR_OBJECTS = 5;

/**
 * First bias of the class logits of a level. Almost every anchor is background. If all scores start at the expected share of anchors that
 * hold an object of one given class, the first steps need not learn that (Lin et al. 2017).
 */
export function classPrior(classes: number, stride: number): number {
  return Math.log(PRIOR_OBJECTS / classes / (PRIOR_SIDE / stride) ** 2);
}

/**
 * First biases of the logits of a side's distances: probabilities that fall off, of 2.4 strides in the mean. Published models start with
 * equal ones, which are boxes of 15 strides a side. On small inputs these overlap small objects so little that task-aligned assignment
 * gives such objects next to no weight, and the model learns them as background.
 */
export const DISTANCE_PRIOR: readonly number[] = Array.from({ length: DFL_BINS }, (_, i) => -i / 3);

/** Logits of the distances to the four sides, `[N, 4 * DFL_BINS, h, w]`: two 3x3 convolutions of `width` channels, one 1x1. */
export function boxBranch(b: ModelBuilder, path: string, x: string, width: number): string {
  let y = b.convBlock(`${path}.0`, x, { out: width, kernel: 3 });
  y = b.convBlock(`${path}.1`, y, { out: width, kernel: 3 });
  return b.conv(`${path}.2`, y, { out: 4 * DFL_BINS, bias: { repeat: DISTANCE_PRIOR } });
}

/** Class logits `[N, classes, h, w]`: twice a depthwise 3x3 and a 1x1 of `width` channels, then one 1x1. */
export function classBranch(
  b: ModelBuilder,
  path: string,
  x: string,
  { width, classes, stride }: { width: number; classes: number; stride: number },
): string {
  let y = x;
  for (const i of [0, 1]) {
    y = b.convBlock(`${path}.${i}.0`, y, { out: b.channels(y), kernel: 3, groups: b.channels(y) });
    y = b.convBlock(`${path}.${i}.1`, y, { out: width });
  }
  return b.conv(`${path}.2`, y, { out: classes, bias: classPrior(classes, stride) });
}

/** YOLOv8's class branch: as `classBranch`, but for dense 3x3 convolutions. */
export const denseClassBranch: typeof classBranch = (b, path, x, { width, classes, stride }) => {
  let y = x;
  for (const i of [0, 1]) y = b.convBlock(`${path}.${i}`, y, { out: width, kernel: 3 });
  return b.conv(`${path}.2`, y, { out: classes, bias: classPrior(classes, stride) });
};

/** What the branches of a level are made by; YOLO11's by default. */
export interface HeadBranches {
  /** Appends the box branch at a path. */
  readonly box?: typeof boxBranch;
  /** Appends the class branch at a path. */
  readonly classes?: typeof classBranch;
}

/**
 * Appends the head over features of falling resolution (finest first) and returns `output0`, `[batch, 4 + classes, anchors]`.
 * Widths follow from the finest features, as published.
 */
export function detectHead(
  b: ModelBuilder,
  path: string,
  features: readonly string[],
  { classes, size }: HeadOptions,
  branches: HeadBranches = {},
): string {
  const { box = boxBranch, classes: classify = classBranch } = branches;
  const [batch, finest] = b.shapeOf(features[0]);
  const boxWidth = Math.max(16, Math.floor(finest / 4), 4 * DFL_BINS);
  const width = Math.max(finest, Math.min(classes, 100));
  const levels = features.map((x, i): HeadLevel => {
    const [, , rows, columns] = b.shapeOf(x);
    const stride = size[0] / rows;
    return {
      box: box(b, `${path}.cv2.${i}`, x, boxWidth),
      classes: classify(b, `${path}.cv3.${i}`, x, { width, classes, stride }),
      rows,
      columns,
      stride,
    };
  });
  return appendDflTail(b, path, levels, batch, classes);
}
