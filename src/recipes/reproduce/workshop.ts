/**
 * Where the files of a manifest are, and where new ones go.
 *
 * @module
 */

import { basename, dirname, join, parse, resolve } from "node:path";
import { cacheFolder } from "../../data/cache.ts";
import { sha256OfFile } from "../../data/download/checksum.ts";
import { FeatherdetError } from "../../graph/error.ts";
import { readSeedRecord, type SeedRecord, SEEDS_FILE } from "../../host/seed_record.ts";
import { readManifest, RESULTS_FOLDER, VARIANTS_FILE } from "../../host/table_files.ts";
import { findVariantFile } from "../../host/variant_model.ts";
import {
  dataPath,
  hashOfData,
  outOf,
  parentSeed,
  parentsOf,
  recipeHash,
  seedVariants,
} from "../../report/table/recipe.ts";
import type { OptionCheck, Variant } from "../../report/table/mod.ts";

/** All variants of a manifest and the places of their files. */
export interface Workshop {
  /** All variants of the manifest, whatever their data sets. */
  readonly variants: readonly Variant[];
  /** The manifest's file. */
  readonly manifest: string;
  /** Folder for all that is made; by default each recipe says where. */
  readonly out?: string;
  /** What was measured before, by data set. */
  readonly records: ReadonlyMap<string, SeedRecord>;
}

/** What a manifest is opened with. */
export interface WorkshopOptions {
  /** List of the variants; the project's own by default. */
  readonly manifest?: string;
  /** Knows the options of verbs, to check recipes; without it they are not looked at. */
  readonly checkOptions?: OptionCheck;
  /** Folder for models, runs and tables; by default recipes say where files go, and tables go to `data/results/`. */
  readonly out?: string;
  /** Folder of the tables, whose record is read first. */
  readonly tables?: string;
}

/** Name of the folder of a data set's tables: a folder of pictures gives its own. */
export const folderNameOf = (data: string): string => basename(data.replaceAll("\\", "/"));

/** Folder of the tables of a list of variants: a folder a data set for the project's own list, one of its name for another. */
export function resultsFolder(data: string, manifest: string = VARIANTS_FILE): string {
  const isOwn = resolve(manifest) === resolve(VARIANTS_FILE);
  return join(RESULTS_FOLDER, isOwn ? folderNameOf(data) : parse(manifest).name);
}

/** Folder of tables of some variants or pictures, which nobody publishes. */
export function partFolder(data: string, manifest?: string): string {
  return cacheFolder("tables", basename(resultsFolder(data, manifest)));
}

/** The records of all data sets: the one in the folder of the tables for the set that it is of, else the project's own. */
async function openRecords(variants: readonly Variant[], tables?: string): Promise<Map<string, SeedRecord>> {
  const records = new Map<string, SeedRecord>();
  const first = tables === undefined ? undefined : await readSeedRecord(join(tables, SEEDS_FILE));
  for (const data of new Set(variants.map((one) => one.data))) {
    const name = folderNameOf(data);
    const found = first?.data === name ? first : await readSeedRecord(join(RESULTS_FOLDER, name, SEEDS_FILE));
    if (found) records.set(data, found);
  }
  return records;
}

/** Opens a manifest with the places of its files. Throws FeatherdetError as `readManifest` and `readSeedRecord` do. */
export async function openWorkshop(
  { manifest = VARIANTS_FILE, checkOptions, out, tables }: WorkshopOptions,
): Promise<Workshop> {
  const variants = await readManifest(manifest, checkOptions);
  return { variants, manifest, out, records: await openRecords(variants, tables) };
}

/** A variant by its id. */
export function variantOf({ variants }: Workshop, id: string): Variant {
  return variants.find((one) => one.id === id)!;
}

/** Where a path of a recipe is: `data/` is the manifest's folder, `.cache/` the cache. */
export function placeOf(path: string, { manifest }: Pick<Workshop, "manifest">): string {
  const inside = dataPath(path);
  return path.startsWith(".cache/") ? cacheFolder(inside) : join(dirname(manifest), inside);
}

/** The file of a variant and a seed, wherever it is; undefined where it is not there. */
export function fileOf({ manifest, out }: Workshop, variant: Variant, seed: number): string | undefined {
  const { model } = seedVariants(variant).find((one) => one.seed === seed)?.variant ?? variant;
  return "file" in model ? findVariantFile(model.file, manifest, out) : undefined;
}

/** Where a file is put that is made. */
export function targetOf(shop: Workshop, { recipe }: Variant, seed: number): string {
  const path = outOf(recipe!, seed);
  return shop.out === undefined ? placeOf(path, shop) : join(shop.out, dataPath(path));
}

/** Files that a variant is made from, by the ids of their variants; undefined for those that are not there. */
export function parentFiles(shop: Workshop, variant: Variant, seed: number): ReadonlyMap<string, string | undefined> {
  return new Map(
    parentsOf(variant).map((id) => {
      const parent = variantOf(shop, id);
      return [id, fileOf(shop, parent, parentSeed(parent, seed))];
    }),
  );
}

/** The file of a parent, which is there. */
export function parentFile(shop: Workshop, id: string, seed: number): string {
  const parent = variantOf(shop, id), file = fileOf(shop, parent, parentSeed(parent, seed));
  if (file !== undefined) return file;
  throw new FeatherdetError(`the variant "${id}" has no file, and what is made from it needs one (${parent.made})`, {
    file: shop.manifest,
  });
}

/**
 * The folder of the run that makes a file. Its name holds a hash of the recipe and of the files that it begins with, so that a run goes on
 * only with what it was begun with. Undefined while a parent is not there.
 */
export async function runFolder(shop: Workshop, variant: Variant, seed: number): Promise<string | undefined> {
  const parents: Record<string, string> = {};
  for (const [id, file] of parentFiles(shop, variant, seed)) {
    if (file === undefined) return undefined;
    parents[id] = await sha256OfFile(file);
  }
  const key = hashOfData({ recipe: recipeHash(shop.variants, variant.id, seed), parents }).slice(0, 12);
  const folder = shop.out === undefined ? cacheFolder("runs") : join(shop.out, "runs");
  return join(folder, `${variant.id}-seed-${seed}-${key}`);
}
