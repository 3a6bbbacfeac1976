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

import {
  type Constant,
  consumers,
  type Graph,
  inferTypes,
  namesOf,
  type Node,
  producers,
  replaceNodes,
  type Shape,
  sizeOf,
  uniqueName,
} from "../../graph/mod.ts";

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
  const types = inferTypes(graph), makers = producers(graph), readers = consumers(graph), taken = namesOf(graph);
  const added = new Map<string, Constant>();
  const replaced = new Map<Node, Node[]>();

  const enter = (base: string, constant: Constant): string => {
    const name = uniqueName(taken, base);
    added.set(name, constant);
    return name;
  };

  const soleReader = (value: string): Node | undefined => {
    const list = readers.get(value)!;
    return list.length === 1 && !graph.outputs.includes(value) ? list[0] : undefined;
  };

  const scaledBehind = (node: IntegerProduct): Scaled | undefined => {
    const cast = soleReader(node.outputs[0]);
    if (cast?.op !== "Cast" || cast.attributes.to !== "f32") return undefined;
    const mul = soleReader(cast.outputs[0]);
    if (mul?.op !== "Mul" || mul.inputs[0] === mul.inputs[1]) return undefined;
    const factor = makers.get(mul.inputs[mul.inputs[0] === cast.outputs[0] ? 1 : 0]);
    if (factor?.op !== "Mul") return undefined;
    const scale = factor.inputs.find((name) => !graph.constants.has(name));
    const weightScale = factor.inputs.flatMap((name) => graph.constants.get(name) ?? [])[0];
    if (scale === undefined || !weightScale) return undefined;
    const { shape: scaleShape } = types.get(scale)!;
    if (scaleShape.length > 1 || sizeOf(scaleShape) !== 1) return undefined;
    const { shape } = types.get(node.inputs[1])!;
    const perColumn = node.op === "MatMulInteger" && weightScale.shape.length === 1 &&
      weightScale.shape[0] === shape[shape.length - 1];
    const single = weightScale.data.length === 1 && weightScale.shape.length < 2;
    if (weightScale.dtype !== "f32" || !single && !perColumn) return undefined;
    const found = { nodes: [cast, mul], output: mul.outputs[0], scale, weightScale };
    const add = soleReader(mul.outputs[0]);
    if (node.op !== "ConvInteger" || add?.op !== "Add") return found;
    const bias = graph.constants.get(add.inputs[add.inputs[0] === mul.outputs[0] ? 1 : 0]);
    if (bias?.dtype !== "f32" || bias.shape.join() !== [1, shape[0], 1, 1].join()) return found;
    return {
      ...found,
      nodes: [cast, mul, add],
      output: add.outputs[0],
      bias: { ...bias, shape: [shape[0]] },
    };
  };

  const dequantize = (of: IntegerProduct, x: string, scale: string, zeroPoint: string, axis: number): Node => ({
    op: "DequantizeLinear",
    name: uniqueName(taken, `${of.name}/dequantize`),
    inputs: [x, scale, zeroPoint],
    outputs: [uniqueName(taken, `${x}/float`)],
    attributes: { axis },
  });

  /** The second factor as floats. */
  const dequantizedWeight = (node: IntegerProduct, weightScale: Constant | undefined): Node | undefined => {
    const [, weight, , zeroPoint] = node.inputs;
    const zeroShape = types.get(zeroPoint)!.shape, known = graph.constants.get(zeroPoint);
    const count = Math.max(sizeOf(zeroShape), weightScale?.data.length ?? 1);
    const axis = count === 1 ? 0 : outputAxis(node, types.get(weight)!.shape);
    const one: Constant = { dtype: "f32", shape: [1], data: Float32Array.of(1) };
    const scales = repeated(weightScale ?? one, count);
    if (known) {
      const zeros = enter(`${node.name}/weight_zero_point`, repeated(known, count));
      return dequantize(node, weight, enter(`${node.name}/weight_scale`, scales), zeros, axis);
    }
    if (sizeOf(zeroShape) !== count) return undefined;
    const shaped = enter(`${node.name}/weight_scale`, { ...scales, shape: zeroShape });
    return dequantize(node, weight, shaped, zeroPoint, axis);
  };

  let one: string | undefined;
  const centred = new Map<string, Node>();
  /** The first factor as floats, and the node that makes it where none does yet. */
  const dequantizedInput = (node: IntegerProduct, scale: string | undefined): { value: string; made: Node[] } => {
    const [x, , zeroPoint] = node.inputs;
    const by = scale ?? (one ??= enter("one", { dtype: "f32", shape: [], data: Float32Array.of(1) }));
    const key = JSON.stringify([x, by, zeroPoint]);
    const known = centred.get(key);
    const made = known ?? dequantize(node, x, by, zeroPoint, 0);
    centred.set(key, made);
    return { value: made.outputs[0], made: known ? [] : [made] };
  };

  for (const node of products) {
    let scaled = scaledBehind(node);
    let weight = dequantizedWeight(node, scaled?.weightScale);
    if (!weight) {
      scaled = undefined;
      weight = dequantizedWeight(node, undefined)!;
    }
    const input = dequantizedInput(node, scaled?.scale);
    const bias = scaled?.bias && [enter(`${node.name}/bias`, scaled.bias)];
    const result = scaled?.output ?? uniqueName(taken, `${node.name}/sums`);
    const inputs = [input.value, weight.outputs[0], ...bias ?? []];
    const product: Node = node.op === "ConvInteger"
      ? { ...node, op: "Conv", inputs, outputs: [result] }
      : { ...node, op: "MatMul", inputs, outputs: [result] };
    const whole: Node = {
      op: "Cast",
      name: uniqueName(taken, `${node.name}/whole`),
      inputs: [result],
      outputs: node.outputs,
      attributes: { to: "i32" },
    };
    replaced.set(node, [weight, ...input.made, product, ...scaled ? [] : [whole]]);
    for (const other of scaled?.nodes ?? []) replaced.set(other, []);
  }
  return replaceNodes(graph, replaced, added);
}
