/**
 * ONNX operators that sum over axes: reductions and matrix products.
 *
 * @module
 */

import { ALIAS, draft, type OnnxOperator } from "../draft.ts";

/** A reduction whose axes are an input since the given operator set, an attribute before. */
export function reduce(op: "ReduceMean" | "ReduceSum" | "ReduceMax", axesAreInputSince: number): OnnxOperator {
  return (node) => {
    const rank = node.shape(0).length;
    const asInput = node.opset >= axesAreInputSince;
    const given = (asInput ? node.numbers(1, "axes") : node.ints("axes")) ?? [];
    const keepDims = node.int("keepdims", 1) !== 0;
    const noop = asInput && node.int("noop_with_empty_axes", 0) !== 0;
    if (given.length === 0 && (noop || rank === 0)) return ALIAS;
    const axes = given.length === 0
      ? Array.from({ length: rank }, (_, axis) => axis)
      : [...new Set(given.map((axis) => node.axis(axis, rank)))].sort((a, b) => a - b);
    return draft(node, op, { axes, keepDims });
  };
}

export const gemm: OnnxOperator = (node) =>
  draft(node, "Gemm", {
    alpha: node.float("alpha", 1),
    beta: node.float("beta", 1),
    transposeA: node.int("transA", 0) !== 0,
    transposeB: node.int("transB", 0) !== 0,
  }, { inputs: node.operands(2, 3) });

export const matMul: OnnxOperator = (node) => draft(node, "MatMul", {}, { inputs: node.operands(2, 2) });
