/**
 * Plans a model without a device. A detector is planned as `Detector` would run it, from letterbox to suppression.
 *
 * @module
 */

import { chooseWithin, halvedBatches, type MemoryChoice } from "../engine/memory_limit.ts";
import type { WeightMemo } from "../engine/program_bytes.ts";
import { type Precision, storedAs } from "../engine/setup.ts";
import { runBytes } from "../engine/session_running.ts";
import { type Graph, GraphIndex } from "../graph/mod.ts";
import { MAX_DETECTIONS } from "../kernels/detect/mod.ts";
import { imagesAreApart, withBatch } from "../passes/mod.ts";
import { findYoloHead } from "../plan/fuse/yolo_head.ts";
import { buildPlan, type Dispatch, type Plan, type PlanOptions } from "../plan/plan.ts";
import { planFrameNetwork } from "./plan_network.ts";
import { frameBytes } from "./frame_bytes.ts";
import { listFrameDispatches } from "./frame_dispatches.ts";

/** What is planned for. */
export interface PlannedForm {
  readonly precision: Precision;
  readonly storage: "texture" | "buffer";
}

/** How a model is planned within a limit of memory. */
export interface LimitedForm extends Omit<PlannedForm, "precision"> {
  /** Undefined where it may be chosen. */
  readonly precision?: PlannedForm["precision"];
  /** Most bytes of device memory. */
  readonly memoryLimit: number;
}

/** A plan and all dispatches of one run. */
export interface Planned {
  readonly plan: Plan;
  /** The plan's own, and for a detector the letterbox, decoding and suppression around them. */
  readonly dispatches: readonly Dispatch[];
  /** All bytes on the device, with what comes back; of a detector without the picture, which takes what a limit leaves. */
  readonly bytes: number;
}

/** Plans a graph for storage without a device's limits, as `planFrame` does. */
export function planModel(graph: Graph, { precision, storage }: PlannedForm, memo?: WeightMemo): Planned {
  return planFrame(graph, {
    form: { scalar: storedAs(precision), storage },
    halfProducts: precision === "f16-fast",
    maxPages: Infinity,
    maxStorageTextures: Infinity,
    target: storage === "texture" ? "software" : "hardware",
  }, memo);
}

/** Plans a graph. Where it has YOLO's head, the plan is the detector's: it ends at the head's maps, which are decoded apart. */
export function planFrame(graph: Graph, options: PlanOptions, memo?: WeightMemo): Planned {
  const maps = findYoloHead(GraphIndex.of(graph));
  if (maps === undefined) {
    const plan = buildPlan(graph, { ...options, hostUsesCells: true });
    return { plan, dispatches: plan.dispatches, bytes: runBytes(plan, memo) };
  }
  const [batch, , anchors] = GraphIndex.of(graph).shapeOf(maps.output);
  const head = { form: "maps", maps, classes: maps.classes, anchors } as const;
  const { plan } = planFrameNetwork(graph, options, head);
  const settings = { confidence: 0.25, iou: 0.7, maxDetections: MAX_DETECTIONS, multiLabel: false };
  const space = { batch, anchors, classes: maps.classes, multiLabel: false };
  return {
    plan,
    dispatches: listFrameDispatches(plan, head, space, { ...settings, picture: "picture" }),
    bytes: frameBytes(plan, head, settings, memo),
  };
}

/**
 * Plans a model within a limit as `Detector` and `Session` choose: all images of its batch together or, halved, some of them; f32, then f16.
 * Throws FeatherdetError that names the least that is needed where nothing fits.
 */
export function planWithin(
  graph: Graph,
  { precision, storage, memoryLimit }: LimitedForm,
): Planned & { readonly text: string } {
  const memo: WeightMemo = new Map();
  const [{ shape: [batch] }] = graph.inputs;
  const sizes = imagesAreApart(graph) ? halvedBatches(batch) : [batch];
  const choices = (precision === undefined ? ["f32", "f16"] as const : [precision]).flatMap((scalar) =>
    sizes.map((images): MemoryChoice<Planned> => ({
      text: `${scalar} in ${storage}s${images === batch ? "" : `, ${images} of ${batch} images at once`}`,
      plan: () => {
        const plan = planModel(withBatch(graph, images), { precision: scalar, storage }, memo);
        return { bytes: plan.bytes, plan };
      },
    }))
  );
  const { plan, text } = chooseWithin(choices, memoryLimit, "the model", graph.name);
  return { ...plan, text };
}
