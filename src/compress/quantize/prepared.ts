/**
 * A graph as quantization wants it, made at once: what `foldPass` and `recognisePass` make in a pipeline.
 *
 * @module
 */

import { type Graph, verify } from "../../graph/mod.ts";
import { foldBatchNormalization, recogniseActivations } from "../../passes/mod.ts";
import { refuseQuantized } from "./refuse_quantized.ts";

/**
 * The graph as quantization wants it: without BatchNormalization after convolutions, activations as one node each. Throws
 * FeatherdetError for a graph that is quantized already.
 */
export function prepared(graph: Graph): Graph {
  verify(graph);
  refuseQuantized(graph);
  return recogniseActivations(foldBatchNormalization(graph));
}
