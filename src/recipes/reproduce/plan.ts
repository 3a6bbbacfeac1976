/**
 * What has to be made, in the order in which it can be made: parents before their children.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { listVariants, type Variant } from "../../report/table/mod.ts";
import { commandOf } from "../../report/table/recipe_text.ts";
import { parentSeed, parentsOf } from "../../report/table/recipe.ts";
import { type Estimate, estimate } from "./estimate.ts";
import { type FileState, stateOf } from "./state.ts";
import { variantOf, type Workshop } from "./workshop.ts";

/** Which variants of a data set. */
export interface Wanted {
  /** The data set. */
  readonly data: string;
  /** Ids of variants; all of the data set by default. What they are made from is made too. */
  readonly only?: readonly string[];
  /** Seeds; all of each recipe by default. */
  readonly seeds?: readonly number[];
  /** Makes stale files again. */
  readonly stale?: boolean;
}

/** A variant and a seed in the plan. */
export interface PlannedFile {
  readonly variant: string;
  readonly title: string;
  readonly seed: number;
  /** What there is now. */
  readonly state: FileState;
  /** Whether it is made; a file that is not there and has no recipe is not. */
  readonly action: "make" | "keep" | "none";
  /** The same as a command line. */
  readonly command: string;
  /** How long it takes to make, if it is made and somebody knows. */
  readonly time?: Estimate;
}

/** The seeds of a variant that are asked for. */
function seedsOf({ recipe }: Variant, { seeds }: Wanted): readonly number[] {
  const own = recipe?.seeds ?? [0];
  return seeds === undefined ? own : own.filter((seed) => seeds.includes(seed));
}

/** The variants that are asked for. Throws FeatherdetError for ids and seeds that there are none of. */
function wantedVariants(shop: Workshop, wanted: Wanted): readonly Variant[] {
  const { data, only, seeds } = wanted, all = listVariants(shop.variants, data, shop.manifest);
  const unknown = only?.find((id) => all.every((one) => one.id !== id));
  if (unknown !== undefined) {
    throw new FeatherdetError(
      `no variant of ${data} is called "${unknown}", there are: ${all.map(({ id }) => id).join(", ")}`,
    );
  }
  const chosen = all.filter(({ id }) => only === undefined || only.includes(id));
  const missing = seeds?.find((seed) => chosen.every(({ recipe }) => !(recipe?.seeds ?? [0]).includes(seed)));
  if (missing !== undefined) throw new FeatherdetError(`none of the variants is made with seed ${missing}`);
  return chosen;
}

/** Whether a file in this state is made. */
function isMade({ kind }: FileState, { stale }: Wanted): boolean {
  return kind === "missing" || stale === true && kind === "stale";
}

/**
 * Plans what is made: variants in the order of the manifest, each behind what it is made from. Of what is there already, only the variants
 * that were asked for are in the plan.
 *
 * Throws FeatherdetError for ids and seeds that there are none of, and for files that are needed but nobody can make.
 */
export async function planReproduction(shop: Workshop, wanted: Wanted): Promise<readonly PlannedFile[]> {
  const planned = new Map<string, PlannedFile>();
  /** Files that are made, or may have to be once what they begin with is made. */
  const touched = new Set<string>();
  const visit = async (variant: Variant, seed: number, child?: string): Promise<void> => {
    const { id, title, recipe, made, model } = variant, key = `${id} ${seed}`;
    const state = await stateOf(shop, variant, seed);
    if (planned.has(key)) return;
    // What is there is a parent to begin with, whatever it was made from.
    if (child !== undefined && state.file !== undefined && !isMade(state, wanted) && !wanted.stale) return;
    if (child !== undefined && state.file === undefined && recipe === undefined) {
      throw new FeatherdetError(`"${child}" needs "${id}", which is not there and has no recipe: ${made}`, {
        file: shop.manifest,
      });
    }
    const isNew = recipe !== undefined && isMade(state, wanted);
    const again: string[] = [];
    if (isNew || recipe?.sameFileAs !== undefined || wanted.stale) {
      for (const parent of parentsOf(variant)) {
        const of = variantOf(shop, parent), ofSeed = parentSeed(of, seed);
        await visit(of, ofSeed, id);
        if (touched.has(`${parent} ${ofSeed}`)) again.push(parent);
      }
    }
    // The parent of a variant without a file of its own has made it.
    const makes = isNew && recipe.sameFileAs === undefined;
    if (makes || again.length > 0) touched.add(key);
    const time = makes ? await estimate(shop, variant, seed) : undefined;
    const isNowhere = "file" in model && state.file === undefined && recipe === undefined;
    const why = makes || state.kind === "missing" || again.length === 0
      ? state.why
      : `${state.why}; looked at again behind ${again.join(" and ")}`;
    const action = makes ? "make" : isNowhere ? "none" : "keep";
    const command = recipe ? commandOf(id, recipe, shop.variants, seed) : made;
    planned.set(key, { variant: id, title, seed, state: { ...state, why }, action, command, ...(time && { time }) });
  };
  for (const variant of wantedVariants(shop, wanted)) {
    for (const seed of seedsOf(variant, wanted)) await visit(variant, seed);
  }
  return [...planned.values()];
}
