/**
 * A graph as a table that people can read.
 *
 * @module
 */

import { analyze } from "./analyze.ts";
import type { Graph, TensorType } from "./graph.ts";
import { inferTypes } from "./infer.ts";
import type { Node, Operator, OperatorAttributes } from "./operators.ts";
import { show } from "./shapes/common.ts";
import { eachUnary } from "./unary.ts";
import { eachPair } from "./pairs.ts";

/** Attribute values that go without saying. */
const USUAL: { readonly [K in Operator]: Partial<OperatorAttributes[K]> } = {
  Conv: { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 },
  ConvTranspose: { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1, outputPadding: [0, 0] },
  BatchNormalization: {},
  ...eachUnary(() => ({})),
  Add: {},
  Sub: {},
  Mul: {},
  Div: {},
  ...eachPair(() => ({})),
  MaxPool: { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], ceilMode: false },
  AveragePool: {
    strides: [1, 1],
    pads: [0, 0, 0, 0],
    dilations: [1, 1],
    ceilMode: false,
    countIncludePad: false,
  },
  GlobalAveragePool: {},
  ReduceMean: { keepDims: true },
  ReduceSum: { keepDims: true },
  ReduceMax: { keepDims: true },
  Gemm: { alpha: 1, beta: 1, transposeA: false, transposeB: false },
  MatMul: {},
  Softmax: {},
  Concat: {},
  Split: {},
  Slice: {},
  Reshape: {},
  Transpose: {},
  TopK: { largest: true },
  GatherElements: {},
  Resize: {},
  Pad: { mode: "constant", value: 0 },
  QuantizeLinear: { axis: 0 },
  DequantizeLinear: { axis: 0 },
  DynamicQuantizeLinear: {},
  ConvInteger: { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 },
  MatMulInteger: {},
  Cast: {},
  UnpackWeights: {},
  ConvWeightGradient: { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 },
  BatchNormTraining: {},
  BatchNormGradient: {},
  BatchNormApply: {},
  ActivationGradient: {},
  MaxPoolGradient: { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], ceilMode: false },
  ReduceMaxGradient: { keepDims: true },
  ResizeGradient: {},
  SoftmaxGradient: {},
  DetectionLoss: {},
  AnchorLoss: {},
  FakeQuantize: {},
  FakeQuantizeWeights: {},
  NoisyQuantize: {},
};

function text(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(text).join(",")}]`;
  if (typeof value === "object") return Object.values(value!).map(text).join("/");
  return typeof value === "number" && !Number.isInteger(value) ? String(Number(value.toPrecision(6))) : String(value);
}

function attributesOf(node: Node): string {
  const usual: Readonly<Record<string, unknown>> = USUAL[node.op];
  return Object.entries(node.attributes)
    .map(([name, value]) => [name, text(value)])
    .filter(([name, value]) => !Object.hasOwn(usual, name) || text(usual[name]) !== value)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

/** Lines of cells padded to columns; columns of numbers are flush right. */
function align(rows: readonly (readonly string[])[], flushRight: ReadonlySet<number>): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row.map((cell, column) => flushRight.has(column) ? cell.padStart(widths[column]) : cell.padEnd(widths[column]))
      .join("  ").trimEnd()
  );
}

function typed(name: string, { dtype, shape }: TensorType): string {
  return `${name} ${dtype}${show(shape)}`;
}

/**
 * Prints a graph: inputs, outputs, then one line per node with its index, operator, name, shapes, attributes that are not the
 * usual ones, and parameters. Throws FeatherdetError if shapes do not fit.
 */
export function printGraph(graph: Graph): string {
  const types = inferTypes(graph);
  const { parameters, layers } = analyze(graph);
  const shapes = (names: readonly string[]) => names.map((name) => show(types.get(name)!.shape)).join(" ");
  const rows = graph.nodes.map((node, index) => [
    String(index),
    node.op,
    node.name,
    `${shapes(node.inputs)} -> ${shapes(node.outputs)}`,
    layers[index].parameters === 0 ? "" : layers[index].parameters.toLocaleString("en-US"),
    attributesOf(node),
  ]);
  const heading = ["#", "operator", "name", "inputs -> outputs", "parameters", "attributes"];
  return [
    `graph "${graph.name}": ${graph.nodes.length} nodes, ${parameters.toLocaleString("en-US")} parameters`,
    ...graph.inputs.map((input) => `input  ${typed(input.name, input)}`),
    ...graph.outputs.map((name) => `output ${typed(name, types.get(name)!)}`),
    ...align([heading, ...rows], new Set([0, 4])),
  ].join("\n");
}
