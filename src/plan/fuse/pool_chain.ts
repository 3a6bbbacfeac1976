/**
 * Finds maximum poolings of maximum poolings, as in SPPF, and computes two or three of them in one dispatch.
 *
 * @module
 */

import type { GraphIndex, Node } from "../../graph/mod.ts";
import { poolChainKernel } from "../../kernels/pool_chain.ts";
import { fitsRowMemory } from "../choose_layout.ts";
import type { Composite } from "./composites.ts";

/** Widest window whose chain is written out. */
const WIDEST = 5;

/** Most poolings of a chain: with the input they are the storage textures that every adapter binds. */
const LONGEST = 3;

/** The side of the window, where a pooling keeps the map's size. */
function windowOf({ op, attributes }: Node): number | undefined {
  if (op !== "MaxPool") return undefined;
  const { kernel: [height, width], strides, dilations, pads } = attributes;
  const isPlain = height === width && height % 2 === 1 && height <= WIDEST &&
    pads.every((pad) => pad === (height - 1) / 2) &&
    [...strides, ...dilations].every((one) => one === 1);
  return isPlain ? height : undefined;
}

/** The poolings of equal windows that follow a node, itself included. */
function chainFrom(index: GraphIndex, first: Node): Node[] {
  const window = windowOf(first), chain = [first];
  while (chain.length < LONGEST) {
    const next = index.readersOf(chain.at(-1)!.outputs[0]).find((reader) => windowOf(reader) === window);
    if (next === undefined) break;
    chain.push(next);
  }
  return chain;
}

/** True where a value is made of bytes or made bytes of by a neighbour: then a pooling by itself takes that along. */
function isRequantized(index: GraphIndex, value: string): boolean {
  return index.producerOf(value)?.op === "DequantizeLinear" ||
    index.readersOf(value).some(({ op }) => op === "QuantizeLinear");
}

/** Chains of poolings in a graph. */
export function findPoolChains(index: GraphIndex): Composite[] {
  const taken = new Set<Node>();
  return index.graph.nodes.flatMap((first): Composite[] => {
    if (windowOf(first) === undefined || taken.has(first)) return [];
    const nodes = chainFrom(index, first), outputs = nodes.map((node) => node.outputs[0]);
    const [x] = first.inputs;
    const values = [x, ...outputs];
    if (nodes.length < 2 || index.isConstant(x)) return [];
    if (values.some((value) => !fitsRowMemory(index, value) || isRequantized(index, value))) return [];
    for (const node of nodes) taken.add(node);
    return [{
      nodes,
      node: {
        name: first.name,
        operator: nodes.map(({ op }) => op).join("+"),
        inputs: [x],
        outputs,
        reads: "blocked",
        writes: "blocked",
        macs: 0,
        kernels: ({ operand, pitch }) => [
          poolChainKernel({ x: operand(x), outputs: outputs.map(operand), window: windowOf(first)!, pitch }),
        ],
      },
    }];
  });
}
