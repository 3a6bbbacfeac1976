/**
 * Plans the network of a detector. Where kernels decode the maps of its head, the plan ends at them; else at the outputs that are decoded.
 *
 * @module
 */

import { type Graph, GraphIndex, withNodes } from "../graph/mod.ts";
import type { DetectionHead } from "../passes/mod.ts";
import { findYoloHead } from "../plan/fuse/yolo_head.ts";
import { buildPlan, type Plan, type PlanOptions } from "../plan/plan.ts";
import { readsPicture } from "./frame_front.ts";
import type { Head } from "./heads/form.ts";

/** A detector's plan between letterbox and decoding. */
export interface NetworkPlan {
  /** Undefined where the tail is not replaced: then the plan ends at the model's own outputs. */
  readonly head: DetectionHead | undefined;
  readonly plan: Plan;
}

/** The values that are decoded: the maps of a head, or the outputs that are no constants. */
export function valuesRead(head: Head): string[] {
  if (head.form === "maps") return head.maps.levels.flatMap(({ boxes, classes }) => [boxes, classes]);
  const { boxes, fixedBoxes, scores } = head;
  return [...fixedBoxes === undefined ? [boxes] : [], ...scores === undefined ? [] : [scores]];
}

/**
 * Plans the network behind `frameFront`: its input is written in row memory by letterboxes, or its first convolution reads the picture. A head
 * that was recognised says which outputs are needed. Throws what `buildPlan` throws.
 */
export function planFrameNetwork(graph: Graph, options: PlanOptions, recognised?: Head): NetworkPlan {
  return planNetwork(graph, { ...options, readsElsewhere: readsPicture }, recognised);
}

/**
 * Plans the network alone; its inputs are in row memory. A head that was recognised says which outputs are needed. Throws what `buildPlan`
 * throws.
 */
export function planNetwork(graph: Graph, options: PlanOptions, recognised?: Head): NetworkPlan {
  const head = recognised === undefined
    ? findYoloHead(GraphIndex.of(graph))
    : recognised.form === "maps"
    ? recognised.maps
    : undefined;
  const maps = head?.levels.flatMap((level) => [level.boxes, level.classes]) ?? [];
  const outputs = head ? maps : recognised ? valuesRead(recognised) : graph.outputs;
  const network = outputs.join() === graph.outputs.join() ? graph : withNodes({ ...graph, outputs }, graph.nodes);
  const blockedInputs = graph.inputs.map(({ name }) => name);
  return { head, plan: buildPlan(network, { ...options, blockedInputs, blockedOutputs: maps }) };
}
