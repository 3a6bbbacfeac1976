/**
 * A session's plan on the device, and how its results come back.
 *
 * @module
 */

import type { Device } from "../gpu/device.ts";
import { readbackBytes, ReadbackPool, type ReadRange } from "../gpu/readback.ts";
import type { Graph } from "../graph/mod.ts";
import { imagesAreApart, withBatch } from "../passes/mod.ts";
import { buildPlan, type Plan } from "../plan/plan.ts";
import { type OutputPlace, outputPlaces, returnedBytes, returnedRanges } from "./download.ts";
import { halvedBatches, makeWithin, type MemoryChoice } from "./memory_limit.ts";
import { Program } from "./program.ts";
import { programBytes, type WeightMemo } from "./program_bytes.ts";
import { rangeCheckBytes } from "./range_check.ts";
import { type EngineOptions, type EngineSetup, formChoices } from "./setup.ts";

/** Runs that are on their way together at most where memory is limited. */
export const LIMITED_IN_FLIGHT = 2;

/** A plan on the device. */
export interface Running {
  readonly plan: Plan;
  readonly program: Program;
  readonly readback: ReadbackPool;
  /** Outputs as one run of the plan makes them. */
  readonly outputs: readonly OutputPlace[];
  /** What is read back of a run. */
  readonly ranges: readonly ReadRange[];
  /** Images of one run of the plan, where it does not take all that a call brings. */
  readonly images?: number;
}

async function makePlanned(device: Device, plan: Plan, images?: number): Promise<Running> {
  const program = await Program.create(device, plan);
  const outputs = outputPlaces(plan);
  const readback = new ReadbackPool(program.memory, returnedBytes(outputs), "this run");
  return { plan, program, outputs, ranges: returnedRanges(program, plan, outputs), readback, images };
}

/** Plans a graph and prepares it. Throws FeatherdetError as `Session.create` does. */
export function makeRunning(device: Device, graph: Graph, planning: EngineSetup["planning"]): Promise<Running> {
  return makePlanned(device, buildPlan(graph, { ...planning, hostUsesCells: true }));
}

/** Bytes of a plan on the device with as many runs on their way as a limit allows; in f16 with the check of the first run. */
export function runBytes(plan: Plan, memo?: WeightMemo): number {
  const back = readbackBytes(returnedBytes(outputPlaces(plan)), LIMITED_IN_FLIGHT);
  return programBytes(plan, memo).total + back + rangeCheckBytes(plan);
}

/** A way that was planned. */
export interface PlannedRunning {
  readonly plan: Plan;
  /** Images of one run, where it does not take the whole batch. */
  readonly images?: number;
}

/** Ways to run a graph, best first: forms of storage, and parts of its batch where images are computed one by one. */
export function runningChoices(
  device: Device,
  graph: Graph,
  options: EngineOptions,
): MemoryChoice<PlannedRunning>[] {
  const batch = graph.inputs[0]?.shape[0] ?? 1;
  const sizes = batch > 1 && imagesAreApart(graph) ? halvedBatches(batch) : [batch];
  const memo: WeightMemo = new Map();
  return formChoices(device, options).flatMap(({ text, planning }) =>
    sizes.map((images): MemoryChoice<PlannedRunning> => ({
      text: images === batch ? text : `${text}, ${images} of ${batch} images at once`,
      plan: () => {
        const plan = buildPlan(images === batch ? graph : withBatch(graph, images), {
          ...planning,
          hostUsesCells: true,
        });
        return { bytes: runBytes(plan, memo), plan: { plan, images: images === batch ? undefined : images } };
      },
    }))
  );
}

/**
 * As `makeRunning`, within `memoryLimit`; `free` is called when it is known that something fits, before it is made. Throws FeatherdetError
 * that names the least that is needed where nothing fits.
 */
export async function makeRunningWithin(
  device: Device,
  graph: Graph,
  options: EngineOptions & { readonly memoryLimit: number },
  free: () => void = () => {},
): Promise<Running> {
  const choices = runningChoices(device, graph, options);
  const make = ({ plan, images }: PlannedRunning) => {
    free();
    return makePlanned(device, plan, images);
  };
  return (await makeWithin(choices, options.memoryLimit, "the model", graph.name, make)).made;
}
