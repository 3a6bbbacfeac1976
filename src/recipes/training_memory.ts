/**
 * Which batch a training takes within a limit of memory: as many pictures an update as asked for, in smaller batches where they have to be.
 *
 * @module
 */

import { PIXEL_BYTES } from "../detect/picture_texture.ts";
import { planModel } from "../detect/plan_model.ts";
import { checkMemoryLimit, chooseWithin, type MemoryChoice } from "../engine/memory_limit.ts";
import { type PlannedTraining, trainingChoices } from "../engine/training/bytes.ts";
import { type Device, openSharedDevice } from "../gpu/device.ts";
import type { Graph } from "../graph/mod.ts";
import { withBatch } from "../passes/mod.ts";
import type { TrainerOptions } from "./detection_trainer.ts";
import { detectorProblem } from "./detector_problem.ts";
import type { TrainOptions } from "./train_options.ts";

/** What is chosen to fit. */
export interface ChosenTraining {
  /** Pictures of a step. */
  readonly batch: number;
  /** Steps of an update. */
  readonly accumulate: number;
  /** How activations and gradients are stored. */
  readonly precision: "f32" | "f16";
  /** Whether activated maps are computed twice instead of being kept. */
  readonly recompute: boolean;
  /** Bytes of the session, and of the detector that validates. */
  readonly bytes: number;
  /** A sentence of what was chosen. */
  readonly text: string;
}

/** How a run trains where nobody or memory decides. */
export interface FittedTraining extends Pick<ChosenTraining, "batch" | "accumulate" | "precision"> {
  readonly recompute?: boolean;
  /** Bytes that are left for the detector of the validation; undefined without a limit. */
  readonly left?: number;
}

/**
 * How a run fits into its `memoryLimit`: with the largest batch, a divisor of the one that is asked for, in f32, then with activated maps
 * computed twice, then with a smaller one, at last in f16. Batches that are made smaller are accumulated, so that an update has as many
 * pictures; BatchNormalization then sees fewer at once. Throws FeatherdetError that names the least that is needed where nothing fits.
 */
export async function fitted(
  model: Graph,
  options: TrainOptions,
  problem: Pick<TrainerOptions, "boxes" | "boxLoss" | "variant">,
): Promise<FittedTraining> {
  const { batch = 8, accumulate = 1, precision, recompute, memoryLimit, labels, createTrainer, optimizer, start } =
    options;
  if (memoryLimit === undefined || createTrainer) {
    return { batch, accumulate, precision: precision ?? "f32", recompute };
  }
  checkMemoryLimit(memoryLimit);
  const device = await openSharedDevice();
  const reserve = options.validation === undefined ? 0 : detectorBytes(model, device.adapter.software);
  // What a run of unknown length may take: AdamW has one buffer more than SGD.
  const method = optimizer === "sgd" ? "sgd" as const : "adamw" as const;
  const trained = { ...problem, labels, recompute, start, optimizer: method };
  const divisors = Array.from({ length: batch }, (_, less) => batch - less).filter((size) => batch % size === 0);
  const choices = (precision === undefined ? ["f32", "f16"] as const : [precision]).flatMap((scalar) =>
    divisors.flatMap((size) => choicesOf(device, model, { ...trained, precision: scalar }, { size, batch, reserve }))
  );
  const { plan, bytes, text } = chooseWithin(choices, memoryLimit, "training", model.name);
  const chosen: ChosenTraining = {
    batch: plan.size,
    accumulate: accumulate * batch / plan.size,
    precision: plan.precision,
    recompute: plan.recompute,
    ...{ bytes, text },
  };
  options.onFitted?.(chosen);
  return { ...chosen, left: memoryLimit - (bytes - reserve) };
}

/** What the detector of a validation needs at least, with a picture that is scaled on the host. */
function detectorBytes(model: Graph, software: boolean): number {
  const [, , height, width] = model.inputs[0].shape;
  const form = { precision: "f32", storage: software ? "texture" : "buffer" } as const;
  return planModel(withBatch(model, 1), form).bytes + PIXEL_BYTES * height * width;
}

function choicesOf(
  device: Device,
  model: Graph,
  options: TrainerOptions,
  { size, batch, reserve }: { readonly size: number; readonly batch: number; readonly reserve: number },
): MemoryChoice<PlannedTraining & { readonly size: number }>[] {
  const problem = () => detectorProblem(withBatch(model, size), options).problem;
  return trainingChoices(device, problem, options).map(({ text, plan }) => ({
    text: size === batch ? text : `${text}, ${size} of ${batch} pictures at once`,
    plan: () => {
      const planned = plan();
      return { bytes: planned.bytes + reserve, plan: { ...planned.plan, size } };
    },
  }));
}
