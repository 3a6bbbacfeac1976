/**
 * The record of measured files, `seeds.json` beside the tables: what was measured of files that are too many or too large to keep, and by
 * which recipe each was made.
 *
 * @module
 */

import { kindOf, readText } from "../data/files.ts";
import { parseJson } from "../data/json_fields.ts";
import { FeatherdetError } from "../graph/error.ts";
import { faultOf } from "../numbers/forms.ts";
import type { CountedName } from "../report/table/mod.ts";
import { SEED_RECORD_FORM } from "./record_forms.ts";
import { writeWhole } from "./whole_file.ts";

/** Name of the file. */
export const SEEDS_FILE = "seeds.json";

/** A file that was measured. */
export interface SeedEntry {
  /** Id of the variant. */
  readonly variant: string;
  /** Seed that it was made with. */
  readonly seed: number;
  /** Content hash of the recipe that made it (`recipeHash`). */
  readonly recipe: string;
  /** Side of the input at which it was measured, and the element type in which it was run. */
  readonly size: number;
  readonly precision: string;
  /** SHA-256 of the file. */
  readonly sha256: string;
  /** What was measured and counted, times left out. */
  readonly figures: Readonly<Partial<Record<CountedName, number>>>;
}

/** On what it was measured: figures of other pictures or forms of storage are others. */
export interface MeasuredOn {
  readonly data: string;
  readonly split: string | null;
  readonly images: number;
  readonly storage: string | null;
}

/** The record of a data set. */
export interface SeedRecord extends MeasuredOn {
  /** Form of this record. */
  readonly schema: 1;
  readonly seeds: readonly SeedEntry[];
}

/** Reads a record; undefined where there is no file. Throws FeatherdetError for a file that is something else. */
export async function readSeedRecord(file: string): Promise<SeedRecord | undefined> {
  if (kindOf(file) !== "file") return undefined;
  const record = parseJson(await readText(file), file);
  const fault = faultOf(SEED_RECORD_FORM, record);
  if (fault !== undefined) throw new FeatherdetError(`this is no record of measured files (${fault})`, { file });
  return record as SeedRecord;
}

/** The entry of a variant and a seed, whatever made its file. */
export function seedEntry(record: SeedRecord | undefined, variant: string, seed: number): SeedEntry | undefined {
  return record?.seeds.find((one) => one.variant === variant && one.seed === seed);
}

/** Whether two measurements were on the same pictures, stored in the same form. */
export function isSameSet(a: MeasuredOn, b: MeasuredOn): boolean {
  return (["data", "split", "images", "storage"] as const).every((name) => a[name] === b[name]);
}

/** Writes a record, sorted by the order of `ids`; entries of other variants are left out. */
export async function writeSeedRecord(file: string, record: SeedRecord, ids: readonly string[]): Promise<void> {
  const seeds = record.seeds.filter(({ variant }) => ids.includes(variant))
    .toSorted((a, b) => ids.indexOf(a.variant) - ids.indexOf(b.variant) || a.seed - b.seed);
  await writeWhole(file, `${JSON.stringify({ ...record, seeds }, null, 1)}\n`);
}
