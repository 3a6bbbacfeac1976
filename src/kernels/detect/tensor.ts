/**
 * Candidates from a finished output tensor, for models whose head the planner does not know. Shader:
 * `shaders/detect/tensor.wgsl`.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import type { Operand } from "../context.ts";
import { f32, i32, type Kernel } from "../kernel.ts";
import { DETECT_VALUES, type DetectSpace, listStrideOf } from "./space.ts";

const WORKGROUP = 64;

/**
 * Finds the candidates of a plain output tensor `[N, 4 + classes, anchors]` (centre, width, height in input pixels, then scores in
 * 0..1) with a score over `confidence`: one dispatch, the same lists as `decodeHead`.
 *
 * Throws FeatherdetError if the tensor does not have the shape that `space` asks for.
 */
export function decodeTensor(
  { output, space, confidence }: {
    readonly output: Operand;
    readonly space: DetectSpace;
    /** In 0..1. */
    readonly confidence: number;
  },
): Kernel[] {
  const { batch, anchors, classes, multiLabel } = space;
  const shape = [batch, 4 + classes, anchors];
  if (output.layout.kind !== "plain" || output.shape.join() !== shape.join()) {
    throw new FeatherdetError(
      `output "${output.value}" is ${output.layout.kind} [${output.shape}] where detection reads a plain [${shape}]`,
    );
  }
  return [{
    label: "decode tensor",
    shader: "detect/tensor.wgsl",
    constants: { WORKGROUP, MULTI_LABEL: multiLabel ? 1 : 0 },
    parameters: {
      anchors: i32(anchors),
      classes: i32(classes),
      listStride: i32(listStrideOf(space)),
      confidence: f32(confidence),
    },
    bindings: [
      { kind: "read", value: output.value },
      { kind: "write", value: DETECT_VALUES.count },
      { kind: "write", value: DETECT_VALUES.list },
      { kind: "write", value: DETECT_VALUES.found },
    ],
    workgroups: [Math.ceil(anchors / WORKGROUP), batch, 1],
  }];
}
