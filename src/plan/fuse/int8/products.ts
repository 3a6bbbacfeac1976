/**
 * Quantized products with a constant matrix as 1x1 convolutions of one pixel, an image a row, so that the kernels of convolutions
 * compute them in whole numbers:
 *
 *     Gemm(Dequantize(q [N,K]), Dequantize(w), bias) is Reshape(Conv(Dequantize(Reshape(q, [N,K,1,1])), Dequantize(w'), bias), [N,M])
 *
 * @module
 */

import {
  type Constant,
  type Graph,
  GraphEditor,
  GraphIndex,
  type Node,
  type Shape,
  sizeOf,
} from "../../../graph/mod.ts";
import { cellsOf } from "../../../kernels/int8/cells.ts";

/** Most rows: more are better off in matrix kernels, since a thread of a convolution computes neighbouring pixels. */
const MOST_ROWS = 16;

type Product = Node<"Gemm" | "MatMul">;

/** The integers of a product's matrix. */
interface Matrix {
  /** `[K,M]`, or `[M,K]` where `transposed`. */
  readonly integers: Constant;
  readonly transposed: boolean;
  readonly scale: Constant;
  readonly zeroPoint: Constant;
}

/** The matrix as `[M,K,1,1]`. */
function asWeights({ integers, transposed }: Matrix): Constant {
  const [rows, columns] = integers.shape;
  if (transposed) return { ...integers, shape: [rows, columns, 1, 1] };
  const data = integers.data.slice();
  for (let k = 0; k < rows; k++) {
    for (let m = 0; m < columns; m++) data[m * rows + k] = integers.data[k * columns + m];
  }
  return { ...integers, shape: [columns, rows, 1, 1], data };
}

/** The graph with such products as convolutions. */
export function convolveProducts(graph: Graph): Graph {
  const products = graph.nodes.filter((node): node is Product => node.op === "Gemm" || node.op === "MatMul");
  if (products.length === 0 || !graph.nodes.some(({ op }) => op === "DequantizeLinear")) return graph;
  const index = GraphIndex.of(graph), editor = new GraphEditor(graph);
  let convolved = 0;

  const constantsOf = (node: Node) => node.inputs.map((name) => index.constantOf(name));

  const hasOneScale = (node: Node): boolean => {
    const [, scale, zeroPoint] = constantsOf(node);
    return cellsOf(scale, zeroPoint) !== undefined;
  };

  /** The matrix of a product; undefined where its scales do not go along its outputs. */
  const matrixOf = (node: Product): Matrix | undefined => {
    const back = index.producerOf(node.inputs[1]);
    if (back?.op !== "DequantizeLinear") return undefined;
    const [integers, scale, zeroPoint] = constantsOf(back);
    if (!integers || !scale || !zeroPoint || integers.shape.length !== 2 || integers.dtype === "i32") return undefined;
    const transposed = node.op === "Gemm" && node.attributes.transposeB;
    const along = scale.data.length === 1 || back.attributes.axis === (transposed ? 0 : 1);
    return along ? { integers, transposed, scale, zeroPoint } : undefined;
  };

  const reshape = (name: string, from: string, to: string, shape: Shape) =>
    editor.nodeWithOutputs("Reshape", name, [from], { shape }, [to]);
  const dequantize = (name: string, inputs: readonly string[], to: string) =>
    editor.nodeWithOutputs("DequantizeLinear", name, inputs, { axis: 0 }, [to]);

  for (const node of products) {
    const plain = node.op === "MatMul" ||
      node.attributes.alpha === 1 && node.attributes.beta === 1 && !node.attributes.transposeA;
    const back = index.producerOf(node.inputs[0]);
    const matrix = matrixOf(node);
    if (!plain || !matrix || back?.op !== "DequantizeLinear" || index.isConstant(back.inputs[0])) continue;
    const shape = index.shapeOf(node.inputs[0]), output = index.shapeOf(node.outputs[0]);
    const depth = shape[shape.length - 1], rows = sizeOf(shape) / depth, columns = output[output.length - 1];
    const bias = node.inputs.length > 2 ? index.shapeOf(node.inputs[2]) : undefined;
    if (!hasOneScale(back) || rows > MOST_ROWS || bias && (bias.length !== 1 || bias[0] !== columns)) continue;

    const name = (what: string) => editor.uniqueName(`${node.name}/${what}`);
    const [bytes, x, weight, map] = ["bytes", "image", "weight", "map"].map(name);
    const matrices = [asWeights(matrix), matrix.scale, matrix.zeroPoint];
    const integers = ["integers", "scale", "zero_point"].map((what, i) => editor.define(name(what), matrices[i]));
    // What quantizes the result does so in row memory, with the convolution.
    const reader = index.soleReader(node.outputs[0]);
    const quantizer = reader?.op === "QuantizeLinear" && hasOneScale(reader) ? reader : undefined;
    const quantized = quantizer && name("quantized");
    const result = quantizer ? quantizer.outputs[0] : node.outputs[0];
    const conv: Node = {
      op: "Conv",
      name: node.name,
      inputs: [x, weight, ...node.inputs.slice(2)],
      outputs: [map],
      attributes: { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 },
    };
    if (quantizer) editor.replace(quantizer, []);
    editor.replace(node, () => {
      reshape(name("to_image"), back.inputs[0], bytes, [rows, depth, 1, 1]);
      dequantize(name("dequantize"), [bytes, ...back.inputs.slice(1)], x);
      dequantize(name("dequantize_weight"), integers, weight);
      editor.put(conv);
      if (quantized) editor.put({ ...quantizer, inputs: [map, ...quantizer.inputs.slice(1)], outputs: [quantized] });
      reshape(name("from_image"), quantized ?? map, result, output);
    });
    convolved++;
  }
  return convolved === 0 ? graph : editor.finish();
}
