/**
 * Writes a graph with int8 as ONNX spells it: QuantizeLinear and DequantizeLinear around every value that is stored in int8, integer
 * weights and biases behind DequantizeLinear.
 *
 * @module
 */

import { type Constant, type Graph, namesOf, type Node, producers, uniqueName, withNodes } from "../../graph/mod.ts";
import type { QuantizationParameters } from "./quantization_parameters.ts";
import type { Placement } from "./placement.ts";
import type { IntegerBias, IntegerWeights } from "./weights.ts";

/** The integers of a layer; without weights for a product of two activations, without a bias where there is none. */
export interface IntegerLayer {
  readonly weights?: IntegerWeights;
  readonly bias?: IntegerBias;
}

/** The int8 form of a graph. `scales` has an entry for every set of the placement, `integers` for every int8 layer by its node. */
export function emitQdq(
  graph: Graph,
  placement: Placement,
  scales: readonly QuantizationParameters[],
  integers: ReadonlyMap<Node, IntegerLayer>,
): Graph {
  const taken = namesOf(graph);
  const constants = new Map(graph.constants);
  const makers = producers(graph);
  const define = (base: string, constant: Constant): string => {
    const name = uniqueName(taken, base);
    constants.set(name, constant);
    return name;
  };
  const zeros = new Map<string, string>();
  /** Zero points of weights and biases are 0: one constant serves all of a type and shape. */
  const zeroPoint = (dtype: "i8" | "i32", shape: readonly number[]): string => {
    const key = `zero_${dtype}_${shape.join("x")}`;
    const size = shape[0] ?? 1;
    const data = dtype === "i8" ? new Int8Array(size) : new Int32Array(size);
    if (!zeros.has(key)) zeros.set(key, define(key, { dtype, shape, data }));
    return zeros.get(key)!;
  };
  const dequantize = (base: string, inputs: readonly string[], axis: number): Node => ({
    op: "DequantizeLinear",
    name: uniqueName(taken, `${base}/DequantizeLinear`),
    inputs,
    outputs: [uniqueName(taken, `${base}/dequantized`)],
    attributes: { axis },
  });
  /** An integer constant and the node that makes it a real one. */
  const integerConstant = (
    base: string,
    dtype: "i8" | "i32",
    { data, shape, scales, axis }: {
      readonly data: Int8Array | Int32Array;
      readonly shape: readonly number[];
      readonly scales: Float32Array;
      readonly axis: number | undefined;
    },
  ): Node => {
    const value = define(`${base}/quantized`, { dtype, shape, data });
    const perChannel = axis === undefined ? [] : [scales.length];
    const scale = define(`${base}/scale`, { dtype: "f32", shape: perChannel, data: scales });
    return dequantize(base, [value, scale, zeroPoint(dtype, perChannel)], axis ?? 0);
  };

  const dequantized = new Map<string, string>();
  const pairs = new Map<string, readonly Node[]>();
  placement.sets.forEach((values, index) => {
    const { scale, zeroPoint } = scales[index];
    const scaleName = define(`${values[0]}/scale`, { dtype: "f32", shape: [], data: Float32Array.of(scale) });
    const zeroName = define(`${values[0]}/zero_point`, { dtype: "i8", shape: [], data: Int8Array.of(zeroPoint) });
    for (const value of values) {
      const integer = uniqueName(taken, `${value}/quantized`);
      const quantize: Node = {
        op: "QuantizeLinear",
        name: uniqueName(taken, `${value}/QuantizeLinear`),
        inputs: [value, scaleName, zeroName],
        outputs: [integer],
        attributes: { axis: 0 },
      };
      const back = dequantize(value, [integer, scaleName, zeroName], 0);
      dequantized.set(value, back.outputs[0]);
      pairs.set(value, [quantize, back]);
    }
  });

  const isGraphInput = (value: string) => !makers.has(value);
  const nodes: Node[] = [...pairs].filter(([value]) => isGraphInput(value)).flatMap(([, pair]) => pair);
  for (const node of graph.nodes) {
    const { weights, bias } = integers.get(node) ?? {};
    const inputs = node.inputs.map((value) =>
      dequantized.has(value) && placement.readsInt8(node, value) ? dequantized.get(value)! : value
    );
    if (weights) {
      const { shape } = graph.constants.get(node.inputs[1])!;
      const real = integerConstant(`${node.name}/weight`, "i8", { ...weights, shape });
      inputs[1] = real.outputs[0];
      nodes.push(real);
    }
    if (bias) {
      const real = integerConstant(`${node.name}/bias`, "i32", { ...bias, shape: [bias.data.length], axis: 0 });
      inputs[2] = real.outputs[0];
      nodes.push(real);
    }
    nodes.push({ ...node, inputs });
    for (const value of node.outputs) nodes.push(...pairs.get(value) ?? []);
  }
  return withNodes({ ...graph, constants }, nodes, constants);
}
