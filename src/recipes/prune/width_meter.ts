/**
 * Scores what a network becomes, as candidates of a search for widths: the channels worth least go, statistics are measured anew, and the
 * network is scored on the same few pictures.
 *
 * @module
 */

import { hashOfGraph } from "../../compress/graph_hash.ts";
import { createMemoryMemo, type Memo, remember, type ScoreMeter } from "../../compress/meter.ts";
import { cutTo, type PruneProblem, type PruneResult, type WidthMeter } from "../../compress/prune/mod.ts";
import type { Dataset } from "../../data/dataset.ts";
import { createAgreementMeter } from "../../eval/agreement_meter.ts";
import { createMeter, datasetText } from "../../eval/meter.ts";
import { openSharedDevice } from "../../gpu/device.ts";
import { FeatherdetError, type Graph } from "../../graph/mod.ts";
import { withBatch } from "../../passes/mod.ts";
import type { NormTargets } from "../../train/autodiff/reestimate_statistics.ts";
import type { StatisticsSample } from "../../train/autodiff/statistics.ts";
import { batchesOf, batchOf, type MeasureOptions, reestimateTo, targetsOn } from "./measure.ts";

/** What stands for the accuracy after training: `agreement` with the whole model, or its `map`, both on few pictures. */
export type ProxyName = "agreement" | "map";

/** What `--proxy` takes. */
export const PROXY_NAMES: readonly ProxyName[] = ["agreement", "map"];

/** How candidates are scored. */
export interface WidthMeterOptions extends MeasureOptions {
  /** Default `agreement`. */
  readonly proxy?: ProxyName;
  /** Scores of earlier runs; by default none. */
  readonly memo?: Memo;
}

/** What is cut: the network, its bundles, and which of their groups go first. */
export type CutProblem = Pick<PruneProblem, "source" | "model" | "ladders">;

/** What is prepared at the first candidate and serves all of them. */
interface Prepared {
  readonly batches: readonly StatisticsSample[];
  readonly targets: NormTargets;
  readonly meter: ScoreMeter;
  readonly place: string;
}

/** Which pictures candidates are scored on, how many at a time, and what the score says, as text. */
export function scoredBy(
  source: Graph,
  dataset: Dataset,
  { proxy = "agreement", pictures = 64, batch = 8 }: Omit<WidthMeterOptions, "memo">,
): { readonly some: Dataset; readonly size: number; readonly basis: string } {
  const some = { ...dataset, images: dataset.images.slice(0, pictures) };
  const size = batchOf(source, Math.min(batch, some.images.length));
  return { some, size, basis: `${proxy} after new statistics, ${size} at a time, on ${datasetText(some)}` };
}

/** Scores what a network became. */
export interface CutMeter {
  /**
   * How good the network is that was made of the whole one, more being better: with statistics measured anew, or with those that it has, as
   * the whole one.
   */
  score(made: Pick<PruneResult, "graph" | "groups">, statistics?: "anew" | "kept"): Promise<number>;
}

/**
 * A meter of what a network becomes. Scores are remembered by the content of the graph that is scored, of the whole one, and the pictures.
 * It keeps the pictures in memory as the network reads them. Throws FeatherdetError for an unknown proxy.
 */
export function createCutMeter(
  source: Graph,
  dataset: Dataset,
  { proxy = "agreement", pictures = 64, batch = 8, memo = createMemoryMemo() }: WidthMeterOptions = {},
): CutMeter {
  if (!PROXY_NAMES.includes(proxy)) {
    throw new FeatherdetError(`unknown proxy "${proxy}", there are ${PROXY_NAMES.join(" and ")}`);
  }
  const { some, size, basis } = scoredBy(source, dataset, { proxy, pictures, batch });
  const whole = withBatch(source, size), wholeHash = hashOfGraph(source);
  const prepare = async (): Promise<Prepared> => {
    const batches = await Array.fromAsync(batchesOf(whole, some, pictures));
    const { adapter } = await openSharedDevice();
    return {
      batches,
      targets: await targetsOn(whole, () => batches),
      meter: proxy === "map" ? createMeter(some) : createAgreementMeter(whole, batches, basis),
      place: adapter.name,
    };
  };
  let prepared: Promise<Prepared> | undefined;
  return {
    async score(made, statistics = "anew") {
      const { batches, targets, meter, place } = await (prepared ??= prepare());
      const hash = hashOfGraph(made.graph), isWhole = hash === wholeHash && statistics === "anew" ? ", anew" : "";
      return await remember(memo, "proxy", `${place} | ${basis} | ${hash} of ${wholeHash}${isWhole}`, async () => {
        const graph = statistics === "kept" ? made.graph : await reestimateTo(made, targets, () => batches, size);
        return await meter.score({ graph: proxy === "map" ? graph : withBatch(graph, size) });
      });
    },
  };
}

/** A meter of the widths of a problem, by what the network becomes with them. Throws FeatherdetError for an unknown proxy. */
export function createWidthMeter(problem: CutProblem, dataset: Dataset, options: WidthMeterOptions = {}): WidthMeter {
  const meter = createCutMeter(problem.source, dataset, options);
  return {
    score(widths) {
      const made = cutTo(problem, widths);
      return meter.score(made, made.groups.length === 0 ? "kept" : "anew");
    },
  };
}
