/**
 * Whether a network has so few operations that runs of it end before the kernels that run fastest are compiled.
 *
 * @module
 */

import { analyze } from "../graph/analyze.ts";
import { isConvolution } from "../graph/analyze_bits.ts";
import type { Graph, Node } from "../graph/mod.ts";

/**
 * Multiply-accumulates of convolutions below which a network is small. On llvmpipe the kernels that run quickly take ten seconds or more
 * longer to compile, and save some tens of milliseconds a run at this size.
 */
const FEW_MACS = 1e8;

/** Whether the convolutions of a graph, of those that count, have few operations. */
export function hasFewOperations(graph: Graph, counts: (convolution: Node) => boolean = () => true): boolean {
  const macs = analyze(graph).layers
    .filter((_, at) => isConvolution(graph.nodes[at]) && counts(graph.nodes[at]))
    .reduce((sum, { macs }) => sum + macs, 0);
  return macs < FEW_MACS;
}
