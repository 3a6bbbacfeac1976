/**
 * Recipes of variants: the steps that make a model's file, as data that programs run and people paste.
 *
 * @module
 */

import { sha256Of } from "../../data/download/checksum.ts";
import type { Variant } from "./variant.ts";

/** What the program itself gives to a verb, and where the verb leaves its file. */
export interface RecipeVerb {
  /** Option that names the file to write; absent where the verb leaves its file in a place of its own. */
  readonly file?: string;
  /** Option that names the folder of a run, from which a run that was stopped goes on. */
  readonly folder?: string;
  /** The step has a run only if this option is among its own. */
  readonly folderWith?: string;
  /** Name of the file in the folder of the run, for verbs without `file`. */
  readonly leaves?: string;
  /** Option that, with the folder alone, goes on with a run; without it the same options go on. */
  readonly resume?: string;
  /** Option that is the verb's argument. */
  readonly argument?: string;
  /** Whether the verb has `--seed`. */
  readonly seeded?: true;
}

/** Name of a verb that recipes may use. */
export type RecipeVerbName = "data" | "train" | "prune" | "quantize";

/** The verbs that recipes may use. */
export const RECIPE_VERBS: Readonly<Record<RecipeVerbName, RecipeVerb>> = {
  data: { argument: "name" },
  train: { folder: "out", leaves: "best.onnx", resume: "resume", seeded: true },
  prune: { file: "out", folder: "run", folderWith: "epochs", seeded: true },
  quantize: { file: "out" },
};

/** The row of a verb. */
export function verbOf({ verb }: RecipeStep): RecipeVerb {
  return RECIPE_VERBS[verb];
}

/** The file of another variant, or what an earlier step of the same recipe made, counted from 1. */
export type RecipeReference = { readonly variant: string } | { readonly step: number };

/**
 * Value of an option: `true` is the option alone, `false` its form with `--no-`, a list its values one after the other. In a text `{seed}`
 * stands for the seed, as in the folder of something that is of one seed alone.
 */
export type RecipeValue = string | number | boolean | readonly (string | number)[] | RecipeReference;

/** Options of a verb by the names that programs use: `lastEpochs` is `--last-epochs`. */
export type RecipeOptions = Readonly<Record<string, RecipeValue>>;

/** How long a step takes: an estimate in seconds, or the run of a committed record that was timed. */
export type RecipeTime = number | {
  /** JSON file with a list `runs`, relative to the checkout: `data/results/bccd/training.json`. */
  readonly record: string;
  /** Label of the run; `{seed}` stands for the seed. */
  readonly run: string;
};

/** A verb with its options. Seed, run folder and file are not among them: the program gives them. */
export interface RecipeStep {
  /** The verb. */
  readonly verb: RecipeVerbName;
  /** Its options. */
  readonly options: RecipeOptions;
  /** How long it takes. */
  readonly seconds?: RecipeTime;
}

/** How the file of a variant is made. */
export interface Recipe {
  /** The last step makes the file. */
  readonly steps: readonly RecipeStep[];
  /** Where the file of the first seed lies, relative to the checkout: `data/models/a.onnx` or `.cache/models/a.onnx`. */
  readonly out: string;
  /** Seeds with which it is made; 0 alone where chance has no part. */
  readonly seeds: readonly number[];
  /** Where the files of further seeds lie; `{seed}` stands for the seed. */
  readonly seedOut?: string;
  /** The variant whose file it is, for one that only runs it in another way. */
  readonly sameFileAs?: string;
}

/** True for a value that refers to a file. */
export function isReference(value: RecipeValue): value is RecipeReference {
  return typeof value === "object" && !Array.isArray(value);
}

/** Whether the step has a folder for its run. */
export function hasRun(step: RecipeStep): boolean {
  const { folder, folderWith } = verbOf(step);
  return folder !== undefined && (folderWith === undefined || step.options[folderWith] !== undefined);
}

/** A text with the seed in its place. */
export function withSeed(text: string, seed: number): string {
  return text.replaceAll("{seed}", String(seed));
}

/** Where the recipe puts the file of a seed, relative to the checkout. */
export function outOf({ out, seeds, seedOut }: Recipe, seed: number): string {
  return seed === seeds[0] || seedOut === undefined ? out : withSeed(seedOut, seed);
}

/** Folders that files of recipes lie in, relative to the checkout: beside the manifest, and the cache. */
export const RECIPE_PLACES = ["data/", ".cache/"] as const;

/** The path in a data folder of what a recipe puts at `out`. */
export function dataPath(out: string): string {
  const place = RECIPE_PLACES.find((one) => out.startsWith(one)) ?? "";
  return out.slice(place.length);
}

/** The seed whose file stands for a variant where a child of seed `seed` is made: the same where it has that, else its first. */
export function parentSeed({ recipe }: Variant, seed: number): number {
  return recipe?.seeds.includes(seed) ? seed : recipe?.seeds[0] ?? 0;
}

/** Ids of the variants whose files the recipe reads, each once. */
export function parentsOf({ recipe }: Variant): readonly string[] {
  if (recipe === undefined) return [];
  if (recipe.sameFileAs !== undefined) return [recipe.sameFileAs];
  const values = recipe.steps.flatMap(({ options }) => Object.values(options));
  return [...new Set(values.flatMap((value) => isReference(value) && "variant" in value ? [value.variant] : []))];
}

/**
 * One variant for each seed, the file of the seed in the place of its own; the variant itself for the first. Ids of further seeds end in
 * `-seed-` and the seed.
 */
export function seedVariants(variant: Variant): readonly { readonly seed: number; readonly variant: Variant }[] {
  const { id, title, recipe, sha256: _, ...rest } = variant;
  if (recipe === undefined) return [{ seed: 0, variant }];
  return recipe.seeds.map((seed, index) => {
    if (index === 0) return { seed, variant };
    const model = { file: dataPath(outOf(recipe, seed)) };
    return { seed, variant: { ...rest, recipe, model, id: `${id}-seed-${seed}`, title: `${title}, seed ${seed}` } };
  });
}

/** JSON with the names of fields in order. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).filter(([, one]) => one !== undefined).sort(([a], [b]) => a < b ? -1 : 1);
  return `{${entries.map(([name, one]) => `${JSON.stringify(name)}:${canonical(one)}`).join(",")}}`;
}

/** SHA-256 of plain data in hexadecimal; the order of fields makes no difference. */
export function hashOfData(value: unknown): string {
  return sha256Of(canonical(value));
}

/**
 * Content hash of how a variant is made with a seed: over verbs, options, the seed, and the hashes of the variants that it is made from.
 * Titles, files and times make no difference. `variants` are all of the manifest.
 */
export function recipeHash(variants: readonly Variant[], id: string, seed: number): string {
  const { recipe, model, sha256: sum } = variants.find((one) => one.id === id)!;
  if (recipe === undefined) return hashOfData({ model, sha256: sum });
  const parent = (of: string) => {
    return recipeHash(variants, of, parentSeed(variants.find((one) => one.id === of)!, seed));
  };
  if (recipe.sameFileAs !== undefined) return parent(recipe.sameFileAs);
  return hashOfData(recipe.steps.map((step) => ({
    verb: step.verb,
    ...(verbOf(step).seeded && { seed }),
    options: Object.fromEntries(
      Object.entries(step.options).map(([name, value]) => [
        name,
        isReference(value) && "variant" in value ? { recipe: parent(value.variant) } : value,
      ]),
    ),
  })));
}
