/**
 * Structure of a node's outputs from that of its inputs, operator by operator.
 *
 * @module
 */

import type { Shape } from "../../graph/graph.ts";
import { dispatch, type Node, type OperatorFunctions } from "../../graph/operators.ts";
import { eachUnary } from "../../graph/unary.ts";
import { changes, derived, type Dim, type Dims, fixed, partsOf, sum, valueOf } from "./dim.ts";
import { regroup } from "./regroup.ts";
import { refuseTraining, type ResizedNode } from "./resized_node.ts";
import { eachPair } from "../../graph/pairs.ts";

/** What is known once the new attributes are: the new node's output shapes too. */
export interface SettledNode extends ResizedNode {
  readonly newOutputs: readonly Shape[];
}

type Rule = (node: Node, resized: SettledNode) => Dims[];

/** The output's extents, each derived from the dim given for its axis. */
function settle({ oldOutputs: [old], newOutputs: [next] }: SettledNode, sources: Dims): Dims[] {
  return [old.map((extent, axis) => derived(sources[axis] ?? [], extent, next[axis]))];
}

const sameAsInput: Rule = (_, resized) => settle(resized, resized.inputs[0]);

/** `[N, own channels, H', W']`. */
const window: Rule = (_, resized) => {
  const [batch, , height, width] = resized.inputs[0];
  return settle(resized, [batch, [], height, width]);
};

/** Per axis, counted from the last: the dim that is broadcast over, the one with more structure first. */
function broadcast(inputs: readonly Dims[], rank: number): Dim[] {
  return Array.from({ length: rank }, (_, axis) => {
    const dims = inputs.map((input) => input[input.length - rank + axis]).filter((dim) => dim !== undefined);
    return dims.find(changes) ?? dims.find((dim) => valueOf(dim, "old") !== 1) ?? [];
  });
}

const binary: Rule = (_, resized) => settle(resized, broadcast(resized.inputs, resized.oldOutputs[0].length));

const matMul: Rule = (_, resized) => {
  const [a, b] = resized.inputs;
  const lead = broadcast([a.slice(0, -2), b.slice(0, -2)], resized.oldOutputs[0].length - 2);
  return settle(resized, [...lead, a[a.length - 2], b[b.length - 1]]);
};

function reduced(axes: readonly number[], keepDims: boolean, resized: SettledNode): Dims[] {
  const [input] = resized.inputs;
  const kept = keepDims
    ? input.map((dim, axis) => axes.includes(axis) ? [] : dim)
    : input.filter((_, axis) => !axes.includes(axis));
  return settle(resized, kept);
}

/** The parts between two seams of a joined extent, if both bounds are seams. */
function between(dim: Dim, start: number, end: number): Dim | undefined {
  let place = 0;
  const inside: Dim[] = [];
  for (const part of partsOf(dim)) {
    const next = place + valueOf(part, "old");
    if (place >= start && next <= end) inside.push(part);
    place = next;
  }
  return inside.reduce((total, part) => total + valueOf(part, "old"), 0) === end - start && inside.length > 0
    ? sum(inside)
    : undefined;
}

const RULES: OperatorFunctions<[resized: SettledNode], Dims[]> = {
  Conv: window,
  ConvTranspose: window,
  BatchNormalization: sameAsInput,
  ...eachUnary(() => sameAsInput),
  Add: binary,
  Sub: binary,
  Mul: binary,
  Div: binary,
  ...eachPair(() => binary),
  MaxPool: sameAsInput,
  AveragePool: sameAsInput,
  GlobalAveragePool: sameAsInput,
  ReduceMean: (node, resized) => reduced(node.attributes.axes, node.attributes.keepDims, resized),
  ReduceSum: (node, resized) => reduced(node.attributes.axes, node.attributes.keepDims, resized),
  ReduceMax: (node, resized) => reduced(node.attributes.axes, node.attributes.keepDims, resized),
  Gemm: (node, resized) => {
    const [a, b] = resized.inputs;
    return settle(resized, [a[node.attributes.transposeA ? 1 : 0], b[node.attributes.transposeB ? 0 : 1]]);
  },
  MatMul: matMul,
  Softmax: sameAsInput,
  Concat: (node, resized) => {
    const { axis } = node.attributes;
    const others = broadcast(resized.inputs, resized.oldOutputs[0].length);
    const joined = sum(resized.inputs.map((dims) => dims[axis]));
    return settle(resized, others.map((dim, index) => index === axis ? joined : dim));
  },
  Split: (node, resized) => {
    const { axis, sizes } = node.attributes;
    let start = 0;
    return sizes.map((size, index) => {
      const part = between(resized.inputs[0][axis], start, start + size) ?? resized.inputs[0][axis];
      start += size;
      const sources = resized.inputs[0].map((dim, other) => other === axis ? part : dim);
      const { oldOutputs, newOutputs } = resized;
      return settle({ ...resized, oldOutputs: [oldOutputs[index]], newOutputs: [newOutputs[index]] }, sources)[0];
    });
  },
  Slice: (node, resized) => {
    const sources = [...resized.inputs[0]];
    node.attributes.axes.forEach((axis, index) => {
      const { starts, ends, steps } = node.attributes;
      const part = steps[index] === 1 ? between(sources[axis], starts[index], ends[index]) : undefined;
      sources[axis] = part ?? sources[axis];
    });
    return settle(resized, sources);
  },
  Reshape: (_, resized) => {
    const [next] = resized.newOutputs;
    // Without structure an extent that changes is still known by its two values.
    return [regroup(resized.inputs[0], resized.oldOutputs[0], next) ?? settle(resized, [])[0]];
  },
  TopK: (_, resized) =>
    resized.oldOutputs.flatMap((old, index) =>
      settle({ ...resized, oldOutputs: [old], newOutputs: [resized.newOutputs[index]] }, resized.inputs[0])
    ),
  GatherElements: (_, resized) => settle(resized, resized.inputs[1]),
  Transpose: (node, resized) => settle(resized, node.attributes.perm.map((axis) => resized.inputs[0][axis])),
  Resize: sameAsInput,
  Pad: sameAsInput,
  QuantizeLinear: sameAsInput,
  DequantizeLinear: sameAsInput,
  DynamicQuantizeLinear: (_, resized) => [...settle(resized, resized.inputs[0]), [], []],
  ConvInteger: window,
  MatMulInteger: matMul,
  Cast: sameAsInput,
  UnpackWeights: (node) => [fixed(node.attributes.shape)],
  ConvWeightGradient: refuseTraining,
  BatchNormTraining: refuseTraining,
  BatchNormGradient: refuseTraining,
  BatchNormApply: refuseTraining,
  ActivationGradient: refuseTraining,
  MaxPoolGradient: refuseTraining,
  ReduceMaxGradient: refuseTraining,
  ResizeGradient: refuseTraining,
  SoftmaxGradient: refuseTraining,
  DetectionLoss: refuseTraining,
  AnchorLoss: refuseTraining,
  FakeQuantize: refuseTraining,
  FakeQuantizeWeights: refuseTraining,
  NoisyQuantize: refuseTraining,
};

/** Dims of the node's outputs. */
export function outputDims(node: Node, resized: SettledNode): Dims[] {
  return dispatch(RULES, node, resized);
}
