/**
 * Results of measuring the variants of a data set, as `table.json` holds them.
 *
 * What can differ between two runs on one machine is kept apart: `run` says when and on what, `timing` holds every time. All else is
 * the same in each run, so that a change in it is a change of the models or of the code.
 *
 * @module
 */

import type { DetectorSettings } from "../../detect/detector.ts";
import type { LatencyReport } from "../../eval/measure_latency.ts";
import type { TimeRatio } from "../../eval/time_ratio.ts";
import type { Figure } from "./figure.ts";
import type { Variant } from "./variant.ts";

/** Figures that are the same in every run, in the order of the tables. */
export const COUNTED_FIGURES = [
  "parameters",
  "fileBytes",
  "deviceWeightBytes",
  "flops",
  "sparsity",
  "nonzeroFlops",
  "bitOperations",
  "activationBytes",
  "dispatches",
  "map",
  "map50",
] as const;

/** Name of a figure that is the same in every run; units are those of `ModelCosts`, mAP is in 0..1. */
export type CountedName = typeof COUNTED_FIGURES[number];

/** Figures that are times: milliseconds of a frame of the device alone and from picture to boxes, and frames a second. */
export const TIMED_FIGURES = ["gpuMedian", "gpuP90", "detectMedian", "detectP90", "framesPerSecond"] as const;

/** Name of a time. */
export type TimedName = typeof TIMED_FIGURES[number];

/** Figures that are predicted of devices that are not here: milliseconds of the network alone on a Jetson Nano and an Orin Nano Super. */
export const PREDICTED_FIGURES = ["nanoMilliseconds", "orinMilliseconds"] as const;

/** Name of a predicted figure. */
export type PredictedName = typeof PREDICTED_FIGURES[number];

/** Name of a figure. */
export type FigureName = CountedName | TimedName | PredictedName;

/** Figures by their names. Figures that are absent were not measured. */
export type Figures<Name extends FigureName> = Readonly<Partial<Record<Name, Figure>>>;

/** Figures that are times in milliseconds of which rounds tell how far they can be believed. */
export type RoundedName = "detectMedian" | "gpuMedian";

/**
 * Times of a variant. Where variants were timed in rounds, what the rounds tell of medians is beside them; tables that were written before
 * have neither.
 */
export interface RowTiming extends Figures<TimedName> {
  /** The middle half of the samples: a quarter was faster than the first, a quarter slower than the second. */
  readonly middle?: Readonly<Partial<Record<RoundedName, readonly [low: number, high: number]>>>;
  /** Over the original's times in the same rounds; absent for the original itself. */
  readonly ratio?: Readonly<Partial<Record<RoundedName, TimeRatio>>>;
}

/** What is known of one seed of a variant. */
export interface SeedRow {
  /** The seed. */
  readonly seed: number;
  /** Measured in this run, taken from the record beside the tables because its file is not there, or missing. */
  readonly source: "measured" | "recorded" | "missing";
  /** SHA-256 of its file. */
  readonly sha256?: string;
  /** Its figures. */
  readonly figures: Figures<CountedName>;
}

/** A variant with its figures. */
export interface ResultRow extends Omit<Variant, "data" | "split" | "sha256" | "recipe"> {
  /** SHA-256 of the file that was measured; absent for models that were built. */
  readonly sha256?: string;
  /** Why nothing was measured, if nothing was. */
  readonly missing?: string;
  /** Why the file is not what its recipe makes, if that is known. */
  readonly stale?: string;
  /** Counts and accuracy; of a variant with several seeds the means of those that are measured or recorded. */
  readonly figures: Figures<CountedName>;
  /** Each seed of a variant that is made with several. */
  readonly seeds?: readonly SeedRow[];
  /** Predicted of the first file; absent in tables that were written before. */
  readonly predicted?: Figures<PredictedName>;
  /** Times: they differ from run to run. Those of a variant with several seeds are of the first file that is there. */
  readonly timing: RowTiming;
}

/** A published model, of random weights, whose latency was measured here and whose accuracy others have published. */
export interface FamilyMember {
  /** Its name, `yolo11s`. */
  readonly model: string;
  /** Side of the square input in pixels. */
  readonly size: number;
  /** Bytes of the model as ONNX. */
  readonly fileBytes: number;
  /** Published mAP50-95 in 0..1; see `PUBLISHED_FAMILY`. */
  readonly publishedMap: number;
  /** Times: they differ from run to run. */
  readonly timing: RowTiming;
}

/** When, where and with what it was measured: all of it may differ from run to run. */
export interface RunRecord {
  /** ISO 8601, UTC. */
  readonly date: string;
  /** Commit of the checkout, with `+` where files differed from it; null outside of git. */
  readonly commit: string | null;
  /** What was measured on; null if nothing was measured. */
  readonly adapter: LatencyReport["adapter"] | null;
  /** The machine around it. */
  readonly machine: {
    readonly os: string;
    readonly arch: string;
    readonly cores: number;
    /** Processes that were running or waiting for a core in the minute before the end, on average; others disturb the times. */
    readonly load: number;
  };
  /** Versions of what ran. */
  readonly versions: Readonly<Record<string, string>>;
}

/** The result tables of one data set. */
export interface TableResults {
  /** Form of this record. */
  readonly schema: 1;
  /** The data set. */
  readonly data: string;
  /** Its split, null if it has none. */
  readonly split: string | null;
  /** Pictures that mAP was measured on. */
  readonly images: number;
  /** Number of pictures, if only the first ones were measured: then these are not the figures of the set. Null if all were. */
  readonly limit: number | null;
  /** What mAP was measured with. */
  readonly settings: DetectorSettings;
  /** Samples of each time of the variants, which are the rounds in which they were taken in turn; 0 if none was taken. */
  readonly latencyRuns: number;
  /** How activations were stored, on which dispatches and activation memory depend; null if nothing was measured. */
  readonly storage: string | null;
  /** One for each variant of the data set, in the order of the manifest. */
  readonly rows: readonly ResultRow[];
  /** The family of published models to compare with; may be empty. */
  readonly family: readonly FamilyMember[];
  /** Absent if it was removed (`removeTimings`). */
  readonly run?: RunRecord;
}

/** What is missing of a variant that was left out when others were measured. */
export const LEFT_OUT = "left out of this run";

/** Whether results are of all variants and pictures, but for what could not be measured. */
export function isWhole({ limit, rows }: Pick<TableResults, "limit" | "rows">): boolean {
  return limit === null && !rows.some(({ missing }) => missing === LEFT_OUT);
}

const TIMED: readonly string[] = TIMED_FIGURES, PREDICTED: readonly string[] = PREDICTED_FIGURES;

/** A figure of a row by its name. */
export function readFigure({ missing, figures, timing, predicted }: ResultRow, name: FigureName): Figure {
  if (PREDICTED.includes(name)) return predicted?.[name as PredictedName] ?? { missing: missing ?? "not predicted" };
  const found = TIMED.includes(name) ? timing[name as TimedName] : figures[name as CountedName];
  return found ?? { missing: missing ?? (TIMED.includes(name) ? "not timed" : "not measured") };
}

/** Says of how many seeds a row is: `3 seeds`, `2 of 3 seeds`, `3 seeds, 2 of them recorded`; undefined where there is one file. */
export function seedsText({ seeds }: ResultRow): string | undefined {
  if (seeds === undefined) return undefined;
  const present = seeds.filter(({ source }) => source !== "missing").length;
  const recorded = seeds.filter(({ source }) => source === "recorded").length;
  const count = present === seeds.length ? `${present} seeds` : `${present} of ${seeds.length} seeds`;
  return recorded === 0 ? count : `${count}, ${recorded} of them recorded`;
}

/** Removes what may differ from run to run. Two runs of the same models on one machine then give the same results. */
export function removeTimings({ run: _, rows, family, ...rest }: TableResults): TableResults {
  return {
    ...rest,
    rows: rows.map((row) => ({ ...row, timing: {} })),
    family: family.map((member) => ({ ...member, timing: {} })),
  };
}
