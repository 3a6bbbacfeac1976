/**
 * A graph as a device runs it: layers with what they take along, each with its work and the bytes that it moves.
 *
 * Every product (convolution, matrix product) takes along the normalisation, activations, sums and roundings that follow it and that
 * nobody else reads: deployment tools fuse these. Reshapes and roundings alone are no layers. Everything else is one.
 *
 * @module
 */

import { macsOf } from "../graph/analyze.ts";
import { type Graph, type Shape, sizeOf } from "../graph/graph.ts";
import { GraphIndex } from "../graph/graph_index.ts";
import type { Node } from "../graph/operators.ts";
import { isActivation } from "../graph/unary.ts";
import { weightSource } from "../graph/weight_source.ts";
import { recogniseActivations } from "../passes/mod.ts";

/**
 * What a device treats alike: dense convolutions with a window (`window`) and without one (`pointwise`), depthwise and grouped ones
 * (`depthwise`), products of two activations (`product`), Softmax, pooling windows, Resize, sums and activations that no product takes
 * along (`element`), and what only moves numbers (`move`).
 */
export type LayerKind =
  | "window"
  | "pointwise"
  | "depthwise"
  | "product"
  | "softmax"
  | "pool"
  | "resize"
  | "element"
  | "move";

/** All kinds. */
export const LAYER_KINDS: readonly LayerKind[] = [
  ...["window", "pointwise", "depthwise", "product"] as const,
  ...["softmax", "pool", "resize", "element", "move"] as const,
];

/** Kinds that multiply. */
export const PRODUCT_KINDS: ReadonlySet<LayerKind> = new Set(["window", "pointwise", "depthwise", "product"]);

/** A product as a matrix product: `pixels` rows times `window` columns, by `filters` columns, so many times. */
export interface MatrixShape {
  /** Output pixels of the batch; rows of the first factor. */
  readonly pixels: number;
  /** Products that are summed for an output: kernel area times input channels of a group. */
  readonly window: number;
  /** Output channels of a group. */
  readonly filters: number;
  /** Groups, or matrices of a batch. */
  readonly times: number;
}

/** A layer as a device runs it. */
export interface FusedLayer {
  /** Name of the node that it begins with. */
  readonly name: string;
  /** Operator of that node. */
  readonly op: Node["op"];
  /** What devices treat it as. */
  readonly kind: LayerKind;
  /** Names of all its nodes, in order. */
  readonly nodes: readonly string[];
  /** Shape of what it stores. */
  readonly outputShape: Shape;
  /** Multiply-accumulates; 0 for kinds that do not multiply. */
  readonly macs: number;
  /** The product as a matrix product; absent for kinds that do not multiply. */
  readonly matrix?: MatrixShape;
  /** Elements that are read, other than weights; what several layers read counts in each. */
  readonly inputs: number;
  /** Elements of weights and biases. */
  readonly weights: number;
  /** Elements that are stored. */
  readonly outputs: number;
}

/** Nodes that change neither the order nor the number of elements in memory. */
const INVISIBLE: ReadonlySet<Node["op"]> = new Set(
  [
    ...["Reshape", "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"],
    ...["Cast", "UnpackWeights", "FakeQuantize", "FakeQuantizeWeights"],
  ] as const,
);

/** Nodes that only move numbers. */
const MOVES: ReadonlySet<Node["op"]> = new Set(
  ["Concat", "Split", "Slice", "Transpose", "Pad", "GatherElements"] as const,
);

const POOLS: ReadonlySet<Node["op"]> = new Set(
  ["MaxPool", "AveragePool", "GlobalAveragePool", "ReduceMean", "ReduceSum", "ReduceMax", "TopK"] as const,
);

/** Sums and products of elements that a product before them takes along. */
const TAKEN: ReadonlySet<Node["op"]> = new Set(["Add", "Sub", "Mul", "Div", "BatchNormalization"] as const);

function kindOf(graph: Graph, node: Node, shapeOf: (value: string) => Shape): LayerKind {
  switch (node.op) {
    case "Conv":
    case "ConvInteger":
    case "ConvTranspose":
      if (node.attributes.groups > 1) return "depthwise";
      return sizeOf(shapeOf(node.inputs[1]).slice(2)) === 1 ? "pointwise" : "window";
    case "Gemm":
      return "pointwise";
    case "MatMul":
    case "MatMulInteger":
      return node.inputs.slice(0, 2).some((value) => weightSource(graph, value)) ? "pointwise" : "product";
    case "Softmax":
      return "softmax";
    case "Resize":
      return "resize";
  }
  return MOVES.has(node.op) ? "move" : POOLS.has(node.op) ? "pool" : "element";
}

function matrixOf(node: Node, inputs: readonly Shape[], output: Shape): MatrixShape {
  switch (node.op) {
    case "Conv":
    case "ConvInteger": {
      const { groups } = node.attributes, [filters, ...window] = inputs[1];
      return {
        pixels: sizeOf(output) / output[1],
        window: sizeOf(window),
        filters: filters / groups,
        times: groups,
      };
    }
    case "ConvTranspose": {
      const { groups } = node.attributes, [channels, ...rest] = inputs[1];
      return {
        pixels: sizeOf(inputs[0]) / inputs[0][1],
        window: channels / groups,
        filters: sizeOf(rest),
        times: groups,
      };
    }
    default: {
      const filters = output[output.length - 1], rows = output[output.length - 2] ?? 1;
      const times = sizeOf(output) / (rows * filters);
      return { pixels: rows, window: macsOf(node, inputs, output) / sizeOf(output), filters, times };
    }
  }
}

/**
 * The layers of a graph in its order. Activations that exporters spell in several nodes count as the one that they are. Throws
 * FeatherdetError if shapes do not fit.
 */
export function fusedLayers(exported: Graph): FusedLayer[] {
  const graph = recogniseActivations(exported);
  const index = GraphIndex.of(graph), taken = new Set<Node>();
  const shapeOf = (value: string) => index.shapeOf(value);
  const isWeight = (value: string) => weightSource(graph, value) !== undefined;
  /** The node that takes a value and nothing else does, seen through reshapes and roundings. */
  const next = (value: string): Node | undefined => {
    const reader = index.soleReader(value);
    return reader && INVISIBLE.has(reader.op) && reader.outputs.length === 1 ? next(reader.outputs[0]) : reader;
  };
  return graph.nodes.flatMap((node): FusedLayer[] => {
    if (taken.has(node) || INVISIBLE.has(node.op) || node.inputs.every(isWeight)) return [];
    const kind = kindOf(graph, node, shapeOf), nodes = [node];
    if (PRODUCT_KINDS.has(kind)) {
      for (let last = node;;) {
        const reader = next(last.outputs[0]);
        if (!reader || taken.has(reader) || !(isActivation(reader.op) || TAKEN.has(reader.op))) break;
        nodes.push(last = reader);
        taken.add(reader);
      }
    }
    const made = new Set(nodes.slice(0, -1).flatMap(({ outputs }) => outputs));
    const through = (value: string): string => {
      const maker = index.producerOf(value);
      return maker && INVISIBLE.has(maker.op) ? through(maker.inputs[0]) : value;
    };
    // Of four rows of a normalisation one is left when it is folded: a bias.
    const read = nodes.flatMap(({ op, inputs }) => op === "BatchNormalization" ? inputs.slice(0, 2) : inputs)
      .filter((value) => !made.has(through(value)));
    const size = (values: readonly string[]) => values.reduce((sum, value) => sum + sizeOf(shapeOf(value)), 0);
    const outputShape = shapeOf(nodes[nodes.length - 1].outputs[0]);
    const inputs = node.inputs.map(shapeOf), own = shapeOf(node.outputs[0]);
    const isProduct = PRODUCT_KINDS.has(kind);
    return [{
      name: node.name,
      op: node.op,
      kind,
      nodes: nodes.map(({ name }) => name),
      outputShape,
      macs: isProduct ? macsOf(node, inputs, own) : 0,
      ...(isProduct && { matrix: matrixOf(node, inputs, own) }),
      inputs: size(read.filter((value) => !isWeight(value))),
      weights: size(read.filter(isWeight)),
      outputs: size(nodes[nodes.length - 1].outputs),
    }];
  });
}

/**
 * Layers without what comes after the last products that have at least two output channels: tools for NPUs leave the decoding of boxes
 * to the CPU, and published times of the network do not hold it.
 */
export function withoutTail(graph: Graph, layers: readonly FusedLayer[]): FusedLayer[] {
  const index = GraphIndex.of(graph), tail = new Set<string>();
  const isHead = (node: Node) => {
    const shape = index.shapeOf(node.outputs[0]);
    return (node.op === "Conv" || node.op === "ConvInteger" || node.op === "Gemm") && shape[1] > 1;
  };
  const open = graph.outputs.flatMap((value) => index.producerOf(value) ?? []);
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (isHead(node) || tail.has(node.name)) continue;
    tail.add(node.name);
    open.push(...index.producersBefore(node));
  }
  return layers.filter(({ name }) => !tail.has(name));
}
