/**
 * ONNX operators that sum over axes: reductions and matrix products.
 *
 * @module
 */

import type { ReduceAttributes } from "../../graph/operators.ts";
import { DraftList } from "../draft_list.ts";
import type { NodeReader } from "../reader.ts";
import { ALIAS, draft, type OnnxOperator } from "../draft.ts";

/** Axes and form of a reduction, whose axes are an input since the given operator set, an attribute before; no axes for none at all. */
export function reduction(node: NodeReader, axesAreInputSince: number): ReduceAttributes {
  const rank = node.shape(0).length;
  const asInput = node.opset >= axesAreInputSince;
  const given = (asInput ? node.numbers(1, "axes") : node.ints("axes")) ?? [];
  const keepDims = node.int("keepdims", 1) !== 0;
  const noop = asInput && node.int("noop_with_empty_axes", 0) !== 0;
  if (given.length === 0 && (noop || rank === 0)) return { axes: [], keepDims };
  const axes = given.length === 0
    ? Array.from({ length: rank }, (_, axis) => axis)
    : [...new Set(given.map((axis) => node.axis(axis, rank)))].sort((a, b) => a - b);
  return { axes, keepDims };
}

/** A reduction that the graph has. */
export function reduce(op: "ReduceMean" | "ReduceSum" | "ReduceMax", axesAreInputSince: number): OnnxOperator {
  return (node) => {
    const attributes = reduction(node, axesAreInputSince);
    return attributes.axes.length === 0 ? ALIAS : draft(node, op, attributes);
  };
}

/** A reduction made of another, of what comes before it and what behind. */
function composedReduction(
  write: (
    list: DraftList,
    x: string,
    reduced: (op: "ReduceSum" | "ReduceMax", x: string, keeps?: true) => string,
  ) => void,
): OnnxOperator {
  return (node) => {
    const { axes, keepDims } = reduction(node, 18);
    if (axes.length === 0) return node.fail("without axes is not supported");
    const list = new DraftList(node);
    write(list, node.input(0), (op, x, keeps) => list.add(op, [x], { axes, keepDims: keeps ?? keepDims }));
    return list.finish();
  };
}

export const reduceMin: OnnxOperator = composedReduction((list, x, reduced) =>
  list.unary("Neg", reduced("ReduceMax", list.unary("Neg", x, {})), {})
);

export const reduceL1: OnnxOperator = composedReduction((list, x, reduced) =>
  reduced("ReduceSum", list.unary("Abs", x, {}))
);

export const reduceSumSquare: OnnxOperator = composedReduction((list, x, reduced) =>
  reduced("ReduceSum", list.binary("Mul", x, x))
);

export const reduceL2: OnnxOperator = composedReduction((list, x, reduced) =>
  list.unary("Sqrt", reduced("ReduceSum", list.binary("Mul", x, x)), {})
);

export const reduceLogSum: OnnxOperator = composedReduction((list, x, reduced) =>
  list.unary("Log", reduced("ReduceSum", x), {})
);

/** The greatest element is taken out before, so that nothing overflows. */
export const reduceLogSumExp: OnnxOperator = (node) => {
  const { axes, keepDims } = reduction(node, 18);
  if (axes.length === 0) return node.fail("without axes is not supported");
  const list = new DraftList(node), x = node.input(0);
  const most = list.add("ReduceMax", [x], { axes, keepDims: true });
  const sum = list.add("ReduceSum", [list.unary("Exp", list.binary("Sub", x, most), {})], { axes, keepDims: true });
  const whole = list.binary("Add", list.unary("Log", sum, {}), most);
  if (!keepDims) list.add("Reshape", [whole], { shape: node.shape(0).filter((_, axis) => !axes.includes(axis)) });
  return list.finish();
};

export const gemm: OnnxOperator = (node) =>
  draft(node, "Gemm", {
    alpha: node.float("alpha", 1),
    beta: node.float("beta", 1),
    transposeA: node.int("transA", 0) !== 0,
    transposeB: node.int("transB", 0) !== 0,
  }, { inputs: node.operands(2, 3) });

/** A vector is a matrix of one row on the left, of one column on the right, whose axis goes away behind. */
export const matMul: OnnxOperator = (node) => {
  const inputs = node.operands(2, 2);
  const shapes = inputs.map((_, index) => node.shape(index));
  if (shapes.some(({ length }) => length === 0)) node.fail("has an operand without axes");
  if (shapes.every(({ length }) => length > 1)) return draft(node, "MatMul", {}, { inputs });
  const list = new DraftList(node);
  const matrices = inputs.map((name, index) =>
    shapes[index].length > 1 ? name : list.regroup(name, shapes[index], index === 0 ? [[], [0]] : [[0], []])
  );
  const product = list.add("MatMul", matrices, {});
  const [a, b] = shapes;
  const lead = (a.length > b.length ? a : b).slice(0, -2);
  const rows = a.length > 1 ? [a[a.length - 2]] : [], columns = b.length > 1 ? [b[b.length - 1]] : [];
  list.add("Reshape", [product], { shape: [...lead, ...rows, ...columns] });
  return list.finish();
};
