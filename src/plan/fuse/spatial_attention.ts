/**
 * Finds the spatial attention of CBAM (Woo et al. 2018) and computes it in two dispatches:
 *
 * z = x * gate [N,C,1,1] -> mean and maximum over channels -> Concat [N,2,H,W]
 * Concat -> K x K convolution to one channel -> activation -> z * this gate of each pixel
 *
 * @module
 */

import type { GraphIndex, Node } from "../../graph/mod.ts";
import { activationOf, NO_ACTIVATION } from "../../kernels/activation.ts";
import { spatialGateKernel, statisticsKernel } from "../../kernels/spatial_attention.ts";
import type { Composite } from "./composites.ts";

/** Largest kernel that is written out: a row of it is flat in the shader. */
const LARGEST = 11;

/** Finds the mean and the maximum of channels that a Concat puts side by side, and the gate before them. */
export function findChannelStatistics(index: GraphIndex): Composite[] {
  const { graph } = index;
  const shapeOf = (value: string) => index.shapeOf(value);
  const overChannels = (node: Node | undefined): node is Node<"ReduceMean" | "ReduceMax"> =>
    (node?.op === "ReduceMean" || node?.op === "ReduceMax") && node.attributes.keepDims &&
    node.attributes.axes.join() === "1";
  return graph.nodes.flatMap((concat): Composite[] => {
    if (concat.op !== "Concat" || concat.attributes.axis !== 1 || concat.inputs.length !== 2) return [];
    const parts = concat.inputs.map((value) => index.producerOf(value));
    const [first, second] = parts;
    if (!overChannels(first) || !overChannels(second) || first.op === second.op) return [];
    const [value] = first.inputs;
    if (second.inputs[0] !== value || graph.constants.has(value) || shapeOf(value).length !== 4) return [];
    const [statistics] = concat.outputs;
    const mul = index.producerOf(value);
    const [batch, channels] = shapeOf(value);
    const gate = mul?.op === "Mul"
      ? mul.inputs.find((name) => shapeOf(name).join() === [batch, channels, 1, 1].join())
      : undefined;
    const map = mul?.inputs.find((name) => name !== gate);
    const gated = gate !== undefined && map !== undefined && !graph.constants.has(gate) && !graph.constants.has(map) &&
        shapeOf(map).join() === shapeOf(value).join()
      ? { x: map, gate, mul: mul! }
      : undefined;
    const x = gated?.x ?? value;
    return [{
      nodes: [...gated ? [gated.mul] : [], first, second, concat],
      node: {
        name: concat.name,
        operator: gated ? "Mul+ChannelStatistics" : "ChannelStatistics",
        inputs: gated ? [x, gated.gate] : [x],
        outputs: gated ? [value, statistics] : [statistics],
        reads: "blocked",
        writes: "blocked",
        macs: 0,
        kernels: ({ operand, pitch }) => [
          statisticsKernel({
            x: operand(x),
            statistics: operand(statistics),
            maximumFirst: first.op === "ReduceMax",
            gated: gated && { gate: operand(gated.gate), output: operand(value) },
            pitch,
          }),
        ],
      },
    }];
  });
}

/** Finds convolutions from two channels to one that gate each pixel of a map. */
export function findSpatialGates(index: GraphIndex): Composite[] {
  const { graph } = index;
  const shapeOf = (value: string) => index.shapeOf(value);
  return graph.nodes.flatMap((conv): Composite[] => {
    if (conv.op !== "Conv" || conv.attributes.groups !== 1) return [];
    const { strides, dilations, pads } = conv.attributes;
    const [weight, bias] = conv.inputs.slice(1).map((name) => graph.constants.get(name)?.data);
    const [outputs, inputs, kernel, across] = shapeOf(conv.inputs[1]);
    if (outputs !== 1 || inputs !== 2 || kernel !== across || kernel > LARGEST) return [];
    if ([...strides, ...dilations].some((step) => step !== 1) || !(weight instanceof Float32Array)) return [];
    if (conv.inputs.length > 2 && bias === undefined) return [];
    const next = index.soleReader(conv.outputs[0]);
    const activation = next && activationOf(next);
    const gate = activation ? next!.outputs[0] : conv.outputs[0];
    const mul = index.soleReader(gate);
    const x = mul?.op === "Mul" ? mul.inputs.find((value) => value !== gate) : undefined;
    const [statistics] = conv.inputs;
    if (mul === undefined || x === undefined || graph.constants.has(x) || x === statistics) return [];
    const [batch, channels, ...pixels] = shapeOf(x);
    // A map of one channel is a product of equals, either of which could be the gate.
    if (shapeOf(gate).join() !== [batch, 1, ...pixels].join() || channels === undefined) return [];
    const [output] = mul.outputs;
    return [{
      nodes: [conv, ...activation ? [next!] : [], mul],
      node: {
        name: conv.name,
        operator: "SpatialGate",
        inputs: [statistics, x],
        outputs: [output],
        reads: "blocked",
        writes: "blocked",
        macs: batch * 2 * kernel * kernel * pixels[0] * pixels[1],
        kernels: ({ operand, pitch }) => [
          spatialGateKernel({
            x: operand(x),
            statistics: operand(statistics),
            y: operand(output),
            weight,
            bias: bias?.[0] ?? 0,
            kernel,
            pad: [pads[1], pads[0]],
            activation: activation ?? NO_ACTIVATION,
            pitch,
          }),
        ],
      },
    }];
  });
}
