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
import { refuseTraining, type Step } from "./step.ts";

/** What is known once the new attributes are: the new node's output shapes too. */
export interface SettledStep extends Step {
  readonly newOutputs: readonly Shape[];
}

type Rule = (node: Node, step: SettledStep) => Dims[];

/** The output's extents, each derived from the dim given for its axis. */
function settle({ oldOutputs: [old], newOutputs: [next] }: SettledStep, sources: Dims): Dims[] {
  return [old.map((extent, axis) => derived(sources[axis] ?? [], extent, next[axis]))];
}

const sameAsInput: Rule = (_, step) => settle(step, step.inputs[0]);

/** `[N, own channels, H', W']`. */
const window: Rule = (_, step) => {
  const [batch, , height, width] = step.inputs[0];
  return settle(step, [batch, [], height, width]);
};

/** Per axis, counted from the last: the dim that is broadcast over, the one with more structure first. */
function broadcast(inputs: readonly Dims[], rank: number): Dim[] {
  return Array.from({ length: rank }, (_, axis) => {
    const dims = inputs.map((input) => input[input.length - rank + axis]).filter((dim) => dim !== undefined);
    return dims.find(changes) ?? dims.find((dim) => valueOf(dim, "old") !== 1) ?? [];
  });
}

const binary: Rule = (_, step) => settle(step, broadcast(step.inputs, step.oldOutputs[0].length));

const matMul: Rule = (_, step) => {
  const [a, b] = step.inputs;
  const lead = broadcast([a.slice(0, -2), b.slice(0, -2)], step.oldOutputs[0].length - 2);
  return settle(step, [...lead, a[a.length - 2], b[b.length - 1]]);
};

function reduced(axes: readonly number[], keepDims: boolean, step: SettledStep): Dims[] {
  const [input] = step.inputs;
  const kept = keepDims
    ? input.map((dim, axis) => axes.includes(axis) ? [] : dim)
    : input.filter((_, axis) => !axes.includes(axis));
  return settle(step, kept);
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

const RULES: OperatorFunctions<[step: SettledStep], Dims[]> = {
  Conv: window,
  ConvTranspose: window,
  BatchNormalization: sameAsInput,
  ...eachUnary(() => sameAsInput),
  Add: binary,
  Sub: binary,
  Mul: binary,
  Div: binary,
  MaxPool: sameAsInput,
  AveragePool: sameAsInput,
  GlobalAveragePool: sameAsInput,
  ReduceMean: (node, step) => reduced(node.attributes.axes, node.attributes.keepDims, step),
  ReduceSum: (node, step) => reduced(node.attributes.axes, node.attributes.keepDims, step),
  ReduceMax: (node, step) => reduced(node.attributes.axes, node.attributes.keepDims, step),
  Gemm: (node, step) => {
    const [a, b] = step.inputs;
    return settle(step, [a[node.attributes.transposeA ? 1 : 0], b[node.attributes.transposeB ? 0 : 1]]);
  },
  MatMul: matMul,
  Softmax: sameAsInput,
  Concat: (node, step) => {
    const { axis } = node.attributes;
    const others = broadcast(step.inputs, step.oldOutputs[0].length);
    const joined = sum(step.inputs.map((dims) => dims[axis]));
    return settle(step, others.map((dim, index) => index === axis ? joined : dim));
  },
  Split: (node, step) => {
    const { axis, sizes } = node.attributes;
    let start = 0;
    return sizes.map((size, index) => {
      const part = between(step.inputs[0][axis], start, start + size) ?? step.inputs[0][axis];
      start += size;
      const sources = step.inputs[0].map((dim, other) => other === axis ? part : dim);
      const { oldOutputs, newOutputs } = step;
      return settle({ ...step, oldOutputs: [oldOutputs[index]], newOutputs: [newOutputs[index]] }, sources)[0];
    });
  },
  Slice: (node, step) => {
    const sources = [...step.inputs[0]];
    node.attributes.axes.forEach((axis, index) => {
      const { starts, ends, steps } = node.attributes;
      const part = steps[index] === 1 ? between(sources[axis], starts[index], ends[index]) : undefined;
      sources[axis] = part ?? sources[axis];
    });
    return settle(step, sources);
  },
  Reshape: (_, step) => {
    const [next] = step.newOutputs;
    // Without structure an extent that changes is still known by its two values.
    return [regroup(step.inputs[0], step.oldOutputs[0], next) ?? settle(step, [])[0]];
  },
  Transpose: (node, step) => settle(step, node.attributes.perm.map((axis) => step.inputs[0][axis])),
  Resize: sameAsInput,
  Pad: sameAsInput,
  QuantizeLinear: sameAsInput,
  DequantizeLinear: sameAsInput,
  DynamicQuantizeLinear: (_, step) => [...settle(step, step.inputs[0]), [], []],
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
  FakeQuantize: refuseTraining,
  FakeQuantizeWeights: refuseTraining,
};

/** Dims of the node's outputs. */
export function outputDims(node: Node, step: SettledStep): Dims[] {
  return dispatch(RULES, node, step);
}
