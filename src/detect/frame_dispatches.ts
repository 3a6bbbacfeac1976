/**
 * The dispatches of one frame: letterbox, the network's plan, decoding, suppression.
 *
 * @module
 */

import type { Operand } from "../kernels/context.ts";
import { decodeHead, decodeTensor, type DetectSpace, suppress } from "../kernels/detect/mod.ts";
import { joinKernels } from "../kernels/join.ts";
import type { Kernel } from "../kernels/kernel.ts";
import { type Dispatch, outputValue, type Plan } from "../plan/plan.ts";
import { frameFront } from "./frame_front.ts";
import type { Head } from "./heads/form.ts";

/** An overlap that no two boxes have. */
const NEVER = 2;

/** Whether a model has chosen its results itself, so that none of them is suppressed. */
export function keepsAll(head: Head): boolean {
  return head.form === "rows";
}

/** Settings of the dispatches of a frame. */
export interface DetectionSettings {
  /** Name of the picture's texture. */
  readonly picture: string;
  readonly confidence: number;
  readonly iou: number;
  readonly maxDetections?: number;
}

/** Lists all dispatches of a frame: its front first, whose parameters are set for each picture. */
export function listFrameDispatches(
  plan: Plan,
  head: Head,
  space: DetectSpace,
  settings: DetectionSettings,
): Dispatch[] {
  const operand = (value: string): Operand => ({
    value,
    shape: plan.types.get(value)!.shape,
    layout: plan.placements.get(value)!.layout,
  });
  const { confidence, iou, maxDetections } = settings;
  const dispatch = (operator: string) => (kernel: Kernel): Dispatch => ({
    name: kernel.label,
    operator,
    kernel,
    macs: 0,
  });
  const front = frameFront(plan, settings.picture);
  return [
    ...front.dispatches,
    ...front.network,
    ...decodeDispatches(plan, head, space, confidence, operand).map(dispatch("Decode")),
    dispatch("Suppress")(suppress({ space, iou: keepsAll(head) ? NEVER : iou, maxDetections })),
  ];
}

/** The kernels that find an image's candidates. */
function decodeDispatches(
  plan: Plan,
  head: Head,
  space: DetectSpace,
  confidence: number,
  operand: (value: string) => Operand,
): Kernel[] {
  if (head.form === "maps") {
    const levels = head.maps.levels.map(({ boxes, classes, stride }) => ({
      boxes: operand(outputValue(plan, boxes, "blocked")),
      classes: operand(outputValue(plan, classes, "blocked")),
      stride,
    }));
    const kernels = decodeHead({ levels, space, confidence, pitch: plan.pitch });
    const joined = joinKernels(kernels, plan);
    return joined ? [joined] : kernels;
  }
  const [, , height, width] = plan.graph.inputs[0].shape;
  const { fixedBoxes } = head;
  const fixedShape = head.layout.anchorsLast ? [1, 4, head.anchors] : [1, head.anchors, 4];
  return decodeTensor({
    output: fixedBoxes
      ? { value: head.boxes, shape: fixedShape, layout: { kind: "plain", shape: fixedShape } }
      : operand(outputValue(plan, head.boxes)),
    fixed: fixedBoxes,
    scores: head.scores === undefined ? undefined : operand(outputValue(plan, head.scores)),
    layout: head.layout,
    inputSize: [height, width],
    space,
    confidence,
  });
}
