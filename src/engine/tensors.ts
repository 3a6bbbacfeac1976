/**
 * Tensors that enter and leave a run, and what is checked of them.
 *
 * @module
 */

import { FeatherdetError, type Graph, type GraphInput, type Shape, sizeOf } from "../graph/mod.ts";

/** A tensor of f32 in row-major order. */
export interface Tensor {
  /** Extents, outermost first. */
  readonly shape: Shape;
  /** Elements, row-major. */
  readonly data: Float32Array;
}

/** A tensor that enters a run, in row-major order. */
export interface InputTensor {
  /** Extents, outermost first. */
  readonly shape: Shape;
  /** Elements, row-major: floats, or bytes for an input of uint8 (which takes floats that are whole numbers of 0..255 too). */
  readonly data: Float32Array | Uint8Array;
}

/** The numbers of an input as the device takes them. Throws FeatherdetError for data that the input cannot hold. */
function inputNumbers({ name, dtype }: GraphInput, data: unknown, file: string): Float32Array {
  if (dtype !== "u8") {
    if (data instanceof Float32Array) return data;
    throw new FeatherdetError(`input "${name}" wants a Float32Array`, { file });
  }
  // Whole numbers are floats on the device, unless kernels for bytes made them.
  if (data instanceof Uint8Array) return Float32Array.from(data);
  if (!(data instanceof Float32Array)) throw new FeatherdetError(`input "${name}" wants a Uint8Array`, { file });
  const odd = data.find((level) => !(level >= 0 && level <= 255 && Number.isInteger(level)));
  if (odd === undefined) return data;
  throw new FeatherdetError(`input "${name}" is uint8 and cannot hold ${odd}: round to 0..255, or give a Uint8Array`, {
    file,
  });
}

/** The inputs in the graph's order. Throws FeatherdetError for one that is missing, or that is not what the input takes. */
export function checkedInputs(graph: Graph, inputs: Readonly<Record<string, InputTensor>>): Float32Array[] {
  const file = graph.name;
  return graph.inputs.map((input) => {
    const { name, shape } = input;
    const tensor = inputs[name];
    if (!tensor) {
      const given = Object.keys(inputs).map((key) => `"${key}"`).join(", ") || "none";
      throw new FeatherdetError(`input "${name}" [${shape}] is missing, given: ${given}`, { file });
    }
    const data = inputNumbers(input, tensor.data, file);
    if (String(tensor.shape) !== String(shape) || tensor.data.length !== sizeOf(shape)) {
      throw new FeatherdetError(
        `input "${name}" is [${shape}], given was [${tensor.shape}] with ${tensor.data.length} values`,
        { file },
      );
    }
    return data;
  });
}
