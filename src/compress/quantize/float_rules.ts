/**
 * What stays in float, by rule.
 *
 * The preset `yolo11` is told from the graph, not from names: the parts of a detector in which int8 costs most are its first layer, the
 * layers that nothing but decoding follows, the expectation over a softmax (DFL), and the core of attention. `sensitivity` measures on
 * a model whether they are. Gates of channels stay in float too: they are next to no work, and a kernel of their own computes them.
 *
 * @module
 */

import { type Graph, GraphIndex, type Node } from "../../graph/mod.ts";
import type { FloatRule } from "./placement.ts";
import { QUANTIZATION_RULES } from "./rules.ts";

/** Why gates of channels compute in float; their weights, which may be many, are stored in int8 all the same. */
export const GATE = "gate of channels: only its weights are int8";

/** Layers that stay in float: a preset's name, or a function that is called for each node. */
export type FloatOption = "yolo11" | "none" | ((node: Node) => boolean);

const isLayer = (node: Node) => QUANTIZATION_RULES[node.op] === "layer";

/** Nodes that can be reached from a node without passing another layer, itself not among them. */
function reachable(start: Node, next: (node: Node) => readonly Node[]): Set<Node> {
  const seen = new Set<Node>();
  const waiting = [...next(start)];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    if (!isLayer(node)) waiting.push(...next(node));
  }
  return seen;
}

/** Reasons for nodes of a detector to stay in float, by node. */
export function detectorFloat(graph: Graph): Map<Node, string> {
  const index = GraphIndex.of(graph);
  const before = (node: Node) => index.producersBefore(node);
  const after = (node: Node) => index.readersBehind(node);
  const reasons = new Map<Node, string>();
  const layers = graph.nodes.filter(isLayer);
  const isProduct = (node: Node) => isLayer(node) && !node.inputs.some((name) => index.isConstant(name));

  const isGate = ({ op, inputs: [x], outputs: [y] }: Node) =>
    op === "Conv" && [x, y].every((name) => index.shapeOf(name).slice(2).every((extent) => extent === 1));
  const isDfl = (node: Node) => node.op === "Conv" && before(node).some(({ op }) => op === "Softmax");
  for (const node of layers) {
    if (isDfl(node)) reasons.set(node, "expectation over a softmax (DFL)");
    else if (isProduct(node)) reasons.set(node, "product of attention");
    else if (isGate(node)) reasons.set(node, GATE);
  }
  // What lies before the products: queries, keys and values, each cut out and turned.
  const core = new Set(layers.filter(isProduct).flatMap((node) => [...reachable(node, before)]));
  for (const node of layers) {
    if (reasons.has(node)) continue;
    if ([...reachable(node, before)].some((one) => !isLayer(one) && core.has(one))) {
      reasons.set(node, "reads the values of attention");
      continue;
    }
    const isFirst = [node, ...reachable(node, before)].some((one) =>
      (one === node || !isLayer(one)) && one.inputs.some((name) => index.isInput(name))
    );
    const isLast = [...reachable(node, after)].every((one) => !isLayer(one) || isDfl(one));
    if (isFirst) reasons.set(node, "first layer");
    else if (isLast) reasons.set(node, "last layer before decoding");
  }
  return reasons;
}

/** The rule for an option. */
export function floatRule(graph: Graph, option: FloatOption): FloatRule {
  if (option === "none") return () => undefined;
  if (option === "yolo11") {
    const reasons = detectorFloat(graph);
    return (node) => reasons.get(node);
  }
  return (node) => option(node) ? "by request" : undefined;
}
