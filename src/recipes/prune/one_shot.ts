/**
 * One cut: what the criterion wants is measured, channels go, and statistics are measured anew.
 *
 * @module
 */

import { historyEntry, withHistory } from "../../compress/history.ts";
import { createMemoryMemo } from "../../compress/meter.ts";
import {
  pruneBy,
  type PruneByOptions,
  type PruneResult,
  statisticsNeededBy,
  widthMethod,
} from "../../compress/prune/mod.ts";
import type { Dataset } from "../../data/dataset.ts";
import { FeatherdetError, type Graph } from "../../graph/mod.ts";
import { unfoldBatchNormalization } from "../../passes/mod.ts";
import { historyDataset } from "../history_dataset.ts";
import { adaptStatistics } from "../train_detector.ts";
import { type LatencyOptions, measuredLatency } from "./latency.ts";
import { activationsOn, gradientsOn, type MeasureOptions, reestimateOn } from "./measure.ts";
import { createWidthMeter, type WidthMeterOptions } from "./width_meter.ts";

/** How a cut is made. */
export interface CutOptions
  extends
    Omit<PruneByOptions, "statistics" | "settle" | "meterOf">,
    MeasureOptions,
    LatencyOptions,
    Pick<WidthMeterOptions, "proxy"> {}

/**
 * The model with BatchNormalization that pruning can measure and training can go on with: files with folded normalisation get it back.
 */
export async function withNormalisation(model: Graph, dataset: Dataset): Promise<Graph> {
  const unfolded = unfoldBatchNormalization(model);
  return unfolded === model ? model : await adaptStatistics(unfolded, dataset);
}

/**
 * Prunes a model by what pictures of a data set tell, and gives it statistics of its own on them. Without a data set only criteria of
 * weights serve, and statistics stay as they are, which costs most of the accuracy until the model is trained.
 *
 * The graph's history has an entry. Throws FeatherdetError as `prune` does, and for a criterion that needs pictures where there are none.
 */
export async function cut(source: Graph, dataset: Dataset | undefined, options: CutOptions): Promise<PruneResult> {
  const criterion = options.criterion ?? (dataset ? "taylor" : "l2");
  const needs = statisticsNeededBy(criterion);
  const { method = "criterion", memo = createMemoryMemo() } = options;
  if (widthMethod(method).needsMeter && !dataset) {
    throw new FeatherdetError(`method "${method}" scores candidates on pictures: name a data set`, {
      file: source.name,
    });
  }
  if (needs && !dataset) {
    throw new FeatherdetError(
      `criterion "${criterion}" needs pictures: name a data set, or take one of weights such as l2`,
      {
        file: source.name,
      },
    );
  }
  const model = dataset ? await withNormalisation(source, dataset) : source;
  const statistics = {
    ...(needs === "gradients" && { gradients: await gradientsOn(model, dataset!, options) }),
    ...(needs === "activations" && { activations: await activationsOn(model, dataset!, options) }),
  };
  const isTimed = !options.latency && (options.budget.latency !== undefined || options.per === "latency");
  const times = isTimed ? await measuredLatency(model, { ...options, memo }) : undefined;
  const made = await pruneBy(model, {
    ...options,
    ...{ criterion, statistics, method },
    ...(times && { latency: times.latency, settle: () => times.table.measure() }),
    ...(dataset && { meterOf: (problem) => createWidthMeter(problem, dataset, { ...options, memo }) }),
  });
  const graph = dataset ? await reestimateOn(made, model, dataset, options) : made.graph;
  const { budget, reduction, normalisation, ranking, multiple, floor, least, per, keep, pictures, proxy } = options;
  const how = {
    ...{ criterion, budget, reduction, normalisation, ranking, multiple, floor, least, per, keep, pictures, proxy },
    ...(method !== "criterion" && { method }),
  };
  const entry = historyEntry("prune", how, source, {
    ...(criterion === "random" && { seed: options.seed ?? 0 }),
    ...(dataset && { dataset: historyDataset(dataset) }),
  });
  return { ...made, graph: withHistory(graph, entry) };
}
