/**
 * Every operator of the graph as nodes of ONNX operator set 17, attributes in full.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import type { Shape } from "../../graph/graph.ts";
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
import { eachPair, type PairOperator } from "../../graph/pairs.ts";
import { eachUnary } from "../../graph/unary.ts";
import { isStatable } from "../../passes/sizes/resized_extent.ts";
import { writeUnpackWeights } from "../packed_weights.ts";
import { ELEMENT_NUMBER, float, int, ints, text } from "./attributes.ts";
import { clip, pair, unary } from "./elementwise.ts";
import { type OnnxNode, same, type Writer } from "./node.ts";

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
  AnchorLoss: unwritten,
  FakeQuantize: unwritten,
  FakeQuantizeWeights: unwritten,
  NoisyQuantize: unwritten,
};

/** The ONNX nodes that compute a node of the graph, in order. */
export function onnxNodes(node: Node, writer: Writer): OnnxNode[] {
  return dispatch(OPERATORS, node, writer);
}
