/**
 * Computes at planning time what depends on constants alone.
 *
 * @module
 */

import {
  type Constant,
  type ConstantData,
  type ElementType,
  type Graph,
  inferNode,
  type Node,
  sizeOf,
  unpackWeights,
  withNodes,
} from "../../graph/mod.ts";
import { QuantizedConstant, type StoredIntegers } from "../../kernels/int8/quantized_constant.ts";
import { evaluateNode, type ReferenceTensor, referenceTensor } from "../../reference/run.ts";

/** Elements that any node of constants may make. */
const MOST_ELEMENTS = 2 ** 24;

const ARRAYS: Readonly<Record<ElementType, { from(numbers: Float64Array): ConstantData }>> = {
  f32: Float32Array,
  i32: Int32Array,
  i8: Int8Array,
  u8: Uint8Array,
};

function constantOf({ shape, data, dtype = "f32" }: ReferenceTensor): Constant {
  return { dtype, shape, data: ARRAYS[dtype].from(data) };
}

/** What a DequantizeLinear of constants makes floats of; undefined for floats that look like integers. */
function storedIntegers(
  { attributes: { axis } }: Node<"DequantizeLinear">,
  [x, scale, zero]: readonly Constant[],
): StoredIntegers | undefined {
  return x.data instanceof Float32Array ? undefined : { data: x.data, scale: scale.data, zero: zero.data, axis };
}

/** Weights that a node makes of how they are stored, without the reference; undefined for other nodes. */
function weightsOf(node: Node, inputs: readonly Constant[]): Constant | undefined {
  if (node.op === "UnpackWeights") {
    const [packed, scale] = inputs, { attributes } = node;
    return { dtype: "f32", shape: attributes.shape, data: unpackWeights(attributes, packed.data, scale.data) };
  }
  const stored = node.op === "DequantizeLinear" ? storedIntegers(node, inputs) : undefined;
  return stored && new QuantizedConstant(inputs[0].shape, stored);
}

function fold(graph: Graph, mayFold: (node: Node) => boolean): Graph {
  const constants = new Map(graph.constants);
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => constants.get(name));
    if (inputs.length === 0 || inputs.some((constant) => constant === undefined) || !mayFold(node)) {
      nodes.push(node);
      continue;
    }
    // What a few numbers would blow up is left to the device, which says where it has no room.
    const size = inferNode(node, inputs as Constant[]).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    if (size > MOST_ELEMENTS + 16 * inputs.reduce((sum, constant) => sum + sizeOf(constant!.shape), 0)) {
      nodes.push(node);
      continue;
    }
    const weights = weightsOf(node, inputs as Constant[]);
    if (weights) {
      constants.set(node.outputs[0], weights);
      continue;
    }
    const operands = inputs.map((constant) => referenceTensor(constant!.shape, constant!.data, constant!.dtype));
    evaluateNode(node, operands).forEach((tensor, i) => constants.set(node.outputs[i], constantOf(tensor)));
  }
  return nodes.length === graph.nodes.length ? graph : withNodes(graph, nodes, constants);
}

/**
 * The graph with every node of constant inputs replaced by its result, but for DequantizeLinear and what depends on it: behind a
 * DequantizeLinear weights are a quarter of the size, and kernels for whole numbers find their scales there.
 */
export function foldConstants(graph: Graph): Graph {
  return fold(graph, ({ op }) => op !== "DequantizeLinear");
}

/** The graph with all quantized weights as floats that know how they are stored, for kernels of both kinds. */
export function foldDequantized(graph: Graph): Graph {
  return fold(graph, () => true);
}
