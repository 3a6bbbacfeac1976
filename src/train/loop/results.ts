/**
 * The course of a run as a table, `results.csv`: a line for each epoch that is done, for spreadsheets and plotting programs.
 *
 * Columns: `epoch` (from 1); `loss_NAME` for every loss (spaces become `_`), times its weight; `map50` and `map` (mAP50-95) as shares of 1,
 * empty where there was no validation; `rate_weight`, `rate_bias`, `rate_norm`, the learning rates of the last step; `images_per_second`,
 * `seconds` (without the validation); `skipped`, steps without finite numbers.
 *
 * @module
 */

// @ts-types="npm:@types/d3-dsv@3.0.7"
import { csvFormat } from "npm:d3-dsv@3.0.2";
import type { EpochRecord } from "./record.ts";
import type { TrainingStore } from "./store.ts";

/** The file's name. */
export const RESULTS_FILE = "results.csv";

/** The table's text: a heading, and a line for each epoch. The same epochs give the same text. */
export function resultsCsv(epochs: readonly EpochRecord[]): string {
  const names = [...new Set(epochs.flatMap(({ losses }) => Object.keys(losses)))];
  const lines = epochs.map(({ epoch, losses, score, learningRates, imagesPerSecond, seconds, skipped }) => ({
    epoch: epoch + 1,
    ...Object.fromEntries(names.map((name) => [`loss_${name.replaceAll(/\s+/g, "_")}`, losses[name]])),
    map50: score?.map50,
    map: score?.map,
    rate_weight: learningRates.weight,
    rate_bias: learningRates.bias,
    rate_norm: learningRates.norm,
    images_per_second: imagesPerSecond,
    seconds,
    skipped,
  }));
  return `${csvFormat(lines)}\n`;
}

/** Writes the table of the epochs that are done, whole: what a run that goes on does again is in it once. */
export async function writeResults(store: TrainingStore, epochs: readonly EpochRecord[]): Promise<void> {
  if (epochs.length > 0) await store.write(RESULTS_FILE, resultsCsv(epochs));
}
