/**
 * Quantized graphs for tests, spelt as quantizers write them: QuantizeLinear and DequantizeLinear around floats, integer weights behind
 * DequantizeLinear.
 *
 * @module
 */

import type { Constant, Graph, Shape } from "../../src/graph/graph.ts";
import type { Operator, OperatorAttributes } from "../../src/graph/operators.ts";
import { seededRandom } from "./random.ts";
import { graphOf, node, PLAIN } from "./tiny_graph.ts";

/** One scale for all, and the type that goes with the zero point. */
export interface Scale {
  readonly scale: number;
  readonly zero?: number;
  readonly dtype?: "i8" | "u8";
}

/** A convolution of quantized weights. */
export interface QuantizedConv {
  /** `[O,C/groups,kh,kw]`. */
  readonly weight: Shape;
  /** Scale of the input: biases are integers in units of the sums. */
  readonly x: Scale;
  readonly stride?: number;
  readonly groups?: number;
}

/** Nodes and constants of a quantized graph in the making. */
export class QdqBuilder {
  readonly nodes: ReturnType<typeof node>[] = [];
  readonly constants: Record<string, Constant> = {};
  #seed = 0;

  /** A node named after its output. */
  add<K extends Operator>(op: K, inputs: readonly string[], output: string, attributes: OperatorAttributes[K]): string {
    this.nodes.push(node(op, inputs, [output], attributes));
    return output;
  }

  #scale({ scale, zero = 0, dtype = "i8" }: Scale): string[] {
    const names = [`scale_${scale}`, `zero_${dtype}_${zero}`];
    this.constants[names[0]] = { dtype: "f32", shape: [], data: Float32Array.of(scale) };
    this.constants[names[1]] = { dtype, shape: [], data: dtype === "i8" ? Int8Array.of(zero) : Uint8Array.of(zero) };
    return names;
  }

  /** QuantizeLinear; the bytes are called `x_bytes`. */
  quantize(x: string, scale: Scale): string {
    return this.add("QuantizeLinear", [x, ...this.#scale(scale)], `${x}_bytes`, { axis: 0 });
  }

  /** DequantizeLinear under a name. */
  dequantize(bytes: string, scale: Scale, output: string): string {
    return this.add("DequantizeLinear", [bytes, ...this.#scale(scale)], output, { axis: 0 });
  }

  /** Both: what the readers of a stored value see, `x_stored`. */
  stored(x: string, scale: Scale): string {
    return this.dequantize(this.quantize(x, scale), scale, `${x}_stored`);
  }

  /** A constant of integers behind DequantizeLinear, with a scale for each index of axis 0 (or another). */
  integers(name: string, constant: Constant, scales: readonly number[], zero = 0, axis = 0): string {
    const { dtype } = constant;
    const zeros = scales.map(() => zero);
    this.constants[`${name}_integers`] = constant;
    this.constants[`${name}_scale`] = { dtype: "f32", shape: [scales.length], data: Float32Array.from(scales) };
    this.constants[`${name}_zero`] = {
      dtype,
      shape: [scales.length],
      data: dtype === "u8" ? Uint8Array.from(zeros) : dtype === "i8" ? Int8Array.from(zeros) : Int32Array.from(zeros),
    };
    return this.add("DequantizeLinear", [`${name}_integers`, `${name}_scale`, `${name}_zero`], name, { axis });
  }

  /** Weights and biases at random, such that sums of inputs up to 1 are about 1: names of both. */
  weights(name: string, { weight, x }: QuantizedConv): [weight: string, bias: string] {
    const random = seededRandom(++this.#seed);
    const size = weight.reduce((product, extent) => product * extent, 1);
    const whole = (most: number) => Math.round(most * (2 * random() - 1));
    const scales = Array.from({ length: weight[0] }, () => (1 + random()) / (100 * Math.sqrt(size / weight[0])));
    const data = Int8Array.from({ length: size }, () => whole(127));
    const biases = Int32Array.from(scales, (scale) => whole(0.5 / (scale * x.scale)));
    return [
      this.integers(`${name}_w`, { dtype: "i8", shape: weight, data }, scales),
      this.integers(
        `${name}_b`,
        { dtype: "i32", shape: [weight[0]], data: biases },
        scales.map((scale) => scale * x.scale),
      ),
    ];
  }

  /** A Conv with padding that keeps the size at stride 1. */
  conv(x: string, output: string, given: QuantizedConv): string {
    const [pad, stride] = [given.weight[2] >> 1, given.stride ?? 1];
    return this.add("Conv", [x, ...this.weights(output, given)], output, {
      ...PLAIN,
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      groups: given.groups ?? 1,
    });
  }

  /** The graph. */
  graph(inputs: Readonly<Record<string, Shape>>, outputs: readonly string[]): Graph {
    return graphOf(inputs, outputs, this.nodes, this.constants);
  }
}
