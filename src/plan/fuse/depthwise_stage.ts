/**
 * Depthwise convolutions as stages of the 1x1 convolutions that alone read them, where that is estimated to be faster.
 *
 * @module
 */

import { consumers, type Node, producers } from "../../graph/mod.ts";
import { depthwiseStageApplies, stagePays } from "../../kernels/depthwise_stage.ts";
import type { TypedGraph } from "../node.ts";
import type { FusedConvolution } from "./convolution.ts";

/**
 * Moves depthwise convolutions into the fused convolutions behind them; `byLast` holds those by their last nodes, and loses the ones
 * that are moved. `isFloat` is true of what is stored, and of constants that are kept, as floats. Gates, parts of the input and
 * residuals of the first stage have no room in the kernel.
 */
export function absorbDepthwise(
  { graph, types }: TypedGraph,
  byLast: Map<Node, FusedConvolution>,
  isFloat: (value: string) => boolean,
): void {
  const makers = producers(graph), readers = consumers(graph);
  const shapeOf = (value: string) => types.get(value)!.shape;
  const weightOf = ({ inputs: [, weight], attributes }: Node<"Conv">) => ({ attributes, weight: types.get(weight)! });
  for (const fused of byLast.values()) {
    const { conv, x: { value }, gate, residual, interleaved } = fused;
    const last = makers.get(value);
    const first = last && byLast.get(last);
    if (!last || !first || first.conv.op !== "Conv" || first.residual || first.interleaved || first.gate || gate) {
      continue;
    }
    if (first.cells || first.depthwise || readers.get(value)!.length > 1 || graph.outputs.includes(value)) continue;
    const [input, weight] = first.conv.inputs;
    if (![input, weight, conv.inputs[1]].every(isFloat)) continue;
    if (![weight, conv.inputs[1]].every((name) => graph.constants.has(name))) continue;
    // What is read twice would be bound twice.
    if ([residual?.value, interleaved?.value].includes(input)) continue;
    if (!depthwiseStageApplies(weightOf(first.conv), shapeOf(input)[1], weightOf(conv))) continue;
    const [, , height, width] = shapeOf(conv.outputs[0]);
    const output = { channels: shapeOf(conv.inputs[1])[0], height, width };
    if (!stagePays(shapeOf(weight)[2], first.conv.attributes.strides[0], output)) continue;
    byLast.delete(last);
    fused.x = first.x;
    fused.depthwise = { conv: first.conv, activation: first.activation };
    fused.nodes.unshift(...first.nodes);
  }
}
