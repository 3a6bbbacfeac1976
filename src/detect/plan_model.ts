/**
 * Plans a model without a device. A detector is planned as `Detector` would run it, from letterbox to suppression.
 *
 * @module
 */

import { type Graph, inferTypes } from "../graph/mod.ts";
import { buildPlan, type Dispatch, type Plan, type PlanOptions } from "../plan/plan.ts";
import { planNetwork } from "./plan_network.ts";
import { listFrameDispatches } from "./frame_dispatches.ts";

/** What is planned for. */
export interface PlannedForm {
  readonly precision: "f32" | "f16" | "int8";
  readonly storage: "texture" | "buffer";
}

/** A plan and all dispatches of one run. */
export interface Planned {
  readonly plan: Plan;
  /** The plan's own, and for a detector the letterbox, decoding and suppression around them. */
  readonly dispatches: readonly Dispatch[];
}

/** Plans a graph. Where it has YOLO's head, the plan is the detector's: it ends at the head's maps, which are decoded apart. */
export function planModel(graph: Graph, { precision, storage }: PlannedForm): Planned {
  const options: PlanOptions = {
    form: { scalar: precision === "f16" ? "f16" : "f32", storage },
    maxPages: Infinity,
    maxStorageTextures: Infinity,
    target: storage === "texture" ? "software" : "hardware",
  };
  const { head, plan } = planNetwork(graph, options);
  if (head === undefined) {
    const whole = buildPlan(graph, options);
    return { plan: whole, dispatches: whole.dispatches };
  }
  const [batch, rows, anchors] = inferTypes(graph).get(graph.outputs[0])!.shape;
  const space = { batch, anchors, classes: rows - 4, multiLabel: false };
  return {
    plan,
    dispatches: listFrameDispatches(plan, head, space, { picture: "picture", confidence: 0.25, iou: 0.7 }),
  };
}
