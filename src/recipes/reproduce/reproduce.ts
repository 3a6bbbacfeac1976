/**
 * Everything of a data set again: each variant that is missing, then the result tables.
 *
 * @module
 */

import { type MadeTables, makeResultTables, type ResultTableOptions } from "../result_tables.ts";
import { parentSeed, parentsOf } from "../../report/table/recipe.ts";
import type { Variant } from "../../report/table/mod.ts";
import { type MadeFile, makeFile, type RunVerb } from "./make.ts";
import { type PlannedFile, planReproduction, type Wanted } from "./plan.ts";
import { stateOf } from "./state.ts";
import { openWorkshop, variantOf, type Workshop, type WorkshopOptions } from "./workshop.ts";

/** When somebody who makes a file elsewhere is no longer waited for. */
export interface Waiting {
  /** Ends the waiting; what is under way elsewhere goes on, and is there for the next call. */
  readonly signal?: AbortSignal;
  /** Nobody wants the file any more: what has not been begun is called off. */
  readonly unwanted?: AbortSignal;
}

/**
 * Makes the file of a variant and a seed somewhere else; `local` makes it here, as `makeFile` does. Undefined where the waiting was ended.
 */
export type MakeElsewhere = (
  shop: Workshop,
  variant: Variant,
  seed: number,
  local: () => Promise<MadeFile | undefined>,
  waiting?: Waiting,
) => Promise<MadeFile | undefined>;

/** What is reproduced, and who does it. */
export interface ReproduceOptions extends Wanted, WorkshopOptions {
  /** Only says what would be done. */
  readonly dryRun?: boolean;
  /** Runs a verb. */
  readonly run: RunVerb;
  /** Makes files elsewhere, all at the same time whose parents are there; here and one after the other by default. */
  readonly elsewhere?: MakeElsewhere;
  /** How tables are made; undefined for none. */
  readonly table?: Omit<ResultTableOptions, "manifest" | "checkOptions" | "folder" | "models">;
  /** Called with the plan before anything is done. */
  readonly onPlan?: (plan: readonly PlannedFile[]) => void;
  /** Called before a file is made. */
  readonly onMake?: (planned: PlannedFile) => void;
}

/** What became of a planned file. */
export interface ReproducedFile extends Omit<PlannedFile, "action">, Partial<MadeFile> {
  readonly action: PlannedFile["action"] | "made";
}

/** What was done. */
export interface Reproduction {
  /** Every planned file, in order. */
  readonly made: readonly ReproducedFile[];
  /** The tables; null if none were made. */
  readonly table: MadeTables | null;
  /** Why it ended. */
  readonly reason: "finished" | "interrupted" | "dry run";
}

/**
 * Makes what is missing of a data set, parents first, and then the tables. A call that was stopped anywhere goes on when it is repeated.
 *
 * Throws FeatherdetError as `planReproduction`, the verbs and `makeResultTables` do.
 */
export async function reproduce(options: ReproduceOptions): Promise<Reproduction> {
  const { data, run, out, manifest, checkOptions } = options;
  const shop = await openWorkshop({ manifest, checkOptions, out, tables: out });
  const plan = await planReproduction(shop, options);
  options.onPlan?.(plan);
  if (options.dryRun) return { made: plan, table: null, reason: "dry run" };
  /** Undefined if it was interrupted. */
  const settle = async (planned: PlannedFile): Promise<ReproducedFile | undefined> => {
    const { seed } = planned, variant = variantOf(shop, planned.variant);
    // What it is made from may have been made again.
    const state = planned.action === "make" ? planned.state : await stateOf(shop, variant, seed);
    const isStale = options.stale && state.kind === "stale" && variant.recipe?.sameFileAs === undefined;
    if (planned.action !== "make" && !isStale) return { ...planned, state };
    options.onMake?.(planned);
    const local = () => makeFile(shop, variant, seed, run);
    const made = await (options.elsewhere?.(shop, variant, seed, local) ?? local());
    return made && { ...planned, ...made, state, action: "made" };
  };
  const done = options.elsewhere ? await settleAtOnce(shop, plan, settle) : await settleInTurn(plan, settle);
  if (done.length < plan.length) return { made: done, table: null, reason: "interrupted" };
  const table = options.table === undefined
    ? null
    : await makeResultTables(data, { ...options.table, manifest, checkOptions, folder: out, models: out });
  return { made: done, table, reason: "finished" };
}

type Settle = (planned: PlannedFile) => Promise<ReproducedFile | undefined>;

/** One after the other, up to the one that is interrupted. */
async function settleInTurn(plan: readonly PlannedFile[], settle: Settle): Promise<ReproducedFile[]> {
  const done: ReproducedFile[] = [];
  for (const planned of plan) {
    const one = await settle(planned);
    if (one === undefined) break;
    done.push(one);
  }
  return done;
}

/** Each as soon as what it is made from is settled. The first error ends it once nothing else is under way. */
async function settleAtOnce(shop: Workshop, plan: readonly PlannedFile[], settle: Settle): Promise<ReproducedFile[]> {
  const settling = new Map<string, Promise<ReproducedFile | undefined>>();
  for (const planned of plan) {
    const parents = parentsOf(variantOf(shop, planned.variant)).map((id) => {
      return settling.get(`${id} ${parentSeed(variantOf(shop, id), planned.seed)}`);
    });
    // A parent that is not in the plan is there already; one that was interrupted is not.
    const one = Promise.all(parents.filter((parent) => parent !== undefined))
      .then((made) => made.includes(undefined) ? undefined : settle(planned));
    one.catch(() => {});
    settling.set(`${planned.variant} ${planned.seed}`, one);
  }
  const ended = await Promise.allSettled(settling.values());
  const failed = ended.find((one) => one.status === "rejected");
  if (failed) throw failed.reason;
  return ended.flatMap((one) => one.status === "fulfilled" && one.value ? [one.value] : []);
}
