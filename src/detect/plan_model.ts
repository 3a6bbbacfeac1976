/**
 * Plans a model without a device. A detector is planned as `Detector` would run it, from letterbox to suppression.
 *
 * @module
 */

import { type Graph, GraphIndex } from "../graph/mod.ts";
import { findYoloHead } from "../plan/fuse/yolo_head.ts";
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
  const maps = findYoloHead(GraphIndex.of(graph));
  if (maps === undefined) {
    const plan = buildPlan(graph, options);
    return { plan, dispatches: plan.dispatches };
  }
  const [batch, , anchors] = GraphIndex.of(graph).shapeOf(maps.output);
  const head = { form: "maps", maps, classes: maps.classes, anchors } as const;
  const { plan } = planNetwork(graph, options, head);
  const space = { batch, anchors, classes: maps.classes, multiLabel: false };
  return {
    plan,
    dispatches: listFrameDispatches(plan, head, space, { picture: "picture", confidence: 0.25, iou: 0.7 }),
  };
}
