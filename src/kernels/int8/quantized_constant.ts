/**
 * Constants that a model holds as integers behind a DequantizeLinear: float tensors that know how they are stored.
 *
 * @module
 */

import type { Constant, Shape } from "../../graph/graph.ts";

/** How a constant is stored: `(data - zero) * scale`, with one scale and zero for all or one for each index along the axis. */
export interface StoredIntegers {
  /** As many as the constant has elements. */
  readonly data: Int8Array | Uint8Array | Int32Array;
  readonly scale: ArrayLike<number>;
  readonly zero: ArrayLike<number>;
  readonly axis: number;
}

/** A float constant made from integers. Its floats are computed where somebody asks for them. */
export class QuantizedConstant implements Constant {
  readonly dtype = "f32";
  readonly shape: Shape;
  /** What it is made from. */
  readonly stored: StoredIntegers;
  #floats: Float32Array | undefined;

  /** The result of ONNX's DequantizeLinear. */
  constructor(shape: Shape, stored: StoredIntegers) {
    this.shape = shape;
    this.stored = stored;
  }

  /** The floats, row-major. */
  get data(): Float32Array {
    return this.#floats ??= this.#dequantized();
  }

  #dequantized(): Float32Array {
    const { data, scale, zero, axis } = this.stored;
    const inner = this.shape.slice(axis + 1).reduce((product, extent) => product * extent, 1);
    const floats = new Float32Array(data.length);
    for (let i = 0; i < data.length; i++) {
      const at = scale.length === 1 ? 0 : Math.floor(i / inner) % scale.length;
      floats[i] = Math.fround(data[i] - zero[at]) * scale[at];
    }
    return floats;
  }
}
