/**
 * What a compression keeps in its folder besides models and runs: what was asked for, and what is known of each candidate. A call that was
 * stopped anywhere goes on from it.
 *
 * @module
 */

import { join } from "node:path";
import { kindOf, readText } from "../../data/files.ts";
import { parseJson } from "../../data/json_fields.ts";
import { FeatherdetError } from "../../graph/error.ts";
import { writeWhole } from "../../host/whole_file.ts";
import type { CountedName, Figures } from "../../report/table/mod.ts";
import type { TargetFigures } from "./targets.ts";

/** What was asked for: another call in the same folder has to ask for the same. */
export interface CompressRequest {
  /** SHA-256 of the model's file. */
  readonly model: string;
  /** SHA-256 of the ladder with everything in its place. */
  readonly recipes: string;
  readonly data: string;
  readonly split: string;
  readonly testSplit: string | null;
  readonly targets: readonly string[];
  readonly limit: number | null;
}

/** A model that was made and measured. */
export interface MeasuredModel {
  readonly sha256: string;
  /** Figures that targets are about, of the split that judges. */
  readonly figures: TargetFigures;
  /** All that was counted. */
  readonly counted: Figures<CountedName>;
  /** Seconds that making it took, its parents' not among them; null for the original and for what took several calls. */
  readonly seconds: number | null;
  /** Seconds that it was to take at the pace of the beginning. */
  readonly expected: number;
}

/** All that is kept. */
export interface CompressState {
  readonly schema: 1;
  readonly request: CompressRequest;
  /** How activations were stored where it was measured. */
  readonly storage: string | null;
  /** Seconds that all calls have taken. */
  readonly spent: number;
  /** The original first, then candidates and what they are made from, in the order in which they were made. */
  readonly models: Readonly<Record<string, MeasuredModel>>;
  /** Figures of the original and the chosen model on the pictures that nothing was chosen by. */
  readonly tested: Readonly<Record<string, TargetFigures>>;
}

const FILE = "compress.json";

/** Reads what is kept, or begins. Throws FeatherdetError where the folder holds a compression of something else. */
export async function readState(folder: string, request: CompressRequest): Promise<CompressState> {
  const file = join(folder, FILE);
  if (kindOf(file) !== "file") return { schema: 1, request, storage: null, spent: 0, models: {}, tested: {} };
  const state = parseJson(await readText(file), file) as CompressState;
  const differing = (Object.keys(request) as (keyof CompressRequest)[])
    .filter((name) => JSON.stringify(state.request?.[name]) !== JSON.stringify(request[name]));
  if (differing.length === 0) return state;
  const text = differing.map((name) =>
    name === "model" || name === "recipes"
      ? `another ${name === "model" ? "model" : "ladder"}`
      : `${name} ${JSON.stringify(state.request?.[name])}, not ${JSON.stringify(request[name])}`
  );
  throw new FeatherdetError(`is of a compression with ${text.join(" and ")}: name another folder`, { file });
}

/** Keeps everything, in a file that is whole at any time. */
export async function writeState(folder: string, state: CompressState): Promise<void> {
  await writeWhole(join(folder, FILE), `${JSON.stringify(state, null, 1)}\n`);
}
