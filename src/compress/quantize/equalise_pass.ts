/**
 * Equalising pairs of layers as a pass.
 *
 * @module
 */

import type { Pass } from "../pass.ts";
import { equalise } from "./equalise.ts";
import { refuseQuantized } from "./refuse_quantized.ts";

/** Whether pairs are equalised. */
export interface EqualiseOptions {
  /** False leaves the graph as it is: for pipelines that are written once for both. */
  readonly equalise: boolean;
}

/** What equalising did; undefined if it was switched off. */
export type EqualiseReport = { readonly pairs: number } | undefined;

/** Scales the channels between two convolutions so that the weights of both use their range alike; see `equalise`. */
export const equalisePass: Pass<EqualiseOptions, EqualiseReport> = {
  name: "equalise",
  needs(graph) {
    refuseQuantized(graph);
    return {};
  },
  apply(graph, _, options) {
    if (!options.equalise) return { graph, report: undefined };
    const { graph: made, pairs } = equalise(graph);
    return { graph: made, report: { pairs } };
  },
  described: (_, report) => ({ pairs: report?.pairs }),
};
