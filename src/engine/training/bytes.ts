/**
 * The bytes that a training session takes on a device, before it is made, and ways to take fewer.
 *
 * @module
 */

import { bufferBytes } from "../../gpu/memory.ts";
import { readbackBytes } from "../../gpu/readback.ts";
import { sizeOf } from "../../graph/mod.ts";
import { OPTIMIZER_VALUES, type OptimizerMethod } from "../../kernels/train/optimizer.ts";
import type { MemoryChoice } from "../memory_limit.ts";
import { programBytes, type WeightMemo } from "../program_bytes.ts";
import type { Device } from "../../gpu/device.ts";
import { formChoices } from "../setup.ts";
import { optimizerSource } from "./optimizer.ts";
import type { TrainingSessionOptions } from "./options.ts";
import { planTraining, type TrainingPlan, type TrainingProblem } from "./plan.ts";
import { valueSizes } from "./values.ts";

/** Steps on their way together. */
const STEPS_IN_FLIGHT = 2;

/** Bytes of all buffers of a planned session: while it makes steps, and while a state is read. */
function sessionBytes(problem: TrainingProblem, planned: TrainingPlan, method: OptimizerMethod, memo: WeightMemo) {
  const { plan, layouts, losses } = planned;
  const { sizes, kept } = valueSizes(method, layouts);
  const values = [...sizes.values()].reduce((sum, bytes) => sum + bufferBytes(bytes), 0);
  const reported = [...new Set([...losses.values, ...problem.report ?? []])];
  const told = reported.reduce((sum, name) => sum + 4 * sizeOf(plan.types.get(name)!.shape), 0) +
    bufferBytes(sizes.get(OPTIMIZER_VALUES.state)!);
  // A checkpoint reads all that is kept in one go.
  const state = kept.reduce((sum, name) => sum + sizes.get(name)!, 0);
  const optimizer = programBytes(optimizerSource(method, layouts, plan.form)).total;
  return programBytes(plan, memo).total + optimizer + values + readbackBytes(told, STEPS_IN_FLIGHT) +
    readbackBytes(state, 1);
}

/** A planned session, and what was chosen for it. */
export interface PlannedTraining {
  readonly planned: TrainingPlan;
  readonly precision: "f32" | "f16";
  readonly recompute: boolean;
}

/**
 * Ways to train a problem, which is made when the first of them is planned: keeping activated maps or computing them twice, f32 or f16,
 * where options do not say; best first.
 */
export function trainingChoices(
  device: Device,
  makeProblem: () => TrainingProblem,
  options: TrainingSessionOptions,
): MemoryChoice<PlannedTraining>[] {
  let made: TrainingProblem | undefined;
  const { recompute, start, optimizer = "sgd" } = options;
  const memo: WeightMemo = new Map();
  const ways = recompute === undefined ? [false, true] : [recompute];
  // Where activations are kept is not chosen: training in buffers takes far longer on software adapters and saves little.
  const forms = formChoices(device, { ...options, storage: options.storage ?? usualStorage(device) });
  return forms.flatMap(({ text, planning }) =>
    ways.map((again): MemoryChoice<PlannedTraining> => ({
      text: again ? `${text}, activated maps computed twice` : text,
      plan: () => {
        const problem = made ??= makeProblem();
        const planned = planTraining(problem, { ...planning, start, recompute: again });
        const bytes = sessionBytes(problem, planned, optimizer, memo);
        return { bytes, plan: { planned, precision: planning.form.scalar, recompute: again } };
      },
    }))
  );
}

function usualStorage({ adapter, storageTextures }: Device): "texture" | "buffer" {
  return adapter.software && storageTextures ? "texture" : "buffer";
}
