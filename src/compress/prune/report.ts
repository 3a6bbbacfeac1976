/**
 * What pruning did, as plain data.
 *
 * @module
 */

import { analyze, type Graph } from "../../graph/mod.ts";
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

/** What became of a layer. */
export interface PrunedLayer {
  /** Name of its node. */
  readonly name: string;
  /** Channels that it reads (1 for a depthwise layer) and makes, before. */
  readonly before: { readonly inputs: number; readonly outputs: number; readonly gflops: number };
  /** The same after. */
  readonly after: { readonly inputs: number; readonly outputs: number; readonly gflops: number };
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
  /** Every layer with weights, in order. */
  readonly layers: readonly PrunedLayer[];
}

/** Costs of a graph, as the analyser counts them. */
export function costsOf(graph: Graph): PruneCosts {
  const { parameters, bytes, flops } = analyze(graph);
  return { parameters, bytes, gflops: flops / 1e9 };
}

/** Makes the report of a cut. */
export function pruneReport(
  model: WidthModel,
  widths: Widths,
  { before, after }: { readonly before: Graph; readonly after: Graph },
  how: Pick<PruneReport, "criterion" | "budget">,
): PruneReport {
  const whole = model.layers(model.whole), left = model.layers(widths);
  const count = (of: Widths) => of.reduce((sum, width) => sum + width, 0);
  return {
    ...how,
    before: costsOf(before),
    after: costsOf(after),
    groups: { all: count(model.whole), removed: count(model.whole) - count(widths) },
    layers: whole.map(({ name, ...costs }, i) => {
      const { name: _, ...rest } = left[i];
      return { name, before: costs, after: rest };
    }),
  };
}
