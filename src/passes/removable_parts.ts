/**
 * Parts of a network that it can be without, each with layers of its own: what ends in a sum beside a shortcut, and what ends in a Concat
 * beside other channels.
 *
 * @module
 */

import { analyze, type Graph, GraphIndex } from "../graph/mod.ts";
import { dropConcatInputs, isReadByConvs } from "./concat_inputs.ts";
import { removeBranches } from "./remove_branches.ts";
import { type Branch, branchesOf } from "./residual_branches.ts";

/** A part of a network that can go. */
export interface Part {
  /** The sum that it ends in, or the Concat and its place there: `model.2.m.0.add`, `model.2.concat[2]`. */
  readonly name: string;
  /** How many layers with weights go with it, if it goes alone. */
  readonly layers: number;
  /** The branch that ends in a sum; undefined for a part that ends in a Concat. */
  readonly branch?: Branch;
  /** Name of the Concat, and which of its inputs the part makes; undefined for a part that ends in a sum. */
  readonly input?: readonly [concat: string, place: number];
}

/** How many layers with weights a graph has: convolutions and matrix products. */
export const countLayers = (graph: Graph): number => analyze(graph).layers.filter(({ flops }) => flops > 0).length;

/**
 * The graph without parts, all of which are of this graph: sums are their shortcuts, Concats lack inputs, and what nobody reads any more is
 * gone. It computes what the whole network does where the results of those parts are 0. Names stay, and so do running statistics: measure
 * them anew.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../models/yolo11.ts";
 * import { countLayers, partsOf, removeParts } from "./removable_parts.ts";
 * const model = yolo11({ size: 64 }), bottlenecks = partsOf(model).filter(({ name }) => /^model.[24].m.0.add$/.test(name));
 * assert.equal(countLayers(removeParts(model, bottlenecks)), countLayers(model) - 2 * 2);
 * ```
 *
 * Throws FeatherdetError for parts of another graph, and where a Concat would have no input left.
 */
export function removeParts(graph: Graph, parts: readonly Part[]): Graph {
  if (parts.length === 0) return graph;
  const dropped = new Map<string, Set<number>>();
  for (const { input } of parts) {
    if (input) dropped.set(input[0], (dropped.get(input[0]) ?? new Set()).add(input[1]));
  }
  const narrower = dropConcatInputs(graph, dropped), left = new Set(narrower.nodes.map(({ name }) => name));
  // Branches within a part that ended in a Concat are gone with it.
  const branches = parts.flatMap(({ branch }) => branch && left.has(branch.add.name) ? [branch] : []);
  return dropConcatInputs(removeBranches(narrower, branches));
}

/**
 * The parts of a graph that can go with at least one layer, in the order of the nodes that they end in. One may lie within another.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../models/yolo11.ts";
 * import { partsOf } from "./removable_parts.ts";
 * const names = partsOf(yolo11({ size: 64 })).map(({ name }) => name);
 * assert.ok(names.includes("model.2.m.0.add") && names.includes("model.2.concat[2]"));
 * ```
 */
export function partsOf(graph: Graph): Part[] {
  const index = GraphIndex.of(graph), all = countLayers(graph);
  const branches = new Map(branchesOf(graph).map((branch) => [branch.add.name, branch]));
  return graph.nodes.flatMap((node): Part[] => {
    const { name } = node, branch = branches.get(name);
    if (branch) return [{ name, branch, layers: all - countLayers(removeBranches(graph, [branch])) }];
    if (!isReadByConvs(index, node)) return [];
    const places = node.inputs.length > 1 ? [...node.inputs.keys()] : [];
    return places.flatMap((place): Part[] => {
      const layers = all - countLayers(dropConcatInputs(graph, new Map([[name, new Set([place])]])));
      return layers > 0 ? [{ name: `${name}[${place}]`, input: [name, place], layers }] : [];
    });
  });
}
