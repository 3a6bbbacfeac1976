/**
 * The search of a sub-network of an elastic network: candidates within a budget are taken out and judged, the best is a plain model.
 *
 * @module
 */

import { type ElasticNet, entropyOf, subnetGflops, subnetOf } from "../../compress/elastic/mod.ts";
import { historyEntry, withHistory } from "../../compress/history.ts";
import { searchMethod, type SearchMethodName } from "../../compress/search/methods.ts";
import { runSearch, type SearchOptions, type SearchResult } from "../../compress/search/run.ts";
import type { SearchProblem, Trial } from "../../compress/search/problem.ts";
import { sieved } from "../../compress/search/sieve.ts";
import { namedPoint, type Point, pointKey } from "../../compress/search/space.ts";
import { FeatherdetError, type Graph } from "../../graph/mod.ts";
import { analyze } from "../../graph/analyze.ts";
import { predictFrame } from "../../hardware/adapter/predict.ts";
import { predictLatency } from "../../hardware/predict.ts";
import { modelOfAdapter } from "../../host/adapter_models.ts";
import type { SubnetMeter } from "./subnet_meter.ts";

/** How a sub-network is searched. */
export interface SubnetSearchOptions extends Pick<SearchOptions, "history" | "onTrial" | "signal"> {
  /** Share of the whole network's cost that it may have. */
  readonly share: number;
  /** A device, whose predicted milliseconds are the cost; operations by default. */
  readonly device?: string;
  /** The way to search; `evolution` by default. */
  readonly method?: SearchMethodName;
  /** Candidates that are judged; 60 by default. */
  readonly evaluations?: number;
  /** Of so many proposals the one of the most entropy is judged; none are compared by default. */
  readonly sieve?: number;
  /** Figure that counts; `map` by default. */
  readonly metric?: "map" | "map50";
  /** Equal seeds propose equal candidates; 0 by default. */
  readonly seed?: number;
}

/** Costs of sub-networks. */
export interface SubnetCosts {
  /** What is counted, with its unit. */
  readonly text: string;
  /** The cost of a point. */
  cost(point: Point): number;
}

/** What was found. */
export interface FoundSubnet extends SearchResult {
  /** The problem, for tables. */
  readonly problem: SearchProblem;
  /** The best, as a plain model with statistics of its own; undefined before the first trial. */
  readonly graph?: Graph;
}

/** Costs of the sub-networks of a net, each counted once. Throws FeatherdetError for devices that are not known. */
export async function subnetCosts(net: ElasticNet, device?: string): Promise<SubnetCosts> {
  if (device === undefined) return { text: "GFLOPs", cost: subnetGflops(net) };
  const known = new Map<string, number>(), adapter = await modelOfAdapter(device);
  const of = (graph: Graph): number =>
    adapter
      ? predictFrame(graph, adapter, { scalar: "f32" }).deviceTime
      : predictLatency(graph, { device }).milliseconds;
  return {
    text: `milliseconds predicted for ${device}`,
    cost(point) {
      const key = pointKey(point), cost = known.get(key) ?? of(subnetOf(net, point));
      known.set(key, cost);
      return cost;
    },
  };
}

/** The point of one share of all widths, all branches, kernels and the size whole: uniform scaling. Throws FeatherdetError for another share. */
export function uniformPoint({ space: { dimensions } }: ElasticNet, share: number): Point {
  return dimensions.map(({ kind, values }) => {
    if (kind !== "width") return values.length - 1;
    const at = values.indexOf(share);
    if (at >= 0) return at;
    throw new FeatherdetError(`there is no width of ${share} in the elastic network: ${values.join(", ")}`);
  });
}

/** The problem that searches are handed. */
export function subnetProblem(
  net: ElasticNet,
  meter: SubnetMeter,
  { text, cost }: SubnetCosts,
  { share, metric = "map" }: Pick<SubnetSearchOptions, "share" | "metric">,
): SearchProblem {
  const whole = net.space.dimensions.map(({ values }) => values.length - 1);
  return {
    ...{ space: net.space, basis: `${meter.basis}; cost in ${text}`, most: share * cost(whole), cost, fill: true },
    aims: [{ name: metric, better: "more" }, { name: "cost", better: "less" }],
    evaluate: async (point) => [(await meter.score(await meter.take(point)))[metric], cost(point)],
  };
}

/**
 * Searches the best sub-network within a share of the whole one's cost. Trials of before are a search's history, so that a run that was
 * stopped goes on. Throws FeatherdetError for a share that no sub-network meets, and as the method does.
 */
export async function searchSubnet(
  net: ElasticNet,
  meter: SubnetMeter,
  costs: SubnetCosts,
  options: SubnetSearchOptions,
): Promise<FoundSubnet> {
  const { method: name = "evolution", evaluations = 60, sieve, seed = 0, ...rest } = options;
  const problem = subnetProblem(net, meter, costs, options), plain = searchMethod(name);
  const method = sieve === undefined ? plain : sieved(plain, {
    ...{ name: "entropy", of: sieve },
    score: (point) => entropyOf(subnetOf(net, point)).score,
  });
  const { history, onTrial, signal } = rest;
  const found = await runSearch(problem, { method, seed, evaluations, history, onTrial, signal });
  if (!found.best) return { ...found, problem };
  const made = await meter.take(found.best.point);
  const entry = historyEntry(
    "subnet",
    {
      ...{ point: namedPoint(net.space, found.best.point), method: method.name, evaluations, share: options.share },
    },
    net.graph,
    { seed },
  );
  return { ...found, problem, graph: withHistory(made, entry) };
}

/** A trial with what costs nothing to know of it. */
export interface SubnetRow {
  readonly name: string;
  readonly cost: number;
  readonly parameters: number;
  readonly entropy: number;
  readonly figures: Readonly<Record<string, number>>;
}

/** A sub-network as a row of a table. */
export function subnetRow(
  net: ElasticNet,
  { cost }: SubnetCosts,
  name: string,
  point: Point,
  figures: SubnetRow["figures"],
): SubnetRow {
  const graph = subnetOf(net, point);
  return { name, cost: cost(point), parameters: analyze(graph).parameters, entropy: entropyOf(graph).score, figures };
}

/** The trial as a row. */
export function trialRow(net: ElasticNet, costs: SubnetCosts, metric: string, trial: Trial): SubnetRow {
  return subnetRow(net, costs, `trial ${trial.number}`, trial.point, { [metric]: trial.values[0] });
}
