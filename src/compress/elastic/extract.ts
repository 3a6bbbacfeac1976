/**
 * Sub-networks taken out of an elastic network as plain graphs.
 *
 * @module
 */

import type { Constant, Graph } from "../../graph/mod.ts";
import { changeShapes, removeBranches, removeChannels } from "../../passes/mod.ts";
import type { Point } from "../search/space.ts";
import { cutsOf, type ElasticNet } from "./net.ts";

/** The weight with the middle of its kernels alone. */
function cropped({ dtype, shape, data }: Constant, side: number): Constant {
  const [outputs, inputs, whole] = shape, from = whole - side >> 1;
  const made = data.slice(0, outputs * inputs * side * side);
  for (let at = 0; at < made.length; at++) {
    const [kernel, row, column] = [Math.floor(at / side ** 2), Math.floor(at / side) % side, at % side];
    made[at] = data[(kernel * whole + from + row) * whole + from + column];
  }
  return { dtype, shape: [outputs, inputs, side, side], data: made };
}

function withKernels(graph: Graph, kernels: ReadonlyMap<string, number>): Graph {
  if (kernels.size === 0) return graph;
  const constants = new Map(graph.constants);
  for (const [weight, side] of kernels) constants.set(weight, cropped(constants.get(weight)!, side));
  const nodes = graph.nodes.map((node) => {
    const side = node.op === "Conv" ? kernels.get(node.inputs[1]) : undefined;
    if (node.op !== "Conv" || side === undefined) return node;
    const pad = side >> 1;
    return { ...node, attributes: { ...node.attributes, pads: [pad, pad, pad, pad] as const } };
  });
  return { ...graph, nodes, constants };
}

/**
 * The sub-network of a point as a plain graph: fewer channels, branches and taps are there, no mask is left. Names of nodes, values and
 * constants stay. `source` is the network with other weights, as after training, at any batch; the net's own by default. Its running
 * statistics are those of the whole: measure them anew before it is judged (`reestimateStatistics`).
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../../models/yolo11.ts";
 * import { elasticNet } from "./net.ts";
 * import { subnetOf } from "./extract.ts";
 * const net = elasticNet(yolo11({ size: 64 }), { widths: [0.5, 1] });
 * const smallest = subnetOf(net, net.space.dimensions.map(() => 0));
 * assert.deepEqual(smallest.constants.get("model.0.conv.weight")!.shape, [8, 3, 3, 3]);
 * assert.ok(!smallest.nodes.some(({ name }) => name === "model.2.m.0.add"));
 * ```
 *
 * Throws FeatherdetError for a source of another structure.
 */
export function subnetOf(net: ElasticNet, point: Point, source: Graph = net.graph): Graph {
  const { groups, branches, kernels, size } = cutsOf(net, point);
  const cut = removeBranches(withKernels(removeChannels(source, groups), kernels), branches);
  const [{ name, shape }] = cut.inputs;
  return shape[2] === size ? cut : changeShapes(cut, { [name]: [...shape.slice(0, 2), size, size] });
}
