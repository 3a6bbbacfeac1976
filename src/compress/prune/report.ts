/**
 * What pruning did, as plain data.
 *
 * @module
 */

import { analyze, type Graph } from "../../graph/mod.ts";
import type { CostModel } from "./select.ts";
import type { ShortenReport } from "./shorten.ts";
import type { WidthModel, Widths } from "./widths.ts";

/** Costs of a graph. */
export interface PruneCosts {
  /** Trained weights. */
  readonly parameters: number;
  /** Bytes of weights and running statistics. */
  readonly bytes: number;
  /** 10^9 floating-point operations of an input. */
  readonly gflops: number;
  /** Milliseconds of an input as they are predicted from measured layers; only where they were measured. */
  readonly latency?: number;
}

/** Widths and costs of a layer. */
export interface LayerCosts {
  /** Channels that it reads; 1 for a depthwise layer. */
  readonly inputs: number;
  /** Channels that it makes. */
  readonly outputs: number;
  /** 10^9 floating-point operations of an input. */
  readonly gflops: number;
  /** Milliseconds of an input, from the table of times; only where layers were timed, and of layers that are a dispatch of their own. */
  readonly milliseconds?: number;
}

/** What became of a layer. */
export interface PrunedLayer {
  /** Name of its node. */
  readonly name: string;
  /** What it was. */
  readonly before: LayerCosts;
  /** What it is: zeros where it is gone. */
  readonly after: LayerCosts;
}

/** What pruning did. */
export interface PruneReport {
  /** What channels were scored by. */
  readonly criterion: string;
  /** What was asked for: shares of costs. */
  readonly budget: Readonly<Record<string, number | undefined>>;
  /** The given graph. */
  readonly before: PruneCosts;
  /** The smaller one. */
  readonly after: PruneCosts;
  /** Coupling groups that could go, and those that went. */
  readonly groups: { readonly all: number; readonly removed: number };
  /** What became of the network's depth, where layers were to go. */
  readonly shortened?: ShortenReport;
  /** Every layer with weights, in order. */
  readonly layers: readonly PrunedLayer[];
}

/** Costs of a graph, as the analyser counts them. */
export function costsOf(graph: Graph): PruneCosts {
  const { parameters, bytes, flops } = analyze(graph);
  return { parameters, bytes, gflops: flops / 1e9 };
}

/** A graph, what layers are as wide as, and what times them. */
export interface ReportedState {
  /** The graph. */
  readonly graph: Graph;
  /** Widths of the model that it is, or that it was made from. */
  readonly model: WidthModel;
  /** How many groups are left of each bundle of that model. */
  readonly widths: Widths;
  /** Milliseconds by widths of that model, where layers are timed. */
  readonly latency?: CostModel;
}

function costsIn({ graph, widths, latency }: ReportedState): PruneCosts {
  return { ...costsOf(graph), ...(latency && { latency: latency.cost(widths) }) };
}

function layersIn({ model, widths, latency }: ReportedState): Map<string, LayerCosts> {
  const times = latency?.layers?.(widths);
  return new Map(
    model.layers(widths).map(({ name, ...costs }, i) => {
      const milliseconds = times?.[i];
      return [name, { ...costs, ...(milliseconds !== undefined && { milliseconds }) }];
    }),
  );
}

const groupsIn = ({ widths }: ReportedState) => widths.reduce((sum, width) => sum + width, 0);

/** What is left of a layer that is gone. */
const GONE: LayerCosts = { inputs: 0, outputs: 0, gflops: 0 };

/** Makes the report of a cut, or of all that happened between two states of a model. Layers have their names in common. */
export function pruneReport(
  before: ReportedState,
  after: ReportedState,
  how: Pick<PruneReport, "criterion" | "budget">,
): PruneReport {
  const left = layersIn(after), all = groupsIn(before);
  return {
    ...how,
    before: costsIn(before),
    after: costsIn(after),
    groups: { all, removed: all - groupsIn(after) },
    layers: [...layersIn(before)].map(([name, costs]) => ({ name, before: costs, after: left.get(name) ?? GONE })),
  };
}
