/**
 * The dispatches of one frame: letterbox, the network's plan, decoding, suppression.
 *
 * @module
 */

import type { DetectionHead } from "../passes/find_detection_head.ts";
import type { Operand } from "../kernels/context.ts";
import { decodeHead, decodeTensor, type DetectSpace, letterbox, suppress } from "../kernels/detect/mod.ts";
import type { Kernel } from "../kernels/kernel.ts";
import { type Dispatch, outputValue, type Plan } from "../plan/plan.ts";

/** Settings of the dispatches of a frame. */
export interface DetectionSettings {
  /** Name of the picture's texture. */
  readonly picture: string;
  readonly confidence: number;
  readonly iou: number;
  readonly maxDetections?: number;
}

/** Lists all dispatches of a frame. The letterbox comes first; its parameters are set for each picture. */
export function listFrameDispatches(
  plan: Plan,
  head: DetectionHead | undefined,
  space: DetectSpace,
  settings: DetectionSettings,
): Dispatch[] {
  const operand = (value: string): Operand => ({
    value,
    shape: plan.types.get(value)!.shape,
    layout: plan.placements.get(value)!.layout,
  });
  const { pitch } = plan;
  const [input] = plan.graph.inputs;
  const [, , height, width] = input.shape;
  const first = letterbox({
    picture: settings.picture,
    size: { width, height },
    geometry: { scale: 1, left: 0, top: 0, width, height },
    output: operand(input.name),
    image: 0,
    pitch,
  });
  const { confidence, iou, maxDetections } = settings;
  const decode = head
    ? decodeHead({
      levels: head.levels.map(({ boxes, classes, stride }) => ({
        boxes: operand(outputValue(plan, boxes, "blocked")),
        classes: operand(outputValue(plan, classes, "blocked")),
        stride,
      })),
      space,
      confidence,
      pitch,
    })
    : decodeTensor({ output: operand(outputValue(plan, plan.graph.outputs[0])), space, confidence });
  const dispatch = (operator: string) => (kernel: Kernel): Dispatch => ({
    name: kernel.label,
    operator,
    kernel,
    macs: 0,
  });
  return [
    dispatch("Letterbox")(first),
    ...plan.dispatches,
    ...decode.map(dispatch("Decode")),
    dispatch("Suppress")(suppress({ space, iou, maxDetections })),
  ];
}
