/**
 * Plans a model without a device, as a detector would run it where it is one: for verbs that only look at plans.
 *
 * @module
 */

import { detectionSteps } from "../detect/steps.ts";
import { type Graph, inferTypes, withNodes } from "../graph/mod.ts";
import { findYoloHead } from "../plan/fuse/yolo_head.ts";
import { buildPlan, type Plan, type Step } from "../plan/plan.ts";

/** What is planned for. */
export interface PlannedForm {
  readonly precision: "f32" | "f16";
  readonly storage: "texture" | "buffer";
}

/** A plan and all dispatches of one run. */
export interface Planned {
  readonly plan: Plan;
  /** The plan's own, and for a detector the letterbox, decoding and suppression around them. */
  readonly steps: readonly Step[];
}

/** Plans a graph. Where it has YOLO's head, the plan is the detector's: it ends at the head's maps, which are decoded apart. */
export function planModel(graph: Graph, { precision, storage }: PlannedForm): Planned {
  const types = inferTypes(graph);
  const head = findYoloHead({ graph, types });
  const form = { scalar: precision, storage };
  const target = storage === "texture" ? "software" : "hardware";
  if (head === undefined) {
    const plan = buildPlan(graph, { form, maxPages: Infinity, target });
    return { plan, steps: plan.steps };
  }
  const maps = head.levels.flatMap((level) => [level.boxes, level.classes]);
  const plan = buildPlan(withNodes({ ...graph, outputs: maps }, graph.nodes), {
    form,
    maxPages: Infinity,
    blockedInputs: graph.inputs.map(({ name }) => name),
    blockedOutputs: maps,
    target,
  });
  const [batch, rows, anchors] = types.get(graph.outputs[0])!.shape;
  const space = { batch, anchors, classes: rows - 4, multiLabel: false };
  return { plan, steps: detectionSteps(plan, head, space, { picture: "picture", confidence: 0.25, iou: 0.7 }) };
}
