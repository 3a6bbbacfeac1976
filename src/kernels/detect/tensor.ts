/**
 * Candidates from a finished output, for models whose head the planner does not know. Shader: `shaders/detect/tensor.wgsl`.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { type Shape, sizeOf } from "../../graph/graph.ts";
import type { Operand } from "../context.ts";
import { f32, i32, type Kernel, vec2i, vec4i } from "../kernel.ts";
import { DETECT_VALUES, type DetectSpace, listStrideOf } from "./space.ts";

const WORKGROUP = 64;

/** How the numbers of an output tensor are meant. */
export interface TensorLayout {
  /** Whether anchors are the last axis of the tensor with boxes, `[N, rows, anchors]`, or the last but one. */
  readonly anchorsLast: boolean;
  /** The same of the tensor with scores, where that is another one. */
  readonly scoreAnchorsLast?: boolean;
  /**
   * `centre`: centre x, centre y, width, height. `corners`: x1, y1, x2, y2. `grid`: offsets in cells of strides 8, 16, 32 ... and
   * logarithms of extents, as YOLOX has them before decoding.
   */
  readonly boxes: "centre" | "corners" | "grid";
  /** Whether boxes are parts of the input's width and height instead of pixels. */
  readonly normalised: boolean;
  /** Whether an objectness, by which each class score is multiplied, stands between box and class scores. */
  readonly objectness: boolean;
  /** Whether each anchor is a result: box, score, number of the class. */
  readonly rows: boolean;
}

/** `[1, 4 + classes, anchors]` in input pixels: what YOLOv8 and YOLO11 export. */
export const USUAL_LAYOUT: TensorLayout = {
  anchorsLast: true,
  boxes: "centre",
  normalised: false,
  objectness: false,
  rows: false,
};

/** Elements to the next image, anchor and row of a tensor `[N, rows, anchors]` or `[N, anchors, rows]`, and its first row. */
function stridesIn(rows: number, anchors: number, anchorsLast: boolean, first: number) {
  return vec4i(anchorsLast ? [rows * anchors, 1, anchors, first] : [rows * anchors, rows, 1, first]);
}

function checkTensor({ value, layout, shape }: Operand, wanted: Shape): void {
  // Axes of one element change nothing in how the others lie.
  const bare = (extents: Shape) => extents.filter((extent) => extent !== 1).join();
  if (layout.kind !== "plain" || sizeOf(shape) !== sizeOf(wanted) || bare(shape) !== bare(wanted)) {
    throw new FeatherdetError(
      `output "${value}" is ${layout.kind} [${shape}] where detection reads a plain [${wanted}]`,
    );
  }
}

/**
 * Finds the candidates of a plain output, or of two, with a score over `confidence`: one dispatch, the same lists as `decodeHead`. By
 * default the output is `[N, 4 + classes, anchors]`: centre, width, height in input pixels, then scores in 0..1.
 *
 * Throws FeatherdetError if a tensor does not have the shape that `space` and `layout` ask for.
 */
export function decodeTensor(
  { output, fixed, scores, layout = USUAL_LAYOUT, inputSize: [height, width] = [0, 0], space, confidence }: {
    /** The boxes, and the scores behind them. */
    readonly output: Operand;
    /** Its numbers, where no kernel makes them. */
    readonly fixed?: Float32Array<ArrayBuffer>;
    /** The scores, where they are a tensor of their own. */
    readonly scores?: Operand;
    readonly layout?: TensorLayout;
    /** Height and width of the network's input: for `grid` and `normalised`. */
    readonly inputSize?: readonly [number, number];
    readonly space: DetectSpace;
    /** In 0..1. */
    readonly confidence: number;
  },
): Kernel[] {
  const { batch, anchors, classes, multiLabel } = space;
  const { anchorsLast, scoreAnchorsLast = anchorsLast, boxes, normalised, objectness, rows } = layout;
  const before = objectness ? 1 : 0;
  const scoreRows = rows ? 2 : before + classes;
  const boxRows = 4 + (scores ? 0 : scoreRows);
  const shapeOf = (count: number, last: boolean) => last ? [batch, count, anchors] : [batch, anchors, count];
  checkTensor(output, shapeOf(boxRows, anchorsLast));
  if (scores) checkTensor(scores, shapeOf(scoreRows, scoreAnchorsLast));
  const constants = {
    WORKGROUP,
    MULTI_LABEL: multiLabel && !rows ? 1 : 0,
    BOXES: boxes,
    OBJECTNESS: before,
    ROWS: rows ? 1 : 0,
    SEPARATE: scores ? 1 : 0,
  };
  return [{
    label: "decode tensor",
    shader: "detect/tensor.wgsl",
    constants,
    parameters: {
      anchors: i32(anchors),
      classes: i32(classes),
      listStride: i32(listStrideOf(space)),
      confidence: f32(confidence),
      boxes: stridesIn(boxRows, anchors, anchorsLast, 0),
      scores: scores
        ? stridesIn(scoreRows, anchors, scoreAnchorsLast, before)
        : stridesIn(boxRows, anchors, anchorsLast, 4 + before),
      scaleX: f32(normalised ? width : 1),
      scaleY: f32(normalised ? height : 1),
      input: vec2i(width, height),
    },
    bindings: [
      fixed ? { kind: "constant", data: fixed } : { kind: "read", value: output.value },
      ...scores ? [{ kind: "read", value: scores.value } as const] : [],
      { kind: "write", value: DETECT_VALUES.count },
      { kind: "write", value: DETECT_VALUES.list },
      { kind: "write", value: DETECT_VALUES.found },
    ],
    workgroups: [Math.ceil(anchors / WORKGROUP), batch, 1],
  }];
}
