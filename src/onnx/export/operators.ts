/**
 * Every operator of the graph as nodes of ONNX operator set 17, attributes in full.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import type { Constant, Shape } from "../../graph/graph.ts";
import {
  type BinaryOperator,
  type ConvAttributes,
  dispatch,
  type Node,
  type OperatorFunctions,
  type PoolAttributes,
  type ReduceAttributes,
  type TrainingOperator,
} from "../../graph/operators.ts";
import { eachUnary, type UnaryOperator, unaryRow } from "../../graph/unary.ts";
import { isStatable } from "../../passes/sizes/resized_extent.ts";
import { writeUnpackWeights } from "../packed_weights.ts";
import { type AttributeValue, ELEMENT_NUMBER, float, int, ints, text } from "./attributes.ts";
import { eachPair, type PairOperator, PAIRS } from "../../graph/pairs.ts";

/** Operator set of the written files. */
export const OPSET = 17;

/** ONNX's number of booleans. */
const BOOLEAN = 9;

/** What a node needs beyond itself: parameters that ONNX takes as inputs, values in between. */
export interface Writer {
  /** Adds a list, or a single number, as an initializer; returns its name. */
  numbers(suffix: string, type: "int64" | "float", numbers: readonly number[] | number): string;
  /** Adds an initializer that the whole file shares, known by its name; returns that, or another if it is taken. */
  shared(name: string, constant: Constant | readonly number[]): string;
  /** A fresh name for a value between two ONNX nodes. */
  value(suffix: string): string;
  /** Shape of a value of the graph. */
  shape(name: string): Shape;
}

/** An ONNX node in plain form. */
export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

/** The node itself, with ONNX's attributes and, where they differ, its inputs. */
function same(
  node: Node,
  attributes: OnnxNode["attributes"] = {},
  inputs: readonly string[] = node.inputs,
): OnnxNode[] {
  return [{ op: node.op, inputs, outputs: node.outputs, attributes }];
}

/** Operators of the same inputs as ONNX's and without attributes there. */
type PlainOperator =
  | Exclude<BinaryOperator, PairOperator>
  | "GlobalAveragePool"
  | "MatMul"
  | "DynamicQuantizeLinear"
  | "MatMulInteger";

const plain = (node: Node<PlainOperator>) => same(node);

function convolution({ strides, pads, dilations, groups }: ConvAttributes, weight: Shape): OnnxNode["attributes"] {
  return {
    auto_pad: text("NOTSET"),
    dilations: ints(...dilations),
    group: int(groups),
    kernel_shape: ints(weight[2], weight[3]),
    pads: ints(...pads),
    strides: ints(...strides),
  };
}

function pooling({ kernel, strides, pads, ceilMode }: PoolAttributes): OnnxNode["attributes"] {
  return {
    auto_pad: text("NOTSET"),
    ceil_mode: int(ceilMode),
    kernel_shape: ints(...kernel),
    pads: ints(...pads),
    strides: ints(...strides),
  };
}

function reduction({ axes, keepDims }: ReduceAttributes): OnnxNode["attributes"] {
  return { axes: ints(...axes), keepdims: int(keepDims) };
}

function clip(node: Node<"Clip">, writer: Writer): OnnxNode[] {
  const bound = (suffix: string, value: number) => Number.isFinite(value) ? writer.numbers(suffix, "float", value) : "";
  const { min, max } = node.attributes;
  const inputs = [node.inputs[0], bound("min", min), bound("max", max)];
  while (inputs.at(-1) === "") inputs.pop();
  return same(node, {}, inputs);
}

/** x * (1 + erf(x / sqrt(2))) / 2, as PyTorch writes it. */
function gelu({ inputs: [x], outputs }: Node<"Gelu">, writer: Writer): OnnxNode[] {
  const number = (name: string, value: number) =>
    writer.shared(name, { dtype: "f32", shape: [], data: Float32Array.of(value) });
  const made: OnnxNode[] = [];
  const make = (op: string, inputs: readonly string[], output = writer.value(op.toLowerCase())) => {
    made.push({ op, inputs, outputs: [output], attributes: {} });
    return output;
  };
  const gate = make("Erf", [make("Div", [x, number("root_of_two", Math.SQRT2)])]);
  make("Mul", [make("Mul", [x, make("Add", [gate, number("one", 1)])]), number("half", 0.5)], outputs[0]);
  return made;
}

/** By its own name where the operator set has it, else as x times the gate of its row. */
function unary(node: Node<UnaryOperator>, writer: Writer): OnnxNode[] {
  if (node.op === "Gelu") return gelu(node, writer);
  const { onnx, gate } = unaryRow(node.op);
  if (onnx !== undefined && onnx <= OPSET) {
    const attributes = Object.entries(node.attributes).map(([name, value]) => [name, float(value)] as const);
    return same(node, Object.fromEntries(attributes));
  }
  if (gate === undefined) {
    throw new FeatherdetError(`has no form in ONNX operator set ${OPSET}`, { node: node.name, operator: node.op });
  }
  const [x] = node.inputs;
  let value = x;
  const steps = gate.map(({ op, attributes = {} }): OnnxNode => {
    const inputs = [value];
    value = writer.value(op.toLowerCase());
    const numbers = Object.entries(attributes).map(([name, number]) => [name, float(number)] as const);
    return { op, inputs, outputs: [value], attributes: Object.fromEntries(numbers) };
  });
  return [...steps, { op: "Mul", inputs: [x, value], outputs: node.outputs, attributes: {} }];
}

/** By its own name; what ONNX says with booleans becomes floats again. */
function pair(node: Node<PairOperator>, writer: Writer): OnnxNode[] {
  const cast = (from: string, to: string, type: number): OnnxNode => ({
    op: "Cast",
    inputs: [from],
    outputs: [to],
    attributes: { to: int(type) },
  });
  const truth = writer.value("truth");
  if (node.op === "Mask") {
    const zero = writer.shared("no_number", { dtype: "f32", shape: [], data: new Float32Array(1) });
    const [condition, x] = node.inputs;
    return [cast(condition, truth, BOOLEAN), {
      op: "Where",
      inputs: [truth, x, zero],
      outputs: node.outputs,
      attributes: {},
    }];
  }
  if (!PAIRS[node.op].boolean) return same(node);
  return [
    { op: node.op, inputs: node.inputs, outputs: [truth], attributes: {} },
    cast(truth, node.outputs[0], ELEMENT_NUMBER.f32),
  ];
}

/** By scales where every reader gets the size from them; by size where the scales are no more than its quotients. */
function resize(node: Node<"Resize">, writer: Writer): OnnxNode[] {
  const { mode, coordinates, nearest, size, scales } = node.attributes;
  const shape = writer.shape(node.inputs[0]);
  const stated = scales.every((scale, axis) => isStatable(scale, shape[2 + axis], size[axis]));
  const quotients = scales.every((scale, axis) => scale === size[axis] / shape[2 + axis]);
  const inputs = !stated && quotients
    ? [node.inputs[0], "", "", writer.numbers("sizes", "int64", [shape[0], shape[1], ...size])]
    : [node.inputs[0], "", writer.numbers("scales", "float", [1, 1, ...scales])];
  return same(node, {
    coordinate_transformation_mode: text(coordinates),
    mode: text(mode),
    nearest_mode: text(nearest),
  }, inputs);
}

function unwritten(node: Node<TrainingOperator>): never {
  throw new FeatherdetError("has no ONNX form, for only training has it: save the model that was trained instead", {
    node: node.name,
    operator: node.op,
  });
}

const OPERATORS: OperatorFunctions<[writer: Writer], OnnxNode[]> = {
  Conv: (node, writer) => same(node, convolution(node.attributes, writer.shape(node.inputs[1]))),
  ConvTranspose: (node, writer) =>
    same(node, {
      ...convolution(node.attributes, writer.shape(node.inputs[1])),
      output_padding: ints(...node.attributes.outputPadding),
    }),
  BatchNormalization: (node) =>
    same(node, { epsilon: float(node.attributes.epsilon), momentum: float(0.9), training_mode: int(0) }),
  ...eachUnary(() => unary),
  Clip: clip,
  Add: plain,
  Sub: plain,
  Mul: plain,
  Div: plain,
  ...eachPair(() => pair),
  MaxPool: (node) =>
    same(node, { ...pooling(node.attributes), dilations: ints(...node.attributes.dilations), storage_order: int(0) }),
  AveragePool: (node) =>
    same(node, { ...pooling(node.attributes), count_include_pad: int(node.attributes.countIncludePad) }),
  GlobalAveragePool: plain,
  ReduceMean: (node) => same(node, reduction(node.attributes)),
  ReduceSum: (node, writer) =>
    same(node, { keepdims: int(node.attributes.keepDims), noop_with_empty_axes: int(0) }, [
      node.inputs[0],
      writer.numbers("axes", "int64", node.attributes.axes),
    ]),
  ReduceMax: (node) => same(node, reduction(node.attributes)),
  Gemm: (node) =>
    same(node, {
      alpha: float(node.attributes.alpha),
      beta: float(node.attributes.beta),
      transA: int(node.attributes.transposeA),
      transB: int(node.attributes.transposeB),
    }),
  MatMul: plain,
  Softmax: (node) => same(node, { axis: int(node.attributes.axis) }),
  Concat: (node) => same(node, { axis: int(node.attributes.axis) }),
  Split: (node, writer) =>
    same(node, { axis: int(node.attributes.axis) }, [
      node.inputs[0],
      writer.numbers("sizes", "int64", node.attributes.sizes),
    ]),
  Slice: (node, writer) => {
    const { axes, starts, ends, steps } = node.attributes;
    // -1 would be counted from the end; far below it is clamped to "before the first".
    const written = ends.map((end, index) => steps[index] < 0 && end < 0 ? -(2 ** 31) : end);
    const list = (suffix: string, numbers: readonly number[]) => writer.numbers(suffix, "int64", numbers);
    return same(node, {}, [
      node.inputs[0],
      list("starts", starts),
      list("ends", written),
      list("axes", axes),
      list("steps", steps),
    ]);
  },
  Reshape: (node, writer) =>
    same(node, { allowzero: int(0) }, [node.inputs[0], writer.numbers("shape", "int64", node.attributes.shape)]),
  TopK: (node, writer): OnnxNode[] => {
    const { axis, k, largest } = node.attributes;
    const [values, places] = node.outputs, wide = writer.value("places");
    const inputs = [node.inputs[0], writer.numbers("k", "int64", [k])];
    return [
      {
        op: "TopK",
        inputs,
        outputs: [values, wide],
        attributes: { axis: int(axis), largest: int(largest), sorted: int(1) },
      },
      // ONNX's places have 64 bits.
      { op: "Cast", inputs: [wide], outputs: [places], attributes: { to: int(ELEMENT_NUMBER.i32) } },
    ];
  },
  GatherElements: (node) => same(node, { axis: int(node.attributes.axis) }),
  Transpose: (node) => same(node, { perm: ints(...node.attributes.perm) }),
  Resize: resize,
  Pad: (node, writer) =>
    same(node, { mode: text(node.attributes.mode) }, [
      node.inputs[0],
      writer.numbers("pads", "int64", node.attributes.pads),
      writer.numbers("value", "float", node.attributes.value),
    ]),
  QuantizeLinear: (node) => same(node, { axis: int(node.attributes.axis) }),
  DequantizeLinear: (node) => same(node, { axis: int(node.attributes.axis) }),
  DynamicQuantizeLinear: plain,
  ConvInteger: (node, writer) => same(node, convolution(node.attributes, writer.shape(node.inputs[1]))),
  MatMulInteger: plain,
  Cast: (node) => same(node, { to: int(ELEMENT_NUMBER[node.attributes.to]) }),
  UnpackWeights: writeUnpackWeights,
  ConvWeightGradient: unwritten,
  BatchNormTraining: unwritten,
  BatchNormGradient: unwritten,
  BatchNormApply: unwritten,
  ActivationGradient: unwritten,
  MaxPoolGradient: unwritten,
  ReduceMaxGradient: unwritten,
  ResizeGradient: unwritten,
  SoftmaxGradient: unwritten,
  DetectionLoss: unwritten,
  FakeQuantize: unwritten,
  FakeQuantizeWeights: unwritten,
};

/** The ONNX nodes that compute a node of the graph, in order. */
export function onnxNodes(node: Node, writer: Writer): OnnxNode[] {
  return dispatch(OPERATORS, node, writer);
}
