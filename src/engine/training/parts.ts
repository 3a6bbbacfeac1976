/**
 * What a training session is made of, and how it is made: the step's plan on the device, the flat buffers, the optimizer.
 *
 * @module
 */

import type { Device } from "../../gpu/device.ts";
import { settled } from "../../gpu/device_errors.ts";
import { Memory } from "../../gpu/memory.ts";
import { FeatherdetError } from "../../graph/mod.ts";
import type { Plan } from "../../plan/plan.ts";
import { HalfRangeError } from "../half_range.ts";
import { type External, Program } from "../program.ts";
import { checkMemoryLimit, makeWithin } from "../memory_limit.ts";
import { setUpEngine } from "../setup.ts";
import { trainingChoices } from "./bytes.ts";
import type { TrainingSessionOptions } from "./options.ts";
import { type FlatLayouts, planTraining, type TrainingPlan, type TrainingProblem } from "./plan.ts";
import type { ProblemLosses } from "./losses.ts";
import { OptimizerProgram } from "./optimizer.ts";
import { PlacedCopies } from "./placed_copies.ts";
import { TrainingValues } from "./values.ts";
export type { TrainingSessionOptions } from "./options.ts";

/** What a session is made of. */
export interface TrainingParts {
  /** The step as planned. */
  readonly plan: Plan;
  /** How the problem's tensors lie in the flat buffers. */
  readonly layouts: FlatLayouts;
  /** The losses and their weights. */
  readonly losses: ProblemLosses;
  /** Where it runs. */
  readonly device: Device;
  /** The plan's dispatches. */
  readonly program: Program;
  /** The optimizer's. */
  readonly optimizer: OptimizerProgram;
  /** Owner of the flat buffers. */
  readonly memory: Memory;
  /** The flat buffers. */
  readonly values: TrainingValues;
  /** Between flat buffers and the plan's memory. */
  readonly copies: PlacedCopies;
}

/**
 * Plans the problem's step, uploads what it starts from and compiles kernels. Throws FeatherdetError as `TrainingSession.create` does,
 * and leaves nothing behind on the device then.
 */
export async function makeParts(problem: TrainingProblem, options: TrainingSessionOptions): Promise<TrainingParts> {
  const { memoryLimit, recompute, start } = options;
  checkMemoryLimit(memoryLimit);
  const { device, planning } = await setUpEngine(options);
  if (memoryLimit === undefined) {
    return await makePlanned(device, problem, planTraining(problem, { ...planning, recompute, start }), options);
  }
  const choices = trainingChoices(device, () => problem, options);
  const make = ({ planned }: { readonly planned: TrainingPlan }) => makePlanned(device, problem, planned, options);
  return (await makeWithin(choices, memoryLimit, "training", problem.graph.name, make)).made;
}

/** Makes what was planned. */
async function makePlanned(
  device: Device,
  problem: TrainingProblem,
  { plan, tensors, layouts, places, losses }: TrainingPlan,
  options: TrainingSessionOptions,
): Promise<TrainingParts> {
  const method = options.optimizer ?? "sgd";
  const memory = new Memory(device.device);
  const started: { destroy(): void }[] = [memory];
  try {
    const values = await settled(
      device.device,
      "the parameters",
      () => new TrainingValues(memory, problem, method, { layouts, tensors }),
    );
    const { buffers } = values;
    const bound = [...places].filter(([value]) => !plan.placements.has(value));
    const external = new Map<string, External>(bound.map(([value, { flat, offset, size }]) => [
      value,
      { kind: "buffer", buffer: buffers.get(flat), offset, size },
    ]));
    const program = await Program.create(device, { ...plan, external });
    started.push(program);
    const whole = new Map<string, External>([...buffers.entries()].map(([name, buffer]) => [
      name,
      { kind: "buffer", buffer },
    ]));
    const optimizer = await OptimizerProgram.create(device, method, layouts, { form: plan.form, external: whole });
    return {
      plan,
      layouts,
      losses,
      device,
      program,
      optimizer,
      memory,
      values,
      copies: new PlacedCopies(plan, places, buffers),
    };
  } catch (error) {
    for (const one of started) one.destroy();
    throw error instanceof HalfRangeError ? new FeatherdetError(`${error.detail}: train in f32`, error.place) : error;
  }
}
