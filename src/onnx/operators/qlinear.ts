/**
 * ONNX operators from whole numbers to whole numbers (the QOperator format): DequantizeLinear of what goes in, the operator over floats,
 * QuantizeLinear of what comes out. The planner sums whole numbers again where it has kernels for that.
 *
 * @module
 */

import type { TensorType } from "../../graph/graph.ts";
import type { Draft, OnnxOperator } from "../draft.ts";
import { ALIAS } from "../draft.ts";
import { DraftList } from "../draft_list.ts";
import type { NodeReader } from "../reader.ts";
import { allocate, tensorOf } from "../tensor.ts";
import { concat } from "./arrange.ts";
import { gemm, matMul } from "./contract.ts";
import { binary, softmax, unaryOperators } from "./elementwise.ts";
import { averagePool, conv, globalAveragePool } from "./window.ts";

/** Positions of the inputs of an operator in the QOperator format. */
interface Form {
  /** Of each operand; its scale and zero point follow. */
  readonly operands: readonly number[];
  /** Of the result's scale; its zero point follows. */
  readonly result: number;
  /** Of a bias of i32 whose scale is the product of those of the first two operands. */
  readonly bias?: number;
  /** Axis of the scales of each operand where there are several. */
  readonly axes?: (operand: number, rank: number) => number;
  /** What is left of the bias's scale to multiply by. */
  readonly factor?: (node: NodeReader) => number;
}

/** The zero point at a position, of as many numbers as the scale before it, or zeros of that type. */
function zeroPoint(node: NodeReader, position: number, dtype: TensorType["dtype"]): string {
  const scale = node.shape(position - 1), count = scale[0] ?? 1;
  const given = node.has(position) ? node.known(position, "zero point") : undefined;
  if (given && given.data.length === count && String(given.shape) === String(scale)) return node.input(position);
  if (given && given.data.length !== 1 && given.data.length !== count) {
    node.fail(`zero point [${given.shape.join(",")}] does not go with scale [${scale.join(",")}]`);
  }
  const numbers = given
    ? Array.from({ length: count }, (_, i) => given.data[given.data.length === 1 ? 0 : i])
    : undefined;
  return node.enter("zero_point", tensorOf(dtype, scale, numbers ?? allocate(dtype, count)));
}

/** The bias as floats. */
function dequantizedBias(node: NodeReader, list: DraftList, form: Form): string | undefined {
  if (form.bias === undefined || !node.has(form.bias)) return undefined;
  const [a, b] = form.operands.map((position) => node.numbers(position + 1, "scale")!);
  const factor = form.factor?.(node) ?? 1;
  const count = Math.max(a.length, b.length);
  const scales = Array.from({ length: count }, (_, i) => a[i % a.length] * b[i % b.length] * factor);
  const shape = count === 1 ? [] : [count];
  const scale = list.numbers(shape, scales);
  const zero = node.enter("zero_point", tensorOf("i32", shape, Array<number>(count).fill(0)));
  return list.add("DequantizeLinear", [node.input(form.bias), scale, zero], { axis: 0 });
}

/** An operator in the QOperator format, by the one over floats. */
function quantized(operator: OnnxOperator, formOf: (node: NodeReader) => Form): OnnxOperator {
  return (node): Draft[] => {
    const form = formOf(node);
    const list = new DraftList(node);
    const types = new Map<string, TensorType>();
    const inputs = form.operands.map((position, operand) => {
      const { dtype, shape } = node.type(position);
      const isSingle = node.shape(position + 1).length === 0 || node.shape(position + 1)[0] === 1;
      const axis = isSingle ? 0 : form.axes?.(operand, shape.length) ?? 0;
      const zero = zeroPoint(node, position + 2, dtype);
      const floats = list.add("DequantizeLinear", [node.input(position), node.input(position + 1), zero], { axis });
      types.set(floats, { dtype: "f32", shape });
      return floats;
    });
    const bias = dequantizedBias(node, list, form);
    if (bias) {
      types.set(bias, { dtype: "f32", shape: node.shape(form.bias!) });
      inputs.push(bias);
    }
    const made = operator(node.over(inputs, [node.freshValue("float")], types));
    const result = made === ALIAS ? inputs[0] : list.take(...made);
    const zero = node.has(form.result + 1)
      ? node.input(form.result + 1)
      : node.enter("zero_point", tensorOf("u8", node.shape(form.result), [0]));
    list.add("QuantizeLinear", [result, node.input(form.result), zero], { axis: 0 });
    return list.finish();
  };
}

/** Operand, scale, zero point, then the result's. */
const one = (): Form => ({ operands: [0], result: 3 });
/** Two of them. */
const two = (): Form => ({ operands: [0, 3], result: 6 });

/** Images with the channels last are another layout. */
function channelsFirst(operator: OnnxOperator): OnnxOperator {
  return (node) => {
    if (node.int("channels_last", 0) !== 0) node.fail("channels_last is not supported");
    return operator(node);
  };
}

/** Those of ONNX's own domain. */
export const qLinearConv: OnnxOperator = quantized(conv, () => ({ ...two(), bias: 8 }));

/** Several scales belong to rows of the first and columns of the second matrix. */
export const qLinearMatMul: OnnxOperator = quantized(matMul, () => ({
  ...two(),
  axes: (operand, rank) => operand === 0 ? rank - 2 : rank - 1,
}));

const unary = unaryOperators();

/** Those that ONNX Runtime's quantizer writes besides (domain `com.microsoft`). */
export const QLINEAR_OPERATORS: Readonly<Record<string, OnnxOperator>> = {
  QGemm: quantized(gemm, (node) => ({
    operands: [0, 3],
    bias: 6,
    result: 7,
    axes: () => node.int("transB", 0) === 0 ? 1 : 0,
    factor: (read) => read.float("alpha", 1),
  })),
  QLinearAdd: quantized(binary("Add"), two),
  QLinearAveragePool: channelsFirst(quantized(averagePool, one)),
  QLinearConcat: quantized(concat, (node) => ({
    operands: Array.from({ length: Math.floor((node.inputs.length - 2) / 3) }, (_, index) => 2 + 3 * index),
    result: 0,
  })),
  QLinearGlobalAveragePool: channelsFirst(quantized(globalAveragePool, one)),
  QLinearLeakyRelu: quantized(unary.LeakyRelu, one),
  QLinearMul: quantized(binary("Mul"), two),
  QLinearSigmoid: quantized(unary.Sigmoid, one),
  QLinearSoftmax: quantized((node) => {
    // It says itself by which operator set its axis counts.
    const opset = node.int("opset", 13);
    if (opset < 13) node.fail(`softmax of operator set ${opset} is not supported`);
    return softmax(node);
  }, one),
};
