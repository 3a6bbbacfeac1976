/**
 * Keeps the inputs of a node apart where activations are a storage buffer: WebGPU refuses a dispatch that binds overlapping ranges
 * of a writable buffer twice. Read-only textures may overlap, so there nothing is to be done.
 *
 * @module
 */

import type { TensorType } from "../graph/mod.ts";
import { copyNode } from "./apply_views.ts";
import { type PlanNode, readsAs } from "./node.ts";
import type { ViewTable } from "./views.ts";

/** The nodes, with a copy before each that would read two overlapping views; `types` learns the copies. */
export function separateReads(
  nodes: readonly PlanNode[],
  views: ViewTable,
  types: Map<string, TensorType>,
): PlanNode[] {
  const range = (value: string) => {
    const { root, block } = views.resolve(value);
    return { root, start: block, end: block + Math.ceil(types.get(value)!.shape[1] / 4) };
  };
  const overlap = (a: string, b: string) => {
    const [x, y] = [range(a), range(b)];
    return x.root === y.root && x.start < y.end && y.start < x.end;
  };
  return nodes.flatMap((node) => {
    const renamed = new Map<string, string>();
    const copies: PlanNode[] = [];
    node.inputs.forEach((value, i) => {
      if (readsAs(node, value) !== "blocked") return;
      const earlier = node.inputs.slice(0, i).filter((other) => readsAs(node, other) === "blocked");
      if (!earlier.some((other) => overlap(other, value))) return;
      const copy = `${node.name}#apart${i}`;
      types.set(copy, types.get(value)!);
      copies.push(copyNode(value, copy));
      renamed.set(value, copy);
    });
    if (copies.length === 0) return [node];
    const kernels: PlanNode["kernels"] = (maker) =>
      node.kernels({ ...maker, operand: (value) => maker.operand(renamed.get(value) ?? value) });
    return [...copies, { ...node, inputs: node.inputs.map((value) => renamed.get(value) ?? value), kernels }];
  });
}
