/**
 * Writes a graph with int8 as ONNX spells it: QuantizeLinear and DequantizeLinear around every value that is stored in int8, integer
 * weights and biases behind DequantizeLinear.
 *
 * @module
 */

import { type Constant, type Graph, GraphEditor, type Node } from "../../graph/mod.ts";
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
  const editor = new GraphEditor(graph);
  const define = (base: string, constant: Constant) => editor.define(editor.uniqueName(base), constant);
  const zeros = new Map<string, string>();
  /** Zero points of weights and biases are 0: one constant serves all of a type and shape. */
  const zeroPoint = (dtype: "i8" | "i32", shape: readonly number[]): string => {
    const key = `zero_${dtype}_${shape.join("x")}`;
    const size = shape[0] ?? 1;
    const data = dtype === "i8" ? new Int8Array(size) : new Int32Array(size);
    if (!zeros.has(key)) zeros.set(key, define(key, { dtype, shape, data }));
    return zeros.get(key)!;
  };
  const dequantize = (base: string, inputs: readonly string[], axis: number): string => {
    const name = editor.uniqueName(`${base}/DequantizeLinear`);
    const outputs = [editor.uniqueName(`${base}/dequantized`)];
    return editor.nodeWithOutputs("DequantizeLinear", name, inputs, { axis }, outputs)[0];
  };
  /** An integer constant as a real one. */
  const integerConstant = (
    base: string,
    dtype: "i8" | "i32",
    { data, shape, scales, axis }: {
      readonly data: Int8Array | Int32Array;
      readonly shape: readonly number[];
      readonly scales: Float32Array;
      readonly axis: number | undefined;
    },
  ): string => {
    const value = define(`${base}/quantized`, { dtype, shape, data });
    const perChannel = axis === undefined ? [] : [scales.length];
    const scale = define(`${base}/scale`, { dtype: "f32", shape: perChannel, data: scales });
    return dequantize(base, [value, scale, zeroPoint(dtype, perChannel)], axis ?? 0);
  };

  /** Scale and zero point of the values that are stored in int8. */
  const stored = new Map(placement.sets.flatMap((values, index) => {
    const { scale, zeroPoint } = scales[index];
    const names = [
      define(`${values[0]}/scale`, { dtype: "f32", shape: [], data: Float32Array.of(scale) }),
      define(`${values[0]}/zero_point`, { dtype: "i8", shape: [], data: Int8Array.of(zeroPoint) }),
    ];
    return values.map((value) => [value, names] as const);
  }));
  const store = (value: string): void => {
    const parameters = stored.get(value);
    if (parameters === undefined) return;
    editor.insert(value, () => {
      const outputs = [editor.uniqueName(`${value}/quantized`)], name = editor.uniqueName(`${value}/QuantizeLinear`);
      const [bytes] = editor.nodeWithOutputs("QuantizeLinear", name, [value, ...parameters], { axis: 0 }, outputs);
      return dequantize(value, [bytes, ...parameters], 0);
    }, (reader) => placement.readsInt8(reader, value));
  };

  for (const { name } of graph.inputs) store(name);
  for (const node of graph.nodes) {
    const { weights, bias } = integers.get(node) ?? {};
    const inputs = [...editor.current(node)!.inputs];
    editor.before(node, () => {
      if (weights) {
        const { shape } = graph.constants.get(node.inputs[1])!;
        inputs[1] = integerConstant(`${node.name}/weight`, "i8", { ...weights, shape });
      }
      if (bias) {
        inputs[2] = integerConstant(`${node.name}/bias`, "i32", { ...bias, shape: [bias.data.length], axis: 0 });
      }
    });
    if (weights || bias) editor.setInputs(node, inputs);
    for (const value of node.outputs) store(value);
  }
  return editor.finish();
}
