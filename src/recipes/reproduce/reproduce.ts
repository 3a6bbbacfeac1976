/**
 * Everything of a data set again: each variant that is missing, then the result tables.
 *
 * @module
 */

import { type MadeTables, makeResultTables, type ResultTableOptions } from "../result_tables.ts";
import { type MadeFile, makeFile, type RunVerb } from "./make.ts";
import { type PlannedFile, planReproduction, type Wanted } from "./plan.ts";
import { stateOf } from "./state.ts";
import { openWorkshop, variantOf, type WorkshopOptions } from "./workshop.ts";

/** What is reproduced, and who does it. */
export interface ReproduceOptions extends Wanted, WorkshopOptions {
  /** Only says what would be done. */
  readonly dryRun?: boolean;
  /** Runs a verb. */
  readonly run: RunVerb;
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
  const done: ReproducedFile[] = [];
  for (const planned of plan) {
    const variant = variantOf(shop, planned.variant);
    // What it is made from may have been made again.
    const state = planned.action === "make" ? planned.state : await stateOf(shop, variant, planned.seed);
    const isStale = options.stale && state.kind === "stale" && variant.recipe?.sameFileAs === undefined;
    if (planned.action !== "make" && !isStale) {
      done.push({ ...planned, state });
      continue;
    }
    options.onMake?.(planned);
    const made = await makeFile(shop, variant, planned.seed, run);
    if (made === undefined) return { made: done, table: null, reason: "interrupted" };
    done.push({ ...planned, ...made, state, action: "made" });
  }
  const table = options.table === undefined
    ? null
    : await makeResultTables(data, { ...options.table, manifest, checkOptions, folder: out, models: out });
  return { made: done, table, reason: "finished" };
}
