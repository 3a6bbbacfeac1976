/**
 * Parameters, bytes, multiply-accumulates and FLOPs of a graph, layer by layer.
 *
 * What is counted:
 * - **parameters**: constants that feed a weight or bias input of Conv, ConvTranspose, BatchNormalization (scale and bias),
 *   Gemm and MatMul. Running statistics and baked tables (anchors, strides, grids) are not parameters.
 * - **bytes**: stored bytes of those parameters and of the running statistics, in their element type.
 * - **macs**: products summed by Conv, ConvTranspose, Gemm and MatMul. Biases and all other operators count nothing.
 * - **flops**: 2 x macs of the layers that have a weight. This is what Ultralytics publishes for its fused models: its
 *   counter hooks modules, so a product of two activations (attention) has macs here but no flops.
 *
 * @module
 */

import type { ElementType, Graph, Shape } from "./graph.ts";
import { sizeOf } from "./graph.ts";
import { inferTypes } from "./infer.ts";
import { dispatch, type Node, type OperatorFunctions } from "./operators.ts";
import { weightsOf } from "./weights.ts";

/** What a layer, or a whole graph, costs. */
export interface Cost {
  /** Trained weights. */
  readonly parameters: number;
  /** Bytes that the weights and statistics take up when stored. */
  readonly bytes: number;
  /** Multiply-accumulates of one run at the graph's input shapes. */
  readonly macs: number;
  /** Floating-point operations of one run, as Ultralytics counts them. */
  readonly flops: number;
}

/** The cost of one node. */
export interface LayerCost extends Cost {
  /** Name of the node. */
  readonly name: string;
  /** Its operator. */
  readonly op: Node["op"];
  /** Shape of the first output. */
  readonly outputShape: Shape;
}

/** The cost of a graph: totals and every node in order. */
export interface Analysis extends Cost {
  /** One entry per node, in the graph's order. */
  readonly layers: readonly LayerCost[];
}

/** Bytes of an element. */
export const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = { f32: 4, i32: 4, i8: 1, u8: 1 };

const none = () => 0;

/** Each operator's multiply-accumulates from the shapes of its inputs and of its first output. */
const MACS: OperatorFunctions<[inputs: readonly Shape[], output: Shape], number> = {
  Conv: (_, [, weight], output) => sizeOf(output) * sizeOf(weight.slice(1)),
  ConvTranspose: (_, [x, weight]) => sizeOf(x) * sizeOf(weight.slice(1)),
  BatchNormalization: none,
  Relu: none,
  LeakyRelu: none,
  Sigmoid: none,
  Silu: none,
  HardSigmoid: none,
  HardSwish: none,
  Clip: none,
  Tanh: none,
  Exp: none,
  Log: none,
  Sqrt: none,
  Neg: none,
  Add: none,
  Sub: none,
  Mul: none,
  Div: none,
  MaxPool: none,
  AveragePool: none,
  GlobalAveragePool: none,
  ReduceMean: none,
  ReduceSum: none,
  ReduceMax: none,
  Gemm: (node, [a], output) => sizeOf(output) * a[node.attributes.transposeA ? 0 : 1],
  MatMul: (_, [a], output) => sizeOf(output) * a[a.length - 1],
  Softmax: none,
  Concat: none,
  Split: none,
  Slice: none,
  Reshape: none,
  Transpose: none,
  Resize: none,
  Pad: none,
};

/** Multiply-accumulates of one node, from the shapes of its inputs and of its first output. */
export function macsOf(node: Node, inputs: readonly Shape[], output: Shape): number {
  return dispatch(MACS, node, inputs, output);
}

/** Whether a node's products involve a weight: convolutions always, matrix products if an operand is a constant. */
function hasWeight(graph: Graph, node: Node): boolean {
  if (node.op === "Conv" || node.op === "ConvTranspose") return true;
  return node.inputs.slice(0, 2).some((name) => graph.constants.has(name));
}

/**
 * Counts a graph at its input shapes; a weight shared by several nodes is counted at the first. Throws FeatherdetError where
 * shapes do not fit.
 */
export function analyze(graph: Graph): Analysis {
  const types = inferTypes(graph);
  const shapeOf = (name: string) => types.get(name)!.shape;
  const counted = new Set<string>();
  const layers = graph.nodes.map((node): LayerCost => {
    const outputShape = shapeOf(node.outputs[0]);
    const macs = macsOf(node, node.inputs.map(shapeOf), outputShape);
    const { trained, statistics } = weightsOf(graph, node);
    let parameters = 0, bytes = 0;
    for (const name of [...trained, ...statistics]) {
      if (counted.has(name)) continue;
      counted.add(name);
      const { shape, dtype } = graph.constants.get(name)!;
      if (trained.includes(name)) parameters += sizeOf(shape);
      bytes += sizeOf(shape) * ELEMENT_BYTES[dtype];
    }
    const flops = hasWeight(graph, node) ? 2 * macs : 0;
    return { name: node.name, op: node.op, outputShape, parameters, bytes, macs, flops };
  });
  const total = (field: keyof Cost) => layers.reduce((sum, layer) => sum + layer[field], 0);
  return { parameters: total("parameters"), bytes: total("bytes"), macs: total("macs"), flops: total("flops"), layers };
}
