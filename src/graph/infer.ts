/**
 * Shape inference: the type of every value of a graph, and an error at the first node whose inputs do not fit.
 *
 * @module
 */

import { checkArity } from "./arity.ts";
import { FeatherdetError } from "./error.ts";
import type { Graph, TensorType } from "./graph.ts";
import { dispatch, type Node, type OperatorFunctions } from "./operators.ts";
import { concat, gatherElements, pad, reshape, slice, split, topK, transpose } from "./shapes/arrange.ts";
import { gemm, matMul, reduce } from "./shapes/contract.ts";
import { batchNormalization, binary, softmax, unary } from "./shapes/elementwise.ts";
import { anchorLoss } from "./shapes/anchor_loss.ts";
import { fakeQuantize, fakeQuantizeWeights, noisyQuantize } from "./shapes/fake_quantize.ts";
import { detectionLoss } from "./shapes/loss.ts";
import {
  cast,
  convInteger,
  dequantizeLinear,
  dynamicQuantizeLinear,
  matMulInteger,
  quantizeLinear,
  unpackWeights,
} from "./shapes/quantize.ts";
import {
  activationGradient,
  batchNormApply,
  batchNormGradient,
  batchNormTraining,
  convWeightGradient,
  maxPoolGradient,
  reduceMaxGradient,
  resizeGradient,
  softmaxGradient,
} from "./shapes/train.ts";
import { averagePool, conv, convTranspose, globalAveragePool, maxPool, resize } from "./shapes/window.ts";
import { eachUnary } from "./unary.ts";
import { eachPair } from "./pairs.ts";

const RULES: OperatorFunctions<[inputs: readonly TensorType[]], TensorType[]> = {
  Conv: conv,
  ConvTranspose: convTranspose,
  BatchNormalization: batchNormalization,
  ...eachUnary(() => unary),
  Add: binary,
  Sub: binary,
  Mul: binary,
  Div: binary,
  ...eachPair(() => binary),
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: globalAveragePool,
  ReduceMean: reduce,
  ReduceSum: reduce,
  ReduceMax: reduce,
  Gemm: gemm,
  MatMul: matMul,
  Softmax: softmax,
  Concat: concat,
  Split: split,
  Slice: slice,
  Reshape: reshape,
  Transpose: transpose,
  TopK: topK,
  GatherElements: gatherElements,
  Resize: resize,
  Pad: pad,
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
  ConvInteger: convInteger,
  MatMulInteger: matMulInteger,
  Cast: cast,
  UnpackWeights: unpackWeights,
  ConvWeightGradient: convWeightGradient,
  BatchNormTraining: batchNormTraining,
  BatchNormGradient: batchNormGradient,
  BatchNormApply: batchNormApply,
  ActivationGradient: activationGradient,
  MaxPoolGradient: maxPoolGradient,
  ReduceMaxGradient: reduceMaxGradient,
  ResizeGradient: resizeGradient,
  SoftmaxGradient: softmaxGradient,
  DetectionLoss: detectionLoss,
  AnchorLoss: anchorLoss,
  FakeQuantize: fakeQuantize,
  FakeQuantizeWeights: fakeQuantizeWeights,
  NoisyQuantize: noisyQuantize,
};

/**
 * Types of a node's outputs, in order, given those of its inputs.
 *
 * Throws FeatherdetError, with node, operator and shapes, for a wrong number of inputs or outputs and for shapes, element
 * types or attributes that do not fit.
 */
export function inferNode(node: Node, inputs: readonly TensorType[]): TensorType[] {
  checkArity(node);
  if (inputs.length !== node.inputs.length) {
    throw new FeatherdetError(`has ${node.inputs.length} inputs but ${inputs.length} types were given`, {
      node: node.name,
      operator: node.op,
    });
  }
  return dispatch(RULES, node, inputs);
}

/**
 * Infers the types of all values of a graph, including inputs and constants. Throws what `inferNode` throws, and FeatherdetError for a
 * value that no node makes.
 */
export function inferTypes(graph: Graph): Map<string, TensorType> {
  const types = new Map<string, TensorType>();
  for (const { name, dtype, shape } of graph.inputs) types.set(name, { dtype, shape });
  for (const [name, { dtype, shape }] of graph.constants) types.set(name, { dtype, shape });
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => {
      const type = types.get(name);
      if (type) return type;
      throw new FeatherdetError(`input "${name}" is made by no earlier node`, { node: node.name, operator: node.op });
    });
    const outputs = inferNode(node, inputs);
    node.outputs.forEach((name, index) => types.set(name, outputs[index]));
  }
  return types;
}
