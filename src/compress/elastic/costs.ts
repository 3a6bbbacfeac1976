/**
 * What sub-networks cost, without taking them out: searches ask for hundreds of costs before they judge one candidate.
 *
 * @module
 */

import { GraphIndex, type Node } from "../../graph/mod.ts";
import { WidthModel } from "../prune/widths.ts";
import type { Point } from "../search/space.ts";
import { bundleKey, cutsOf, type ElasticNet } from "./net.ts";

/** Names of the nodes that outputs still need where sums of branches read their shortcuts alone. */
function nodesLeft(index: GraphIndex, shortcuts: ReadonlyMap<string, string>): Set<string> {
  const found = new Set<string>(), open: Node[] = [];
  const need = (value: string) => {
    const maker = index.producerOf(value);
    if (maker === undefined || found.has(maker.name)) return;
    found.add(maker.name);
    open.push(maker);
  };
  index.graph.outputs.forEach(need);
  while (open.length > 0) {
    const { name, inputs } = open.pop()!, shortcut = shortcuts.get(name);
    (shortcut === undefined ? inputs : [shortcut]).forEach(need);
  }
  return found;
}

/**
 * 10^9 floating-point operations of sub-networks, as `analyze` counts them of the plain graphs.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { analyze } from "../../graph/analyze.ts";
 * import { yolo11 } from "../../models/yolo11.ts";
 * import { subnetGflops } from "./costs.ts";
 * import { subnetOf } from "./extract.ts";
 * import { elasticNet } from "./net.ts";
 * const net = elasticNet(yolo11({ width: 0.0625, size: 64 }));
 * const smallest = net.space.dimensions.map(() => 0);
 * const counted = analyze(subnetOf(net, smallest)).flops / 1e9;
 * assert.ok(Math.abs(subnetGflops(net)(smallest) / counted - 1) < 1e-9);
 * ```
 */
export function subnetGflops(net: ElasticNet): (point: Point) => number {
  const { graph } = net, index = GraphIndex.of(graph), model = new WidthModel(graph);
  const bundleOf = new Map(model.bundles.map((bundle, number) => [bundleKey(bundle), number]));
  const weightOf = new Map(graph.nodes.map(({ name, inputs }) => [name, inputs[1]]));
  const rows = net.rows.flatMap(({ bundles }) => bundles), [{ shape: [, , side] }] = graph.inputs;
  return (point) => {
    const { groups, branches, kernels, size } = cutsOf(net, point), gone = new Set(groups);
    const widths = [...model.whole];
    for (const { bundle } of rows) {
      widths[bundleOf.get(bundleKey(bundle))!] = bundle.groups.filter((group) => !gone.has(group)).length;
    }
    const left = nodesLeft(index, new Map(branches.map(({ add, shortcut }) => [add.name, shortcut])));
    const whole = model.layers(widths).reduce((sum, { name, gflops }) => {
      if (!left.has(name)) return sum;
      const weight = weightOf.get(name)!, kernel = kernels.get(weight);
      return sum + (kernel === undefined ? gflops : gflops * (kernel / graph.constants.get(weight)!.shape[2]) ** 2);
    }, 0);
    return whole * (size / side) ** 2;
  };
}
