/**
 * Removes the nodes that move no data: Split and Concat become views in row memory, Reshape an alias of a plain value.
 *
 * @module
 */

import type { Graph, TensorType } from "../graph/mod.ts";
import { copyBlocked } from "../kernels/layout.ts";
import { converted } from "./convert.ts";
import { channelOffsets } from "./fuse/convolution.ts";
import type { PlanNode } from "./node.ts";
import { placeConcat, placeConcatOver, placeSplit, ViewTable } from "./views.ts";

/** Copies a blocked value, for a Concat part that cannot be written in place. */
export function copyNode(value: string, copy: string): PlanNode {
  return {
    name: copy,
    operator: "Copy",
    inputs: [value],
    outputs: [copy],
    reads: "blocked",
    writes: "blocked",
    macs: 0,
    kernels: ({ operand, pitch }) => [copyBlocked(operand(value), operand(copy), pitch)],
  };
}

/** What is left to compute, and where the rest lies. */
export interface Viewed {
  nodes: PlanNode[];
  views: ViewTable;
  aliases: Map<string, string>;
}

/** Turns nodes that move no data into views and aliases. */
export function applyViews(nodes: readonly PlanNode[], graph: Graph, types: Map<string, TensorType>): Viewed {
  const views = new ViewTable();
  const aliases = new Map<string, string>();
  const fixed = new Set(graph.inputs.map(({ name }) => name));
  const kept = new Set([...fixed, ...graph.outputs, ...graph.outputs.map((value) => converted(value, "plain"))]);
  const byName = new Map(graph.nodes.map((node) => [node.name, node] as const));
  const result: PlanNode[] = [];
  for (const node of nodes) {
    if (node.view === "split") {
      // The plan node may have some of the outputs only.
      const source = byName.get(node.name)!, offsets = channelOffsets(source)!;
      placeSplit(views, node, node.outputs.map((output) => offsets[source.outputs.indexOf(output)]));
    } else if (node.view === "reshape") aliases.set(node.outputs[0], aliases.get(node.inputs[0]) ?? node.inputs[0]);
  }
  for (const node of nodes) {
    if (node.view === "split" || node.view === "reshape") continue;
    if (node.view !== "concat") {
      result.push(node);
      continue;
    }
    const source = byName.get(node.name)!;
    // Inputs of a plan node are unique; a Concat may name one value twice.
    const parts = source.inputs.map((value) =>
      types.has(converted(value, "blocked")) ? converted(value, "blocked") : value
    );
    if (placeConcatOver(views, { ...node, inputs: parts }, types, nodes, kept)) continue;
    const copies = placeConcat(views, { ...node, inputs: parts }, types, fixed);
    let block = 0;
    parts.forEach((part, i) => {
      if (copies.includes(i)) {
        const copy = `${node.outputs[0]}#part${i}`;
        types.set(copy, types.get(part)!);
        result.push(copyNode(part, copy));
        views.set(copy, node.outputs[0], block);
      }
      block += Math.ceil(types.get(part)!.shape[1] / 4);
    });
  }
  return { nodes: result, views, aliases };
}
