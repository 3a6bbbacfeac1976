/**
 * Whether the file of a variant is what its recipe makes.
 *
 * @module
 */

import { join } from "node:path";
import * as v from "npm:valibot@1.5.0";
import { sha256OfFile } from "../../data/download/checksum.ts";
import { kindOf, readText } from "../../data/files.ts";
import { parseJson } from "../../data/json_fields.ts";
import { FeatherdetError } from "../../graph/error.ts";
import { loadModel } from "../../host/models.ts";
import { seedEntry } from "../../host/seed_record.ts";
import { writeWhole } from "../../host/whole_file.ts";
import { faultOf, NUMBER, WORDS } from "../../numbers/forms.ts";
import type { Variant } from "../../report/table/mod.ts";
import { recipeHash, verbOf } from "../../report/table/recipe.ts";
import { historyTells } from "./told.ts";
import { fileOf, parentFiles, runFolder, variantOf, type Workshop } from "./workshop.ts";

/**
 * `missing`: there is no file. `current`: it is what the recipe makes. `stale`: it is not. `untold`: nothing tells how it was made. `words`:
 * there is no recipe that could make it.
 */
export type StateKind = "missing" | "current" | "stale" | "untold" | "words";

/** What is known of a file. */
export interface FileState {
  readonly kind: StateKind;
  /** Why it is thought so, in a few words. */
  readonly why: string;
  /** Where it is. */
  readonly file?: string;
}

/** In the folder of a run: which file it made, and how long it took. */
export interface MadeMark {
  readonly sha256: string;
  readonly seconds: number;
}

const MARK = "made.json";

const MARK_FORM: v.GenericSchema = v.object({ sha256: WORDS, seconds: NUMBER }, "expected an object");

/** What a run has made; undefined where it has not. Throws FeatherdetError for a file of another form. */
export async function readMark(folder: string): Promise<MadeMark | undefined> {
  const file = join(folder, MARK);
  if (kindOf(file) !== "file") return undefined;
  const mark = parseJson(await readText(file), file), fault = faultOf(MARK_FORM, mark);
  if (fault === undefined) return mark as MadeMark;
  throw new FeatherdetError(`does not say what a run has made (${fault}): delete it, and the run is looked at anew`, {
    file,
  });
}

/** Says in the folder of a run what it made. */
export async function writeMark(folder: string, mark: MadeMark): Promise<void> {
  await writeWhole(join(folder, MARK), `${JSON.stringify(mark)}\n`);
}

/** What the committed record tells of a file; undefined where it tells nothing. */
function recordTells({ records, variants }: Workshop, { id, data }: Variant, seed: number, sha256: string) {
  const entry = seedEntry(records.get(data), id, seed);
  if (entry?.sha256 !== sha256) return undefined;
  return entry.recipe === recipeHash(variants, id, seed) ? "current" : "stale";
}

/**
 * Whether the file of a variant and a seed is what its recipe makes. What a run here has left is asked first, then the model's own history,
 * then the record beside the tables.
 */
export async function stateOf(shop: Workshop, variant: Variant, seed: number): Promise<FileState> {
  const { recipe, model, made } = variant, file = fileOf(shop, variant, seed);
  if ("name" in model) return { kind: "words", why: "it is built when it is measured" };
  if (recipe === undefined) {
    return {
      kind: "words",
      ...(file && { file }),
      why: file ? "nobody can make it by a recipe" : `no recipe: ${made}`,
    };
  }
  if (recipe.sameFileAs !== undefined) {
    const state = await stateOf(shop, variantOf(shop, recipe.sameFileAs), seed);
    return { ...state, why: `it is the file of ${recipe.sameFileAs}: ${state.why}` };
  }
  if (file === undefined) return { kind: "missing", why: "it is not there" };
  if (recipe.steps.every((step) => verbOf(step).argument !== undefined)) {
    return { kind: "current", file, why: "it was downloaded" };
  }
  const sha256 = await sha256OfFile(file);
  const folder = await runFolder(shop, variant, seed);
  const mark = folder === undefined ? undefined : await readMark(folder);
  if (mark?.sha256 === sha256) return { kind: "current", file, why: "it was made here by this recipe" };
  const told = await historyTells(await loadModel(file), variant, seed, parentFiles(shop, variant, seed));
  if (typeof told === "object") return { kind: "stale", file, why: told.stale };
  const recorded = recordTells(shop, variant, seed, sha256);
  if (recorded === "stale") return { kind: "stale", file, why: "another recipe made it, as seeds.json records" };
  if (recorded === "current") return { kind: "current", file, why: "this recipe made it, as seeds.json records" };
  if (told === "agrees") return { kind: "current", file, why: "its history agrees with the recipe" };
  return { kind: "untold", file, why: "its history does not tell how it was made" };
}
