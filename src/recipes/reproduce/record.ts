/**
 * Figures of files that are not here, from the record beside the tables, and that record written anew after measuring.
 *
 * @module
 */

import { isSameSet, type MeasuredOn, type SeedEntry, seedEntry, writeSeedRecord } from "../../host/seed_record.ts";
import {
  type CountedName,
  type Figures,
  readFigure,
  type ResultRow,
  type SeedRow,
  type TableResults,
  type Variant,
} from "../../report/table/mod.ts";
import { recipeHash } from "../../report/table/recipe.ts";
import { COUNTED_FIGURES } from "../../report/table/results.ts";
import { stateOf } from "./state.ts";
import { variantOf, type Workshop } from "./workshop.ts";

/** The figures that were recorded of a seed, if the same recipe made the file and it was measured on the same pictures; else undefined. */
export function recordedFigures(
  { variants, records }: Workshop,
  { id, data, size, precision }: Variant,
  seed: number,
  on: MeasuredOn,
): Pick<SeedRow, "sha256" | "figures"> | undefined {
  const record = records.get(data), entry = seedEntry(record, id, seed);
  if (!entry || !isSameSet(record!, on) || entry.recipe !== recipeHash(variants, id, seed)) return undefined;
  if (entry.size !== size || entry.precision !== precision) return undefined;
  const figures = Object.entries(entry.figures).map(([name, value]) => [name, { value }]);
  return { sha256: entry.sha256, figures: Object.fromEntries(figures) as Figures<CountedName> };
}

/** The seeds of a row that were measured; a row of one file is its only seed. */
function measuredSeeds({ seeds, missing, sha256, figures }: ResultRow, { recipe }: Variant): readonly SeedRow[] {
  if (seeds) return seeds.filter(({ source }) => source === "measured");
  if (missing !== undefined || recipe === undefined) return [];
  return [{ seed: recipe.seeds[0], source: "measured", ...(sha256 && { sha256 }), figures }];
}

function entryOf({ variants }: Workshop, { id, size, precision }: Variant, one: SeedRow, row: ResultRow): SeedEntry[] {
  const { seed, sha256, figures } = one;
  if (sha256 === undefined) return [];
  const values = COUNTED_FIGURES.flatMap((name) => {
    const figure = readFigure({ ...row, figures, timing: {} }, name);
    return "value" in figure ? [[name, figure.value]] : [];
  });
  const recipe = recipeHash(variants, id, seed);
  return [{ variant: id, seed, recipe, size, precision, sha256, figures: Object.fromEntries(values) }];
}

/**
 * Says of each row that is stale why it is, and records what was measured of files that their recipes made. What was recorded of files
 * that are not here stays. Of a quick look nothing is recorded. Returns the rows and the file of the record, if it was written.
 */
export async function recordSeeds(
  shop: Workshop,
  results: TableResults,
  file: string,
): Promise<{ readonly rows: readonly ResultRow[]; readonly file?: string }> {
  const { data, split, images, limit, storage } = results, on = { data, split, images, storage };
  const found: SeedEntry[] = [], rows: ResultRow[] = [];
  for (const row of results.rows) {
    const variant = variantOf(shop, row.id), stale: string[] = [];
    for (const one of measuredSeeds(row, variant)) {
      const { kind, why } = await stateOf(shop, variant, one.seed);
      if (kind === "stale") stale.push(row.seeds ? `seed ${one.seed}: ${why}` : why);
      if (kind === "current") found.push(...entryOf(shop, variant, one, row));
    }
    rows.push(stale.length > 0 ? { ...row, stale: stale.join("; ") } : row);
  }
  if (limit !== null || found.length === 0) return { rows };
  const before = shop.records.get(shop.variants.find(({ id }) => id === rows[0].id)!.data);
  const kept = before && isSameSet(before, on) ? before.seeds : [];
  const isNew = (entry: SeedEntry) => !found.some((one) => one.variant === entry.variant && one.seed === entry.seed);
  const record = { schema: 1 as const, ...on, seeds: [...kept.filter(isNew), ...found] };
  await writeSeedRecord(file, record, shop.variants.map(({ id }) => id));
  return { rows, file };
}
