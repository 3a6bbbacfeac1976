/**
 * Graphs of seeded random topology: values that several nodes read, that a node reads twice, that nobody reads, and that leave the graph
 * from the middle.
 *
 * @module
 */

import { type Graph, inferNode, type Node, type Shape, type TensorType } from "../../src/graph/mod.ts";
import { seededRandom } from "./random.ts";
import { graphOf, node, PLAIN, weight } from "./tiny_graph.ts";

/** A valid graph of about `count` nodes over maps of 5x3 pixels; the reference computes it in no time. */
export function randomGraph(seed: number, count = 24): Graph {
  const random = seededRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const inputs: Record<string, Shape> = { x0: [1, 4, 5, 3] };
  if (random() < 0.5) inputs.x1 = [1, 3, 5, 3];
  const constants = { k0: weight([1, 4, 1, 1], seed), k1: weight([1, 1, 1, 1], seed + 1) };
  const types = new Map<string, TensorType>();
  for (const [name, shape] of Object.entries(inputs)) types.set(name, { dtype: "f32", shape });
  for (const [name, { dtype, shape }] of Object.entries(constants)) types.set(name, { dtype, shape });
  const maps = Object.keys(inputs), nodes: Node[] = [];
  const weights: Record<string, ReturnType<typeof weight>> = { ...constants };
  const channels = (value: string) => types.get(value)!.shape[1];
  const like = (value: string) => {
    const same = maps.filter((other) => channels(other) === channels(value));
    return same[below(same.length)];
  };
  const add = (made: Node) => {
    const outputs = inferNode(made, made.inputs.map((name) => types.get(name)!));
    made.outputs.forEach((name, i) => types.set(name, outputs[i]));
    maps.push(...made.outputs);
    nodes.push(made);
  };
  for (let i = 0; i < count; i++) {
    // The latest values are the likeliest, so that there are chains.
    const x = maps[Math.max(0, maps.length - 1 - below(Math.min(maps.length, 6)))];
    const y = `v${i}`;
    switch (below(7)) {
      case 0:
        add(node("Relu", [x], [y], {}));
        break;
      case 1:
        add(node("Sigmoid", [x], [y], {}));
        break;
      case 2:
        add(node("Add", [x, like(x)], [y], {}));
        break;
      case 3:
        add(node("Mul", [x, random() < 0.5 ? like(x) : channels(x) === 4 ? "k0" : "k1"], [y], {}));
        break;
      case 4:
        add(node("Concat", [x, maps[below(maps.length)]], [y], { axis: 1 }));
        break;
      case 5: {
        const first = 1 + below(channels(x) - 1);
        if (channels(x) < 2) add(node("Tanh", [x], [y], {}));
        else add(node("Split", [x], [y, `${y}b`], { axis: 1, sizes: [first, channels(x) - first] }));
        break;
      }
      default: {
        const out = 1 + below(6);
        const shape = [out, channels(x), 1, 1];
        weights[`w${i}`] = weight(shape, seed + i);
        types.set(`w${i}`, { dtype: "f32", shape });
        add(node("Conv", [x, `w${i}`], [y], { ...PLAIN, groups: 1 }));
      }
    }
  }
  const outputs = new Set([maps.at(-1)!, maps[below(maps.length)], nodes[below(nodes.length)].outputs[0]]);
  return graphOf(inputs, [...outputs], nodes, weights);
}
