/**
 * The models that onnxruntime's own tools quantized, with what onnxruntime computes; written by `tests/fixtures/make_quantized.py`.
 *
 * @module
 */

import type { ElementType, Graph } from "../../src/graph/graph.ts";

/** A value of a model, row-major. */
export interface ModelValue {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Int8Array | Uint8Array;
}

/** One model. */
export interface QuantizedModel {
  readonly name: string;
  /** The ONNX file. */
  readonly file: Uint8Array;
  readonly input: ModelValue & { readonly data: Float32Array };
  readonly output: ModelValue & { readonly data: Float32Array };
  /** Every value that a quantizing node makes on the way from input to output. */
  readonly integers: readonly ModelValue[];
}

type Stored = Omit<ModelValue, "data"> & { readonly data: string };

const FOLDER = new URL("../fixtures/quantized/", import.meta.url);

const ARRAYS = {
  f32: Float32Array,
  i32: Int32Array,
  i8: Int8Array,
  u8: Uint8Array,
} satisfies Record<ElementType, unknown>;

function valueOf({ data, ...rest }: Stored): ModelValue {
  const { buffer } = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  return { ...rest, data: new ARRAYS[rest.type](buffer) };
}

function floats(stored: Stored): ModelValue & { readonly data: Float32Array } {
  const value = valueOf(stored);
  if (!(value.data instanceof Float32Array)) throw new Error(`${value.name} is ${value.type}, not f32`);
  return { ...value, data: value.data };
}

/** Every model of the fixture. */
export function quantizedModels(): QuantizedModel[] {
  const stored: { name: string; input: Stored; output: Stored; integers: Stored[] }[] = JSON.parse(
    Deno.readTextFileSync(new URL("cases.json", FOLDER)),
  );
  return stored.map(({ name, input, output, integers }) => ({
    name,
    file: Deno.readFileSync(new URL(`${name}.onnx`, FOLDER)),
    input: floats(input),
    output: floats(output),
    integers: integers.map(valueOf),
  }));
}

/** The distance of neighbouring numbers of the last quantized value; of a dynamic model, a 255th of its outputs' range. */
function outputStep(graph: Graph, { output }: QuantizedModel): number {
  const last = graph.nodes.at(-1)!;
  if (last.op === "DequantizeLinear") return graph.constants.get(last.inputs[1])!.data[0];
  return (Math.max(...output.data) - Math.min(...output.data)) / 255;
}

/** Largest and mean difference to onnxruntime's output, in quantization steps of that output. */
export function inSteps(graph: Graph, model: QuantizedModel, found: ArrayLike<number>): { most: number; mean: number } {
  const step = outputStep(graph, model);
  const off = Array.from(model.output.data, (value, i) => Math.abs(value - found[i]) / step);
  return { most: Math.max(...off), mean: off.reduce((sum, value) => sum + value, 0) / off.length };
}
