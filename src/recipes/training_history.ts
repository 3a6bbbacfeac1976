/**
 * A run of training in the history of the model that it trains.
 *
 * @module
 */

import { type HistoryEntry, historyEntry, historyOf, withHistory, withLastEntry } from "../compress/history.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Graph } from "../graph/mod.ts";
import { historyDataset } from "./history_dataset.ts";

/** Settings that the entry tells elsewhere, or that are long and follow from others. */
const TOLD_ELSEWHERE = ["model", "dataset", "seed", "notes", "activationScales", "elasticOrder"];

/** Name of the entry. */
const TRAIN = "train";

/**
 * The model with an entry for a run that began with `parent`. A run that goes on from a checkpoint has its entry already: its settings are renewed, its parent stays
 * what the run began with.
 */
export function withTraining(
  model: Graph,
  dataset: Dataset,
  settings: Readonly<Record<string, unknown>>,
  { parent, seed, resumed }: { readonly parent: Graph; readonly seed: number; readonly resumed: boolean },
): Graph {
  const options = Object.fromEntries(Object.entries(settings).filter(([name]) => !TOLD_ELSEWHERE.includes(name)));
  const entry = historyEntry(TRAIN, options, parent, { seed, dataset: historyDataset(dataset) });
  if (!resumed) return withHistory(model, entry);
  const before: HistoryEntry | undefined = historyOf(model).at(-1);
  if (before?.name === TRAIN) return withLastEntry(model, { ...entry, parent: before.parent });
  // A checkpoint of before: what its run began with is not known any more.
  return withHistory(model, { ...entry, parent: { name: model.name } });
}
