/**
 * What of a network can be left out or made smaller besides channels: branches beside a shortcut, and kernels of convolutions in them.
 *
 * @module
 */

import { type Graph, GraphIndex, isActivation, type Node, unaryRow } from "../graph/mod.ts";

/** A branch whose result is added to what it reads, and that ends in a BatchNormalization: without it the sum is its other operand. */
export interface Branch {
  /** The sum. */
  readonly add: Node<"Add">;
  /** The value that the branch reads and that is left without it. */
  readonly shortcut: string;
  /** The last normalisation: with a scale and bias of 0 the branch adds nothing. */
  readonly norm: Node<"BatchNormalization">;
  /** The convolution before it. */
  readonly last: Node<"Conv">;
  /** The first convolution of the branch whose kernel has a centre and can be cropped; undefined where there is none. */
  readonly kernel?: Node<"Conv">;
}

/** Activations that make 0 of 0. */
function keepsZero(node: Node | undefined): boolean {
  if (node === undefined || !isActivation(node.op)) return false;
  const value = unaryRow(node.op).value as (x: number, attributes: unknown) => number;
  return value(0, node.attributes) === 0;
}

/** The nodes that a value is made by. */
function makersOf(index: GraphIndex, value: string): Set<Node> {
  const found = new Set<Node>(), open = [value];
  while (open.length > 0) {
    const maker = index.producerOf(open.pop()!);
    if (maker === undefined || found.has(maker)) continue;
    found.add(maker);
    open.push(...maker.inputs);
  }
  return found;
}

/** The normalisation that makes a value, with an activation behind it that keeps 0, if nothing else reads in between. */
function normBefore(index: GraphIndex, value: string): Node<"BatchNormalization"> | undefined {
  const maker = index.producerOf(value), norm = keepsZero(maker) ? index.producerOf(maker!.inputs[0]) : maker;
  if (norm?.op !== "BatchNormalization" || index.isOutput(norm.outputs[0])) return undefined;
  if (norm !== maker && index.soleReader(norm.outputs[0]) !== maker) return undefined;
  return norm.inputs.slice(1).every((name) => index.isConstant(name)) ? norm : undefined;
}

/** Whether a kernel can be cropped around its centre with nothing else changing: of odd sides, with as much padding, at stride 1. */
function hasCentre(index: GraphIndex, node: Node): node is Node<"Conv"> {
  if (node.op !== "Conv" || !index.isConstant(node.inputs[1])) return false;
  const { strides, dilations, groups, pads } = node.attributes, [, , height, width] = index.shapeOf(node.inputs[1]);
  return groups === 1 && height === width && height > 1 && height % 2 === 1 &&
    [...strides, ...dilations].every((one) => one === 1) && pads.every((pad) => pad === height >> 1);
}

/**
 * The branches of a graph in the order of its nodes.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../models/yolo11.ts";
 * import { branchesOf } from "./residual_branches.ts";
 * const branches = branchesOf(yolo11({ size: 64 }));
 * assert.deepEqual(branches.map(({ add }) => add.name).slice(0, 3), [
 *   "model.2.m.0.add", "model.4.m.0.add", "model.6.m.0.m.0.add",
 * ]);
 * ```
 */
export function branchesOf(graph: Graph): Branch[] {
  const index = GraphIndex.of(graph);
  return graph.nodes.flatMap((add): Branch[] => {
    if (add.op !== "Add" || add.inputs.some((value) => index.isConstant(value))) return [];
    const shape = index.shapeOf(add.outputs[0]).join();
    if (add.inputs[0] === add.inputs[1] || add.inputs.some((value) => index.shapeOf(value).join() !== shape)) return [];
    const [first, second] = add.inputs;
    for (const [shortcut, value] of [[first, second], [second, first]]) {
      if (index.soleReader(value) !== add) continue;
      const norm = normBefore(index, value), last = norm && index.producerOf(norm.inputs[0]);
      if (last?.op !== "Conv") continue;
      const makers = makersOf(index, value), before = makersOf(index, shortcut), start = index.producerOf(shortcut);
      const reads = start === undefined
        ? [...makers].some(({ inputs }) => inputs.includes(shortcut))
        : makers.has(start);
      if (!reads) continue;
      const within = graph.nodes.filter((node) => makers.has(node) && !before.has(node));
      const kernel = within.find((node) => hasCentre(index, node)) as Node<"Conv"> | undefined;
      return [{ add, shortcut, norm: norm!, last, ...(kernel && { kernel }) }];
    }
    return [];
  });
}
