/**
 * Zeros in weights, at once or in rounds: masks are chosen, statistics are measured anew, and training goes on behind the masks.
 *
 * @module
 */

import { historyEntry, withHistory } from "../../compress/history.ts";
import {
  applyMasks,
  chooseMasks,
  hashOfMasks,
  maskedLayers,
  type MaskOptions,
  type MaskReport,
  maskReport,
  type Masks,
} from "../../compress/prune/mod.ts";
import type { Dataset } from "../../data/dataset.ts";
import { FeatherdetError, type Graph } from "../../graph/mod.ts";
import { masked } from "../../train/mod.ts";
import { historyDataset } from "../history_dataset.ts";
import { type MeasureOptions, reestimateOn } from "./measure.ts";
import { withNormalisation } from "./normalisation.ts";
import { type RoundFigures, type RoundOptions, type RoundsResult, trainInRounds } from "./rounds.ts";
import { type PruneSchedule, roundBudgets } from "./schedule.ts";

/** How weights are set to zero. */
export interface SparsifyOptions extends MaskOptions, MeasureOptions {}

/** A model with zeros. */
export interface SparsifyResult {
  /** The model; its shapes are what they were. */
  readonly graph: Graph;
  /** Zeros by layer. */
  readonly report: MaskReport;
}

/**
 * Sets weights to zero and gives the model statistics of its own on pictures of a data set; without one statistics stay as they are. The
 * graph's history has an entry. Throws FeatherdetError as `chooseMasks` does.
 */
export async function sparsify(
  source: Graph,
  dataset: Dataset | undefined,
  options: SparsifyOptions,
): Promise<SparsifyResult> {
  const model = dataset ? await withNormalisation(source, dataset) : source;
  const masks = chooseMasks(model, options);
  const zeroed = applyMasks(model, masks);
  const graph = dataset ? await reestimateOn({ graph: zeroed, groups: [] }, model, dataset, options) : zeroed;
  const report = maskReport(graph, masks);
  const { pattern = "unstructured", ranking, floor, attention, keep, pictures } = options;
  const how = { sparsity: report.sparsity, pattern, ranking, floor, attention, keep, pictures };
  const entry = historyEntry("prune", { ...how, masks: hashOfMasks(masks) }, source, {
    ...(dataset && { dataset: historyDataset(dataset) }),
  });
  return { graph: withHistory(graph, entry), report };
}

/** How weights are set to zero in rounds. There are 4 by default, and one for patterns such as 2:4. */
export interface SparsifyFinetuneOptions extends SparsifyOptions, Omit<RoundOptions, "batch"> {
  /** Default `cubic`. */
  readonly schedule?: PruneSchedule;
  /** Told when weights were set to zero and when a round is done. */
  readonly onRound?: (round: SparsifyRound) => void;
}

/** What weights set to zero are told as. */
export interface ToldZeros {
  /** Share of the weights of the layers that take part which are zero. */
  readonly sparsity: number;
  /** How many. */
  readonly zeros: number;
}

/** What a round brought. */
export interface SparsifyRound extends ToldZeros, RoundFigures {}

/** What rounds of zeros made. */
export interface SparsifyFinetuneResult extends RoundsResult<ToldZeros> {
  /** Zeros by layer after the last cut, which training keeps; absent if the run was stopped before a training. */
  readonly report?: MaskReport;
}

/** Masks that keep what is zero already: what is not is free. */
function masksOfZeros(graph: Graph, options: MaskOptions): Masks {
  return new Map(
    maskedLayers(graph, options).map(({ weight, data }) => [weight, Uint8Array.from(data, (x) => x === 0 ? 0 : 1)]),
  );
}

/** The sparsity of each round. */
function sparsities({ sparsity, pattern = "unstructured", rounds, schedule = "cubic" }: SparsifyFinetuneOptions) {
  if (pattern.includes(":")) {
    if ((rounds ?? 1) === 1) return [sparsity];
    throw new FeatherdetError(
      `pattern ${pattern} has one sparsity, so that there is one round, asked for were ${rounds}`,
    );
  }
  if (sparsity === undefined) return [undefined];
  const left = roundBudgets({ parameters: 1 - sparsity }, rounds ?? 4, schedule);
  return left.map(({ parameters }, round) => round === left.length - 1 ? sparsity : 1 - parameters!);
}

/**
 * Sets weights of a detector to zero in rounds, each followed by training behind the masks: zeros stay. The cubic schedule sets many at
 * first and few at last (Zhu and Gupta 2017). Each model's history tells all rounds.
 *
 * Throws FeatherdetError as `chooseMasks` and `train` do, for several rounds of a pattern that has one sparsity, and for a store that holds
 * a run with other settings.
 */
export async function sparsifyAndTrain(
  source: Graph,
  dataset: Dataset,
  options: SparsifyFinetuneOptions,
): Promise<SparsifyFinetuneResult> {
  const steps = sparsities(options);
  let report: MaskReport | undefined;
  const result = await trainInRounds<ToldZeros>(source, dataset, {
    count: steps.length,
    onRound: options.onRound,
    async cut(model, round) {
      const { graph, report: { sparsity, zeros } } = await sparsify(model, dataset, {
        ...options,
        sparsity: steps[round],
      });
      return { graph, told: { sparsity, zeros } };
    },
    variants(start) {
      const masks = masksOfZeros(start, options);
      report = maskReport(start, masks);
      return [masked(masks)];
    },
  }, options);
  return { ...result, report };
}
