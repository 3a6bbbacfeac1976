/**
 * Plans the network of a detector. If its head is recognised, the plan ends at the head's maps, which other kernels decode on the device.
 *
 * @module
 */

import { type Graph, GraphIndex, withNodes } from "../graph/mod.ts";
import type { DetectionHead } from "../passes/mod.ts";
import { findYoloHead } from "../plan/fuse/yolo_head.ts";
import { buildPlan, type Plan, type PlanOptions } from "../plan/plan.ts";

/** A detector's plan between letterbox and decoding. */
export interface NetworkPlan {
  /** Undefined where the tail is not recognised: then the plan ends at the model's own output. */
  readonly head: DetectionHead | undefined;
  readonly plan: Plan;
}

/** Plans the network; its inputs are written in row memory by the letterbox. Throws what `buildPlan` throws. */
export function planNetwork(graph: Graph, options: PlanOptions): NetworkPlan {
  const head = findYoloHead(GraphIndex.of(graph));
  const maps = head?.levels.flatMap((level) => [level.boxes, level.classes]) ?? [];
  const network = head ? withNodes({ ...graph, outputs: maps }, graph.nodes) : graph;
  const blockedInputs = graph.inputs.map(({ name }) => name);
  return { head, plan: buildPlan(network, { ...options, blockedInputs, blockedOutputs: maps }) };
}
