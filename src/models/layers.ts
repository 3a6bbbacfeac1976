/**
 * A graph seen as layers with weights: each convolution or matrix product with its bias and the BatchNormalization after it.
 *
 * @module
 */

import type { Graph } from "../graph/graph.ts";
import { GraphIndex } from "../graph/graph_index.ts";
import type { Node } from "../graph/operators.ts";

/** A layer; weights are given by the names of their constants. */
export interface Layer {
  /** Name of its weight without `.weight`: where built models and exports keep the path of the module. */
  readonly path: string;
  readonly node: Node<"Conv" | "ConvTranspose" | "Gemm">;
  readonly weight: string;
  readonly bias?: string;
  /** Reads nothing but this layer, and is all that reads it. */
  readonly norm?: Node<"BatchNormalization">;
}

/**
 * The nodes that the given values (the graph's outputs by default) need, in the order of a walk from them against the arrows,
 * inputs first. It depends on how values hang together alone, not on the order of the list or on names.
 */
export function walk(graph: Graph, values: readonly string[] = graph.outputs): Set<Node> {
  const index = GraphIndex.of(graph);
  const done = new Set<Node>();
  // A stack instead of recursion: graphs may be deeper than the call stack.
  const stack = values.map((value) => index.producerOf(value)).reverse();
  while (stack.length > 0) {
    const node = stack[stack.length - 1];
    const pending = node === undefined || done.has(node)
      ? undefined
      : index.producersBefore(node).find((producer) => !done.has(producer));
    if (pending !== undefined) {
      stack.push(pending);
      continue;
    }
    if (node !== undefined) done.add(node);
    stack.pop();
  }
  return done;
}

/** The layers of a graph in the order of `walk`. */
export function layersOf(graph: Graph): Layer[] {
  const index = GraphIndex.of(graph);
  return [...walk(graph)].flatMap((node): Layer[] => {
    if (node.op !== "Conv" && node.op !== "ConvTranspose" && node.op !== "Gemm") return [];
    const [, weight, bias] = node.inputs;
    if (!index.isConstant(weight)) return [];
    const reader = index.soleReader(node.outputs[0]);
    const isNormalized = reader?.op === "BatchNormalization" &&
      reader.inputs.slice(1).every((name) => index.isConstant(name));
    return [{
      path: weight.replace(/\.weight$/, ""),
      node,
      weight,
      bias: index.isConstant(bias) ? bias : undefined,
      norm: isNormalized ? reader : undefined,
    }];
  });
}

/** Layers that see to the classes alone, and among them those that make the logits. */
export interface ClassLayers {
  readonly all: ReadonlySet<Node>;
  readonly logits: ReadonlySet<Node>;
}

/** The class layers of a detector whose output joins boxes and the sigmoid of class logits; undefined for other graphs. */
export function classLayers(graph: Graph): ClassLayers | undefined {
  const index = GraphIndex.of(graph);
  const output = index.producerOf(graph.outputs[0]);
  if (output?.op !== "Concat" || output.inputs.length !== 2) return undefined;
  const sigmoid = index.producerOf(output.inputs[1]);
  if (sigmoid?.op !== "Sigmoid") return undefined;
  const boxes = walk(graph, [output.inputs[0]]);
  const all = new Set([...walk(graph, sigmoid.outputs)].filter((node) => !boxes.has(node)));
  const logits = new Set<Node>();
  const behind = [...sigmoid.inputs];
  for (let value = behind.pop(); value !== undefined; value = behind.pop()) {
    const node = index.producerOf(value);
    if (node?.op === "Conv") logits.add(node);
    else if (node?.op === "Concat" || node?.op === "Reshape") behind.push(...node.inputs);
    else return undefined;
  }
  return { all, logits };
}
