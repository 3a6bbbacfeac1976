/**
 * Data sets as histories name them.
 *
 * @module
 */

import type { HistoryDataset } from "../compress/history.ts";
import type { Dataset } from "../data/dataset.ts";

/** What a history says of pictures. */
export function historyDataset({ name, split, images }: Dataset): HistoryDataset {
  return { name, split, pictures: images.length };
}
