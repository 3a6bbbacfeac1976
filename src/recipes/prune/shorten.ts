/**
 * Pruning of depth on pictures: which parts a detector can do without is measured, they go, and statistics are measured anew.
 *
 * @module
 */

import { passStep, runPasses } from "../../compress/pass.ts";
import { shortenPass, type ShortenReport } from "../../compress/prune/mod.ts";
import type { Dataset } from "../../data/dataset.ts";
import { FeatherdetError, type Graph } from "../../graph/mod.ts";
import { historyDataset } from "../history_dataset.ts";
import { reestimateOn } from "./measure.ts";
import { refitShortenedOn } from "./refit.ts";
import { preparedStep, withNormalisation } from "./normalisation.ts";
import { createCutMeter, type WidthMeterOptions } from "./width_meter.ts";

/** How a model is made shallower. */
export interface ShortenOnOptions extends WidthMeterOptions {
  /** Share of the layers with weights that may be left, above 0 and at most 1. */
  readonly layers: number;
  /** Whether weights are fitted to what layers made in the whole model (see `refitShortenedOn`); true by default. */
  readonly refit?: boolean;
  /** Of the positions that weights are fitted at; 0 by default. */
  readonly seed?: number;
  /** Told what was scored; may throw to end it. */
  readonly onChoosing?: (what: string) => void;
}

/** A shallower model, and what became of its layers. */
export interface ShortenOnResult {
  /** The model, with statistics of its own. */
  readonly graph: Graph;
  /** The given model with the normalisation that it was measured with. */
  readonly whole: Graph;
  /** What became of the layers. */
  readonly report: ShortenReport;
}

/**
 * Takes out parts that a model can do without, until at most a share of its layers is left (see `shortenPass`). What is left is scored on
 * pictures, by agreement with the whole model or by mAP, with statistics of its own. At last weights are fitted to what layers made before,
 * and statistics are measured anew, as after every cut.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDataset } from "../../data/open.ts";
 * import { yolo11 } from "../../models/yolo11.ts";
 * import { shortenOn } from "./shorten.ts";
 * const dataset = await openDataset("synthetic", { split: "train", limit: 2, size: 64 });
 * const model = yolo11({ width: 0.0625, size: 64, classes: dataset.classes });
 * const { report } = await shortenOn(model, dataset, { layers: 0.95 });
 * assert.ok(report.after <= 0.95 * report.before);
 * ```
 *
 * The history has an entry if parts are gone. Throws FeatherdetError as `shortenPass`, and without a data set.
 */
export async function shortenOn(
  source: Graph,
  dataset: Dataset | undefined,
  options: ShortenOnOptions,
): Promise<ShortenOnResult> {
  if (!dataset) {
    throw new FeatherdetError("layers are chosen by what the model is worth without them: name a data set", {
      file: source.name,
    });
  }
  const whole = await withNormalisation(source, dataset);
  const meter = createCutMeter(whole, dataset, options);
  const scoreOf = (graph: Graph) => meter.score({ graph, groups: [] });
  const { layers, proxy, pictures, onChoosing, refit = true } = options;
  const step = passStep(shortenPass, { layers, scoreOf, onChoosing }, { proxy, pictures, ...(refit && { refit }) });
  const { graph, reports: [, report] } = await runPasses(source, [preparedStep(whole), step], {
    origin: { ...(refit && { seed: options.seed ?? 0 }), dataset: historyDataset(dataset) },
  });
  if (report.removed.length === 0) return { graph, whole, report };
  const fitted = refit ? await refitShortenedOn(graph, whole, dataset, options) : graph;
  return { graph: await reestimateOn({ graph: fitted, groups: [] }, whole, dataset, options), whole, report };
}
