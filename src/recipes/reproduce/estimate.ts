/**
 * How long a recipe will take: from runs that were timed and committed, or from estimates in the manifest.
 *
 * @module
 */

import * as v from "npm:valibot@1.5.0";
import { readText } from "../../data/files.ts";
import { parseJson } from "../../data/json_fields.ts";
import { FeatherdetError } from "../../graph/error.ts";
import { faultOf, NUMBER, WORDS } from "../../numbers/forms.ts";
import type { RecipeStep, Variant } from "../../report/table/mod.ts";
import { withSeed } from "../../report/table/recipe.ts";
import { placeOf, type Workshop } from "./workshop.ts";

/** How long something takes, and who says so. */
export interface Estimate {
  readonly seconds: number;
  /** `recorded in data/results/bccd/pruned.json`, or `an estimate`. */
  readonly source: string;
}

const OBJECT = "expected an object";

const RUNS_FORM: v.GenericSchema = v.object({
  runs: v.optional(v.array(
    v.object({
      label: v.optional(WORDS),
      end: v.optional(v.object({ seconds: v.optional(NUMBER) }, OBJECT)),
    }, OBJECT),
    "expected a list",
  )),
}, OBJECT);

/** A record of timed runs, as far as it is read. */
interface TimedRuns {
  readonly runs?: readonly { readonly label?: string; readonly end?: { readonly seconds?: number } }[];
}

async function stepEstimate({ seconds }: RecipeStep, seed: number, shop: Workshop): Promise<Estimate | undefined> {
  if (seconds === undefined) return undefined;
  if (typeof seconds === "number") return { seconds, source: "an estimate" };
  const file = placeOf(seconds.record, shop), label = withSeed(seconds.run, seed);
  const record = parseJson(await readText(file), file), fault = faultOf(RUNS_FORM, record);
  if (fault !== undefined) throw new FeatherdetError(`is no record of timed runs (${fault})`, { file });
  const { runs = [] } = record as TimedRuns;
  const found = runs.find((run) => run.label === label)?.end?.seconds;
  if (found !== undefined) return { seconds: found, source: `recorded in ${seconds.record}` };
  // A seed that nobody has timed takes as long as another.
  const other = runs.find((run) => run.label === withSeed(seconds.run, 0))?.end?.seconds;
  if (other !== undefined) return { seconds: other, source: `as seed 0, recorded in ${seconds.record}` };
  throw new FeatherdetError(`has no run "${label}" with its seconds`, { file });
}

/** How long it takes to make a file: the sum over the steps; undefined where one of them has no time. Throws FeatherdetError for a record without the run. */
export async function estimate(shop: Workshop, { recipe }: Variant, seed: number): Promise<Estimate | undefined> {
  let seconds = 0;
  const sources = new Set<string>();
  for (const step of recipe!.steps) {
    const one = await stepEstimate(step, seed, shop);
    if (one === undefined) return undefined;
    seconds += one.seconds;
    sources.add(one.source);
  }
  return { seconds, source: [...sources].join(" and ") };
}
