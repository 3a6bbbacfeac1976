/**
 * The pass that changes nothing: an example to begin from. It returns the model as it is, and its report says what it saw.
 *
 * @module
 */

import { analyze } from "../graph/mod.ts";
import type { Pass } from "./pass.ts";

/** What the pass looks at. */
export interface NoopOptions {
  /** Whether to look at the model's outputs for samples too; false by default. */
  readonly look?: boolean;
}

/** An output over all samples. */
export interface SeenOutput {
  /** Name of the value. */
  readonly name: string;
  /** Least and greatest of its elements over all samples. */
  readonly range: readonly [low: number, high: number];
}

/** What the pass saw. */
export interface NoopReport {
  /** Nodes of the graph. */
  readonly nodes: number;
  /** Numbers that were learned. */
  readonly parameters: number;
  /** Bytes of everything that is stored for layers. */
  readonly bytes: number;
  /** Samples that were run; 0 without `look`. */
  readonly samples: number;
  /** The outputs, if samples were run. */
  readonly outputs: readonly SeenOutput[];
}

/** Changes nothing and reports what it saw. */
export const noopPass: Pass<NoopOptions, NoopReport> = {
  name: "noop",
  effect: "looks",
  needs: (graph, { look = false }) => look ? { value: graph.outputs } : {},
  apply(graph, statistics, { look = false }) {
    const { parameters, bytes } = analyze(graph);
    const outputs = (look ? graph.outputs : []).map((name): SeenOutput => {
      const { lows, highs } = statistics.of("value", name);
      return { name, range: [Math.min(...lows), Math.max(...highs)] };
    });
    return { graph, report: { nodes: graph.nodes.length, parameters, bytes, samples: statistics.samples, outputs } };
  },
};
