/**
 * Kernels over the raw maps of a YOLO11 head: `decodeHead` finds candidates (`shaders/detect/head.wgsl`), `yoloOutput` writes the
 * output tensor of an exported model (`shaders/detect/output.wgsl`). One dispatch a level.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import type { Operand } from "../context.ts";
import { blocked, type BlockedLayout, f32, i32, type Kernel } from "../kernel.ts";
import { DETECT_VALUES, type DetectSpace, listStrideOf } from "./space.ts";

/** One level of the head. */
export interface HeadLevel {
  /** Logits of the distances, blocked `[N, 4 * bins, h, w]`, sides left, top, right, bottom; `bins` a multiple of 4. */
  readonly boxes: Operand;
  /** Class logits, blocked `[N, classes, h, w]`. */
  readonly classes: Operand;
  /** Input pixels a cell. */
  readonly stride: number;
}

const WORKGROUP = 64;
const PER_THREAD = 2;

/** Largest finite f32: stands for the logit of confidence 1 and, negated, of 0. */
const LARGEST = 3.4028234e38;

interface PlacedLevel {
  readonly level: HeadLevel;
  readonly boxes: BlockedLayout;
  readonly classes: BlockedLayout;
  /** Cells of four logits a side. */
  readonly cells: number;
  readonly firstAnchor: number;
}

function layoutOf({ value, layout, shape }: Operand): BlockedLayout {
  if (layout.kind !== "blocked") {
    throw new FeatherdetError(`head map "${value}" [${shape}] is not in row memory`);
  }
  return layout;
}

/** Checks the maps against one another and numbers the anchors: level by level, row by row. */
function place(levels: readonly HeadLevel[]): PlacedLevel[] {
  let firstAnchor = 0;
  return levels.map((level) => {
    const boxes = layoutOf(level.boxes), classes = layoutOf(level.classes);
    const agree = boxes.batch === classes.batch && boxes.height === classes.height && boxes.width === classes.width;
    if (!agree || boxes.channels % 16 !== 0 || boxes.channels === 0) {
      throw new FeatherdetError(
        `head maps "${level.boxes.value}" [${level.boxes.shape}] and "${level.classes.value}" [${level.classes.shape}] are no ` +
          "level of a YOLO11 head: one grid, and a multiple of 4 distances for each of 4 sides",
      );
    }
    const placed = { level, boxes, classes, cells: boxes.channels / 16, firstAnchor };
    firstAnchor += classes.height * classes.width;
    return placed;
  });
}

/** Anchor points of all levels. */
export function anchorsOf(levels: readonly HeadLevel[]): number {
  return place(levels).reduce((sum, { classes }) => sum + classes.height * classes.width, 0);
}

/** The logit whose sigmoid is the confidence, finite for 0 and 1. */
export function logitOf(confidence: number): number {
  if (confidence <= 0) return -LARGEST;
  if (confidence >= 1) return LARGEST;
  return Math.log(confidence / (1 - confidence));
}

/**
 * Finds the candidates of an image's head maps with a score over `confidence`. Reads the maps of each level; adds to
 * `detect/count` and writes `detect/list` and `detect/found`, see `detectBuffers`.
 *
 * Throws FeatherdetError if the maps are no head, or do not agree with `space`.
 */
export function decodeHead(
  { levels, space, confidence, pitch }: {
    readonly levels: readonly HeadLevel[];
    readonly space: DetectSpace;
    /** In 0..1. */
    readonly confidence: number;
    /** Cells in a row of the arena. */
    readonly pitch: number;
  },
): Kernel[] {
  const found = anchorsOf(levels);
  if (found !== space.anchors) {
    throw new FeatherdetError(`the head's maps have ${found} anchors where ${space.anchors} are planned`);
  }
  return place(levels).map(({ level, boxes, classes, cells, firstAnchor }) => {
    if (classes.channels !== space.classes || classes.batch !== space.batch) {
      throw new FeatherdetError(
        `head map "${level.classes.value}" [${level.classes.shape}] does not have ${space.batch} images of ${space.classes} classes`,
      );
    }
    return {
      label: `decode ${classes.height}x${classes.width}`,
      shader: "detect/head.wgsl",
      constants: { WORKGROUP, PER_THREAD, CELLS: cells, MULTI_LABEL: space.multiLabel ? 1 : 0 },
      parameters: {
        boxes: blocked(boxes),
        classes: blocked(classes),
        firstAnchor: i32(firstAnchor),
        anchors: i32(space.anchors),
        listStride: i32(listStrideOf(space)),
        pitch: i32(pitch),
        stride: f32(level.stride),
        threshold: f32(logitOf(confidence)),
      },
      bindings: [
        { kind: "read", value: level.boxes.value },
        { kind: "read", value: level.classes.value },
        { kind: "write", value: DETECT_VALUES.count },
        { kind: "write", value: DETECT_VALUES.list },
        { kind: "write", value: DETECT_VALUES.found },
      ],
      workgroups: [Math.ceil(classes.height * classes.width / (WORKGROUP * PER_THREAD)), classes.batch, 1],
    };
  });
}

/**
 * Writes the output tensor of an exported YOLO11, `[N, 4 + classes, anchors]`: centre, width and height in input pixels, then scores in
 * 0..1. It is plain, or in row memory a map `[N, 4 + classes, h, w]` of `h * w` anchors. Together the dispatches, one a level, write every
 * element.
 *
 * Throws FeatherdetError if the maps are no head, or the output has another shape.
 */
export function yoloOutput(
  { levels, output, pitch }: {
    readonly levels: readonly HeadLevel[];
    readonly output: Operand;
    /** Cells in a row of the arena. */
    readonly pitch: number;
  },
): Kernel[] {
  const anchors = anchorsOf(levels), { layout } = output;
  return place(levels).map(({ level, boxes, classes, cells, firstAnchor }) => {
    const shape = [classes.batch, 4 + classes.channels, anchors];
    const found = layout.kind === "plain"
      ? output.shape
      : [layout.batch, layout.channels, layout.height * layout.width];
    if (found.join() !== shape.join()) {
      throw new FeatherdetError(
        `output "${output.value}" is ${layout.kind} [${output.shape}] where the head's maps make [${shape}]`,
      );
    }
    return {
      label: `output ${classes.height}x${classes.width}`,
      shader: "detect/output.wgsl",
      constants: { WORKGROUP, CELLS: cells, ...layout.kind === "blocked" && { IN_CELLS: 1 } },
      parameters: {
        boxes: blocked(boxes),
        classes: blocked(classes),
        ...layout.kind === "blocked" && { output: blocked(layout) },
        firstAnchor: i32(firstAnchor),
        anchors: i32(anchors),
        pitch: i32(pitch),
        stride: f32(level.stride),
      },
      bindings: [
        { kind: "read", value: level.boxes.value },
        { kind: "read", value: level.classes.value },
        { kind: "write", value: output.value },
      ],
      workgroups: [Math.ceil(classes.height * classes.width / WORKGROUP), classes.batch, 1],
    };
  });
}
