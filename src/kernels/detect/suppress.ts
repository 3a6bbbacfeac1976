/**
 * From candidates to detections: order, class-wise non-maximum suppression, mapping to the picture, in one dispatch. Shader:
 * `shaders/detect/suppress.wgsl`.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { f32, i32, type Kernel, u32 } from "../kernel.ts";
import { capacityOf, DETECT_VALUES, type DetectSpace, listStrideOf, MAX_CANDIDATES, MAX_DETECTIONS } from "./space.ts";

/**
 * Keeps of each image's candidates, best score first (equals by anchor, then class), those that overlap no kept one of their class by
 * more than `iou`, `maxDetections` at most. Reads `detect/list`, `detect/found` and `detect/frames`, clears `detect/count`, writes
 * `detect/result`. The time grows with the candidates that are there, not with the anchors.
 *
 * Throws FeatherdetError if `maxDetections` is over `MAX_DETECTIONS`.
 */
export function suppress(
  { space, iou, maxDetections = MAX_DETECTIONS, maxCandidates = MAX_CANDIDATES }: {
    readonly space: DetectSpace;
    /** Intersection over union, in 0..1. */
    readonly iou: number;
    readonly maxDetections?: number;
    /** Candidates looked at, best first; at most `MAX_CANDIDATES`. */
    readonly maxCandidates?: number;
  },
): Kernel {
  if (!(maxDetections >= 1 && maxDetections <= MAX_DETECTIONS)) {
    throw new FeatherdetError(`${maxDetections} detections are asked for where 1 to ${MAX_DETECTIONS} are possible`);
  }
  return {
    label: "suppress",
    shader: "detect/suppress.wgsl",
    constants: { MAX_DETECTIONS },
    parameters: {
      anchors: i32(space.anchors),
      classes: i32(space.classes),
      listStride: i32(listStrideOf(space)),
      capacity: u32(capacityOf(space)),
      maxCandidates: u32(Math.min(maxCandidates, MAX_CANDIDATES)),
      maxDetections: u32(maxDetections),
      iou: f32(iou),
    },
    bindings: [
      { kind: "write", value: DETECT_VALUES.count },
      { kind: "write", value: DETECT_VALUES.list },
      { kind: "read", value: DETECT_VALUES.found },
      { kind: "read", value: DETECT_VALUES.frames },
      { kind: "write", value: DETECT_VALUES.result },
    ],
    workgroups: [space.batch, 1, 1],
  };
}
