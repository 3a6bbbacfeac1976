/**
 * Finds the gates of squeeze-and-excitation and computes them in one dispatch, of a single workgroup an image:
 *
 * x [N,C,H,W] -> mean over H, W -> 1x1 convolution -> activation -> 1x1 convolution -> activation -> gate [N,C',1,1]
 *
 * The product of map and gate is left to what follows (a convolution takes it along, see `lower.ts`). Where the mean is read by
 * others too, or the map is so large that many workgroups should sum it, the mean stays a step of its own.
 *
 * @module
 */

import { consumers, type Node, producers } from "../../graph/mod.ts";
import { activationOf, NO_ACTIVATION } from "../../kernels/activation.ts";
import type { Target } from "../../kernels/conv_tile.ts";
import {
  type ChannelProduct,
  squeezeExciteApplies,
  squeezeExciteKernel,
  squeezesAtOnce,
} from "../../kernels/squeeze_excite.ts";
import type { PlanNode, TypedGraph } from "../node.ts";
import type { Composite } from "./composites.ts";

/** Finds every pair of such products of the graph. */
export function findSqueezeExcite(typed: TypedGraph, target: Target): Composite[] {
  const find = finder(typed, target);
  return typed.graph.nodes.flatMap((node) => find(node) ?? []);
}

/** True for a mean over height and width that keeps both axes. */
function isMean(node: Node | undefined): node is Node<"GlobalAveragePool" | "ReduceMean"> {
  if (node?.op === "ReduceMean") return node.attributes.keepDims && node.attributes.axes.join() === "2,3";
  return node?.op === "GlobalAveragePool";
}

function finder({ graph, types }: TypedGraph, target: Target): (node: Node) => Composite | undefined {
  const makers = producers(graph), readers = consumers(graph);
  const shapeOf = (value: string) => types.get(value)!.shape;

  /** The only reader of a value that does not leave the graph. */
  const soleReader = (value: string): Node | undefined => {
    const list = readers.get(value)!;
    return list.length === 1 && !graph.outputs.includes(value) ? list[0] : undefined;
  };

  /** A 1x1 convolution of a map of one pixel, with the activation behind it. */
  const productOf = (node: Node | undefined): { product: ChannelProduct; nodes: Node[]; output: string } | undefined => {
    if (node?.op !== "Conv" || node.attributes.groups !== 1) return undefined;
    const [weight, bias] = node.inputs.slice(1).map((name) => graph.constants.get(name)?.data);
    const [outputs, inputs, kh, kw] = shapeOf(node.inputs[1]);
    const pixels = [node.inputs[0], node.outputs[0]].flatMap((value) => shapeOf(value).slice(2));
    if (kh * kw !== 1 || pixels.some((extent) => extent !== 1) || node.attributes.pads.some((pad) => pad !== 0)) {
      return undefined;
    }
    if (!(weight instanceof Float32Array) || node.inputs.length > 2 && !(bias instanceof Float32Array)) return undefined;
    const next = soleReader(node.outputs[0]);
    const activation = next && activationOf(next);
    // Spare channels hold zero before the activation and must stay finite after it.
    const follows = activation !== undefined && activation.name !== "Log";
    return {
      product: {
        weight,
        bias: bias as Float32Array | undefined,
        inputs,
        outputs,
        activation: follows ? activation : NO_ACTIVATION,
      },
      nodes: follows ? [node, next!] : [node],
      output: follows ? next!.outputs[0] : node.outputs[0],
    };
  };

  return (first) => {
    const squeeze = productOf(first);
    const excite = squeeze && productOf(soleReader(squeeze.output));
    if (!squeeze || !excite || !squeezeExciteApplies(squeeze.product, excite.product)) return undefined;
    const mean = first.inputs[0];
    const pool = makers.get(mean);
    if (!isMean(pool) || graph.constants.has(pool.inputs[0])) return undefined;
    const atOnce = soleReader(mean) !== undefined && squeezesAtOnce(shapeOf(pool.inputs[0]), target);
    const x = atOnce ? pool.inputs[0] : mean;
    const node: PlanNode = {
      name: first.name,
      operator: "SqueezeExcite",
      inputs: [x],
      outputs: [excite.output],
      reads: "blocked",
      writes: "blocked",
      macs: shapeOf(mean)[0] * (squeeze.product.weight.length + excite.product.weight.length),
      kernels: ({ operand, pitch }) => [
        squeezeExciteKernel({
          x: operand(x),
          y: operand(excite.output),
          squeeze: squeeze.product,
          excite: excite.product,
          pitch,
          target,
        }),
      ],
    };
    return { node, nodes: [...atOnce ? [pool] : [], ...squeeze.nodes, ...excite.nodes] };
  };
}
