/**
 * Makes products of floats of ConvInteger and MatMulInteger, so that the kernels and fusions of Conv and MatMul serve them.
 *
 * What quantizers write for a dynamically quantized layer,
 *
 *     q, s, z = DynamicQuantizeLinear(x);  Mul(Cast(ConvInteger(q, w, z, zw)), Mul(s, sw))  [+ bias]
 *
 * is the same as Conv(DequantizeLinear(q, s, z), DequantizeLinear(w, sw, zw), bias), but for the rounding of floats. Anywhere else
 * the factors are dequantized with a scale of 1: sums of whole numbers, exact below 2^24.
 *
 * @module
 */

import { type Constant, type Graph, GraphEditor, GraphIndex, type Node, type Shape, sizeOf } from "../../graph/mod.ts";

type IntegerProduct = Node<"ConvInteger" | "MatMulInteger">;

/** What follows a product up to its scaled result. */
interface Scaled {
  /** The nodes that the product of floats replaces besides the product itself. */
  readonly nodes: readonly Node[];
  /** The value that the last of them makes. */
  readonly output: string;
  /** Name of the first factor's scale. */
  readonly scale: string;
  /** The second factor's scales: one number, or one for each column of a matrix. */
  readonly weightScale: Constant;
  /** Added to each channel of a convolution. */
  readonly bias?: Constant;
}

/** Axis of the second factor that its outputs lie along. */
function outputAxis(node: IntegerProduct, shape: Shape): number {
  return node.op === "ConvInteger" ? 0 : shape.length - 1;
}

/** The numbers, repeated if there is one only. */
function repeated(constant: Constant, count: number): Constant {
  const { data, dtype, shape } = constant;
  if (data.length === count) return { dtype, shape: shape.length === 1 ? shape : [count], data };
  const longer = new (data.constructor as new (length: number) => Constant["data"])(count);
  return { dtype, shape: [count], data: longer.fill(data[0]) };
}

/** The graph without ConvInteger and MatMulInteger. */
export function lowerIntegerProducts(graph: Graph): Graph {
  const products = graph.nodes.filter((node): node is IntegerProduct =>
    node.op === "ConvInteger" || node.op === "MatMulInteger"
  );
  if (products.length === 0) return graph;
  const index = GraphIndex.of(graph), editor = new GraphEditor(graph);

  const enter = (base: string, constant: Constant) => editor.define(editor.uniqueName(base), constant);

  const scaledBehind = (node: IntegerProduct): Scaled | undefined => {
    const cast = index.soleReader(node.outputs[0]);
    if (cast?.op !== "Cast" || cast.attributes.to !== "f32") return undefined;
    const mul = index.soleReader(cast.outputs[0]);
    if (mul?.op !== "Mul") return undefined;
    const factor = index.producerOf(mul.inputs[mul.inputs[0] === cast.outputs[0] ? 1 : 0]);
    if (factor?.op !== "Mul") return undefined;
    const scale = factor.inputs.find((name) => !index.isConstant(name));
    const weightScale = factor.inputs.flatMap((name) => index.constantOf(name) ?? [])[0];
    if (scale === undefined || !weightScale) return undefined;
    const scaleShape = index.shapeOf(scale);
    if (scaleShape.length > 1 || sizeOf(scaleShape) !== 1) return undefined;
    const shape = index.shapeOf(node.inputs[1]);
    const perColumn = node.op === "MatMulInteger" && weightScale.shape.length === 1 &&
      weightScale.shape[0] === shape[shape.length - 1];
    const single = weightScale.data.length === 1 && weightScale.shape.length < 2;
    if (weightScale.dtype !== "f32" || !single && !perColumn) return undefined;
    const found = { nodes: [cast, mul], output: mul.outputs[0], scale, weightScale };
    const add = index.soleReader(mul.outputs[0]);
    if (node.op !== "ConvInteger" || add?.op !== "Add") return found;
    const bias = index.constantOf(add.inputs[add.inputs[0] === mul.outputs[0] ? 1 : 0]);
    if (bias?.dtype !== "f32" || bias.shape.join() !== [1, shape[0], 1, 1].join()) return found;
    return {
      ...found,
      nodes: [cast, mul, add],
      output: add.outputs[0],
      bias: { ...bias, shape: [shape[0]] },
    };
  };

  const dequantize = (of: IntegerProduct, x: string, scale: string, zeroPoint: string, axis: number): string => {
    const name = editor.uniqueName(`${of.name}/dequantize`), outputs = [editor.uniqueName(`${x}/float`)];
    return editor.nodeWithOutputs("DequantizeLinear", name, [x, scale, zeroPoint], { axis }, outputs)[0];
  };

  /** How many scales the second factor has. */
  const scaleCount = ({ inputs: [, , , zeroPoint] }: IntegerProduct, weightScale: Constant | undefined) =>
    Math.max(sizeOf(index.shapeOf(zeroPoint)), weightScale?.data.length ?? 1);

  /** Zero points that are known only when the graph runs cannot be repeated for more scales. */
  const takes = (node: IntegerProduct, { weightScale }: Scaled): boolean =>
    index.isConstant(node.inputs[3]) || sizeOf(index.shapeOf(node.inputs[3])) === scaleCount(node, weightScale);

  /** The second factor as floats. */
  const dequantizedWeight = (node: IntegerProduct, weightScale: Constant | undefined): string => {
    const [, weight, , zeroPoint] = node.inputs;
    const known = index.constantOf(zeroPoint), count = scaleCount(node, weightScale);
    const axis = count === 1 ? 0 : outputAxis(node, index.shapeOf(weight));
    const one: Constant = { dtype: "f32", shape: [1], data: Float32Array.of(1) };
    const scales = repeated(weightScale ?? one, count);
    if (known) {
      const zeros = enter(`${node.name}/weight_zero_point`, repeated(known, count));
      return dequantize(node, weight, enter(`${node.name}/weight_scale`, scales), zeros, axis);
    }
    const shaped = enter(`${node.name}/weight_scale`, { ...scales, shape: index.shapeOf(zeroPoint) });
    return dequantize(node, weight, shaped, zeroPoint, axis);
  };

  let one: string | undefined;
  const centred = new Map<string, string>();
  /** The first factor as floats. */
  const dequantizedInput = (node: IntegerProduct, scale: string | undefined): string => {
    const [x, , zeroPoint] = node.inputs;
    const by = scale ?? (one ??= enter("one", { dtype: "f32", shape: [], data: Float32Array.of(1) }));
    const key = JSON.stringify([x, by, zeroPoint]);
    const known = centred.get(key) ?? dequantize(node, x, by, zeroPoint, 0);
    centred.set(key, known);
    return known;
  };

  for (const node of products) {
    const found = scaledBehind(node);
    const scaled = found && takes(node, found) ? found : undefined;
    for (const other of scaled?.nodes ?? []) editor.replace(other, []);
    editor.replace(node, () => {
      const weight = dequantizedWeight(node, scaled?.weightScale);
      const factors = [dequantizedInput(node, scaled?.scale), weight];
      const bias = scaled?.bias ? [enter(`${node.name}/bias`, scaled.bias)] : [];
      const outputs = [scaled?.output ?? editor.uniqueName(`${node.name}/sums`)];
      const inputs = [...factors, ...bias];
      editor.put(
        node.op === "ConvInteger"
          ? { ...node, op: "Conv", inputs, outputs }
          : { ...node, op: "MatMul", inputs, outputs },
      );
      if (scaled) return;
      editor.nodeWithOutputs("Cast", editor.uniqueName(`${node.name}/whole`), outputs, { to: "i32" }, node.outputs);
    });
  }
  return editor.finish();
}
