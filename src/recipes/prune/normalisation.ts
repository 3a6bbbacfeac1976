/**
 * The form of a model that cuts are made of and training goes on with.
 *
 * @module
 */

import type { PassStep } from "../../compress/pass.ts";
import type { Dataset } from "../../data/dataset.ts";
import type { Graph } from "../../graph/mod.ts";
import { unfoldBatchNormalization } from "../../passes/mod.ts";
import { adaptStatistics } from "../adapt_statistics.ts";

/**
 * The model with BatchNormalization that pruning can measure and training can go on with: files with folded normalisation get it back.
 */
export async function withNormalisation(model: Graph, dataset: Dataset): Promise<Graph> {
  const unfolded = unfoldBatchNormalization(model);
  return unfolded === model ? model : await adaptStatistics(unfolded, dataset);
}

/** Files with folded normalisation are shown to passes with normalisation, which is no event in the life of a model. */
export const preparedStep = (graph: Graph): PassStep<null> => ({
  ...{ name: "prepare", effect: "prepares", needs: () => ({}), described: () => ({}) },
  apply: () => Promise.resolve({ graph, report: null }),
});
