/**
 * One cut: what the criterion wants is measured, channels go, and statistics are measured anew.
 *
 * @module
 */

import { createMemoryMemo } from "../../compress/meter.ts";
import { passStep, runPasses } from "../../compress/pass.ts";
import {
  budgetOf,
  prunePass,
  type PrunePassOptions,
  type PruneProblem,
  type PruneResult,
  statisticsNeededBy,
  type WidthMeter,
  widthMethod,
} from "../../compress/prune/mod.ts";
import type { Dataset } from "../../data/dataset.ts";
import { FeatherdetError, type Graph } from "../../graph/mod.ts";
import { createGradientRunner } from "../gradient_runner.ts";
import { historyDataset } from "../history_dataset.ts";
import { refuseOtherHead } from "../trainable.ts";
import { type LatencyOptions, measuredLatency } from "./latency.ts";
import { type MeasureOptions, reestimateOn, statisticsOn } from "./measure.ts";
import { preparedStep, withNormalisation } from "./normalisation.ts";
import { refitOn } from "./refit.ts";
import { costsFor, relativeBudget } from "./relative_budget.ts";
import { reportOf } from "./report.ts";
import { shortenOn } from "./shorten.ts";
import { createWidthMeter, type WidthMeterOptions } from "./width_meter.ts";

/** How a cut is made. */
export interface PruneOnOptions
  extends
    Omit<PrunePassOptions, "settle" | "meterOf">,
    MeasureOptions,
    LatencyOptions,
    Pick<WidthMeterOptions, "proxy"> {
  /**
   * Whether layers are timed on this adapter, so that the report has their milliseconds; they always are where the budget or `per` asks for
   * milliseconds.
   */
  readonly times?: boolean;
  /**
   * Whether weights are fitted to what layers made on the pictures before the cut (see `refitOn`): by default where there are pictures, but
   * not between rounds of training.
   */
  readonly refit?: boolean;
  /**
   * Share of the layers with weights that may be left: parts that the model can do without go before channels do (see `shortenOn`). With it
   * the budget may be empty. By default all of them stay.
   */
  readonly layers?: number;
  /** Candidates that are scored at the same time, by methods that need it; 1 by default. Searches try others then. */
  readonly together?: number;
  /** Scores candidates of methods that need it; `createWidthMeter` by default. */
  readonly widthMeter?: (problem: PruneProblem, dataset: Dataset, options: WidthMeterOptions) => WidthMeter;
}

/**
 * Prunes a model by what pictures of a data set tell, fits its weights to what its layers made on them before, and gives it statistics of
 * its own on them: the pass `prune`, with all that it needs, and what has to follow it. With `layers` the pass `shorten` comes before.
 * Without a data set only criteria of weights serve, and statistics stay as they are, which costs most of the accuracy until the model is
 * trained.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDataset } from "../../data/open.ts";
 * import { yolo11 } from "../../models/yolo11.ts";
 * import { pruneOn } from "./one_shot.ts";
 * const dataset = await openDataset("synthetic", { split: "train", limit: 2, size: 64 });
 * const model = yolo11({ width: 0.0625, size: 64, classes: dataset.classes });
 * const { report } = await pruneOn(model, dataset, { budget: { gflops: 0.7 } });
 * assert.ok(report.after.gflops <= 0.7 * report.before.gflops);
 * ```
 *
 * The graph's history has an entry if channels are gone, and one if layers are. Throws FeatherdetError as `prune`, `shortenOn` and `refitOn`
 * do, and for a criterion or a fit that needs pictures where there are none.
 */
export async function pruneOn(
  source: Graph,
  dataset: Dataset | undefined,
  options: PruneOnOptions,
): Promise<PruneResult> {
  const { layers, budget } = options;
  if (layers === undefined) return await pruneChannels(source, dataset, options);
  // Scoring parts takes long: what is asked of channels is checked before.
  if (Object.keys(budget).length > 0) checkChannels(source, dataset, options);
  const { graph: short, whole, report } = await shortenOn(source, dataset, { ...options, layers });
  const left = relativeBudget(budget, await costsFor(whole, options), await costsFor(short, options));
  const made = Object.keys(left).length === 0
    ? { graph: short, groups: [] }
    : await pruneChannels(short, dataset, { ...options, budget: left });
  return { ...made, report: { ...await reportOf(whole, made.graph, options), shortened: report } };
}

/** What a cut of channels goes by. Throws FeatherdetError for options that do not go together, and for pictures that are missing. */
function checkChannels(source: Graph, dataset: Dataset | undefined, options: PruneOnOptions) {
  budgetOf(options.budget);
  const criterion = options.criterion ?? (dataset ? "taylor" : "l2"), needs = statisticsNeededBy(criterion);
  const { method = "criterion" } = options;
  if (widthMethod(method).needsMeter && !dataset) {
    throw new FeatherdetError(`method "${method}" scores candidates on pictures: name a data set`, {
      file: source.name,
    });
  }
  if (needs.length > 0 && !dataset) {
    throw new FeatherdetError(
      `criterion "${criterion}" needs pictures: name a data set, or take one of weights such as l2`,
      {
        file: source.name,
      },
    );
  }
  if (needs.includes("gradient")) {
    const help = "; or take a criterion of weights or maps, such as l2 or activation (--criterion)";
    refuseOtherHead(source, `criterion "${criterion}" needs the gradients of a detector's loss`, help);
  }
  const isRefitted = options.refit ?? dataset !== undefined;
  if (isRefitted && !dataset) {
    throw new FeatherdetError("weights are fitted to what layers make on pictures: name a data set", {
      file: source.name,
    });
  }
  return { criterion, needs, method, isRefitted };
}

async function pruneChannels(
  source: Graph,
  dataset: Dataset | undefined,
  options: PruneOnOptions,
): Promise<PruneResult> {
  const { criterion, needs, method, isRefitted } = checkChannels(source, dataset, options);
  const { memo = createMemoryMemo(), pictures, proxy } = options;
  const { widthMeter = createWidthMeter, together } = options;
  const model = dataset ? await withNormalisation(source, dataset) : source;
  const isTimed = !options.latency &&
    (options.times || options.budget.latency !== undefined || options.per === "latency");
  const times = isTimed ? await measuredLatency(model, { ...options, memo }) : undefined;
  const step = passStep(prunePass, {
    ...options,
    ...{ criterion, method },
    ...(times && { latency: times.latency }),
    ...(dataset && { meterOf: (problem) => ({ ...widthMeter(problem, dataset, { ...options, memo }), together }) }),
  }, { pictures, proxy, ...(together !== undefined && { together }), ...(isRefitted && { refit: true }) });
  const runner = createGradientRunner();
  try {
    const { graph, reports: [, made] } = await runPasses(source, [preparedStep(model), step], {
      ...(dataset && { source: { ...statisticsOn(model, dataset, needs.includes("gradient"), options), runner } }),
      origin: {
        ...((criterion === "random" || isRefitted) && { seed: options.seed ?? 0 }),
        ...(dataset && { dataset: historyDataset(dataset) }),
      },
    });
    if (!dataset || made.groups.length === 0) return { graph, ...made };
    const { groups } = made;
    const fitted = isRefitted ? await refitOn({ graph, groups }, model, dataset, options) : graph;
    return { ...made, graph: await reestimateOn({ graph: fitted, groups }, model, dataset, options) };
  } finally {
    runner.destroy();
  }
}
