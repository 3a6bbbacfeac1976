/**
 * What a graph takes on a measured adapter, without running it: it is planned as there, and the times of its dispatches are added up.
 *
 * @module
 */

import { planFrame } from "../../detect/plan_model.ts";
import type { Graph } from "../../graph/graph.ts";
import { shaderHash } from "../../kernels/shader_hash.ts";
import type { Dispatch } from "../../plan/plan.ts";
import { describeDispatch, type DescribedPlan } from "./describe.ts";
import { frameTime } from "./fit.ts";
import { type AdapterModel, type TimeSource, workTimer } from "./model.ts";
import { summarizeUnseen } from "./unseen.ts";
import { enginePlanning } from "./record.ts";

/** The time of a dispatch. */
export interface PredictedDispatch {
  /** Name of the graph node. */
  readonly name: string;
  /** Operators it computes, such as `Conv+Silu`. */
  readonly operator: string;
  /** Label of the kernel. */
  readonly kernel: string;
  /** Device time. */
  readonly milliseconds: number;
  /** What says so. */
  readonly from: TimeSource;
}

/** How a graph is planned. */
export interface PredictFrameOptions {
  /** How floats are stored; f32 by default. */
  readonly scalar?: "f32" | "f16";
  /** Whether every node has a dispatch of its own; false by default. */
  readonly separate?: boolean;
}

/** What an adapter would take for a graph. */
export interface FramePrediction {
  /** The driver's name for the adapter. */
  readonly adapter: string;
  /** How floats are stored. */
  readonly scalar: "f32" | "f16";
  /** Device time of all dispatches; of a detector from letterbox to suppression. */
  readonly deviceTime: number;
  /** Nine of ten networks that the model had not seen lay within such a band. */
  readonly deviceBand: readonly [low: number, high: number];
  /** Milliseconds from picture to boxes at their fastest; undefined where the graph is no detector. */
  readonly milliseconds?: number;
  /** As `deviceBand`. */
  readonly error_band?: readonly [low: number, high: number];
  /** Shaders that have changed since they were measured: fit the model anew. */
  readonly changed: readonly string[];
  /** In their order. */
  readonly dispatches: readonly PredictedDispatch[];
}

/** Predicts dispatches of a plan, one by one. */
export function predictDispatches(
  model: Pick<AdapterModel, "measured" | "costs">,
  plan: DescribedPlan,
  dispatches: readonly Dispatch[],
): PredictedDispatch[] {
  const timer = workTimer(model);
  return dispatches.map((dispatch): PredictedDispatch => {
    const { name, operator, kernel } = dispatch;
    return { name, operator, kernel: kernel.label, ...timer(describeDispatch(dispatch, plan)) };
  });
}

const sumOf = (dispatches: readonly PredictedDispatch[]) =>
  dispatches.reduce((sum, { milliseconds }) => sum + milliseconds, 0);

/**
 * Predicts what a graph takes on the adapter of a model. Nothing is run and no device is opened: the plan is made for the limits that the
 * model keeps. Dispatches that were measured have the time of then; costs of their kind say that of others, costs of the shader
 * where no dispatch of the kind was measured, and costs of any dispatch where the shader was not.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import model from "../../../data/adapters/llvmpipe-llvm-15-0-6-256-bits.json" with { type: "json" };
 * import { yolo11 } from "../../models/yolo11.ts";
 * import type { AdapterModel } from "./model.ts";
 * import { predictFrame } from "./predict.ts";
 * const { deviceTime, milliseconds } = predictFrame(yolo11({ size: 256 }), model as unknown as AdapterModel);
 * assert.ok(deviceTime < milliseconds!);
 * ```
 *
 * Throws FeatherdetError for graphs that cannot be planned.
 */
export function predictFrame(
  graph: Graph,
  model: AdapterModel,
  { scalar = "f32", separate = false }: PredictFrameOptions = {},
): FramePrediction {
  const { plan, dispatches: planned } = planFrame(graph, enginePlanning(model.planning, { scalar, separate }));
  const dispatches = predictDispatches(model, plan, planned), deviceTime = sumOf(dispatches);
  const shaders = new Set(planned.map(({ kernel }) => kernel.shader));
  const changed = [...shaders].filter((shader) => {
    return Object.hasOwn(model.shaders, shader) && model.shaders[shader] !== shaderHash(shader);
  });
  const within = (time: number, what: "device" | "frame") => {
    const { band } = summarizeUnseen(model.unseen, what);
    return [time / band, time * band] as const;
  };
  const isFrame = planned.length > plan.dispatches.length;
  const milliseconds = frameTime(model.frame, deviceTime, dispatches.length);
  return {
    ...{ adapter: model.adapter, scalar, deviceTime, deviceBand: within(deviceTime, "device") },
    ...(isFrame && { milliseconds, error_band: within(milliseconds, "frame") }),
    ...{ changed, dispatches },
  };
}
