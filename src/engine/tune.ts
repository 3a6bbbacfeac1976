/**
 * Tuning: measures all kernels that compete for the nodes of a model, in all of their variants, on the adapter that will run it.
 *
 * @module
 */

import type { Device } from "../gpu/device.ts";
import type { Graph } from "../graph/mod.ts";
import type { StorageForm } from "../kernels/kernel.ts";
import { buildPlan, type Plan, type PlannedContest, type PlannedOption } from "../plan/plan.ts";
import { type TunedChoice, type Tuning, TUNING_FORMAT } from "../plan/tuning.ts";
import { measureOptions, median } from "./measure_kernels.ts";
import { planningFor, type Precision, storageForm } from "./setup.ts";

/** How tuning is done. */
export interface TuneOptions {
  /** Default `f32`. */
  readonly precision?: Precision;
  /** How activations are stored; by default as in a session. */
  readonly storage?: StorageForm["storage"];
  /** Timed rounds, in each of which every option runs once; medians count. Default 5. */
  readonly runs?: number;
  /** Called before each contest, with its key. */
  readonly onProgress?: (done: number, total: number, key: string) => void;
}

/**
 * What an option must gain over the one that the estimate chooses, as a ratio of times in the same round: less is noise, and a plan of
 * few kernels is compiled sooner.
 */
const WORTHWHILE = 1.03;

/**
 * Measures `options` of a contest (its choice by estimate must be among them) and returns the one to keep. Throws FeatherdetError as
 * `measureOptions` does.
 */
export async function measureChoice(
  device: Device,
  plan: Plan,
  { chosen, revision }: PlannedContest,
  options: readonly PlannedOption[],
  runs: number,
): Promise<TunedChoice> {
  const times = await measureOptions(device, plan, options, runs);
  const estimated = times.find(({ option }) => option === chosen)!;
  // Round by round, so that what slows down a whole round counts for nobody.
  const gains = times.map((one) => median(one.times.map((time, round) => estimated.times[round] / time)));
  const most = gains.reduce((best, gain, i) => gain > gains[best] ? i : best, 0);
  const { option, milliseconds } = gains[most] > WORTHWHILE ? times[most] : estimated;
  return { kernel: option.kernel, variant: option.variant, revision, milliseconds };
}

/** A record of choices on a device. */
export function tuningOf(
  device: Device,
  { storage, scalar }: Pick<StorageForm, "storage" | "scalar">,
  choices: Readonly<Record<string, TunedChoice>>,
): Tuning {
  return { format: TUNING_FORMAT, adapter: device.adapter.name, storage, scalar, choices };
}

/**
 * Measures and returns the best kernel for each node of the graph for which several compete. Throws FeatherdetError without timestamp
 * queries.
 */
export async function tune(device: Device, graph: Graph, options: TuneOptions = {}): Promise<Tuning> {
  const form = storageForm(device, options);
  const plan = buildPlan(graph, planningFor(device, form, undefined, options.precision));
  const contests = [...plan.contests.values()].filter((contest) => contest.options.length > 1);
  const choices: Record<string, TunedChoice> = {};
  for (const [done, contest] of contests.entries()) {
    options.onProgress?.(done, contests.length, contest.key);
    choices[contest.key] = await measureChoice(device, plan, contest, contest.options, options.runs ?? 5);
  }
  options.onProgress?.(contests.length, contests.length, "");
  return tuningOf(device, form, choices);
}
