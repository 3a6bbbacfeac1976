/**
 * Sparse initializers (ONNX's SparseTensorProto): a tensor as its numbers that are not zero and their places, row-major.
 *
 * Places are written as `int64_data`, whose numbers take as many bytes as they need: one below 128, two below 16,384, three below two
 * million. So a weight of f32 of which more than two in five are zero takes fewer bytes than in whole.
 *
 * @module
 */

import type { onnx } from "npm:onnx-proto@8.0.1";
import { FeatherdetError } from "../graph/error.ts";
import { type Constant, type Shape, sizeOf } from "../graph/graph.ts";
import type { Budget } from "./budget.ts";
import { writeConstant } from "./export/attributes.ts";
import { type Integer, toNumber } from "./proto.ts";
import { allocate, decodeTensor, type OnnxTensor } from "./tensor.ts";

/** ONNX's number of int64. */
const INT64 = 7;

/** Bytes of a place. */
function placeBytes(place: number): number {
  let bytes = 1;
  for (let rest = Math.floor(place / 128); rest > 0; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

/** A constant without its zeros, where that takes fewer bytes than in whole; undefined where it does not. -0 is a number like others. */
export function writeSparse(name: string, { dtype, shape, data }: Constant): onnx.ISparseTensorProto | undefined {
  if (dtype !== "f32") return undefined;
  const places: number[] = [];
  let bytes = 0;
  for (let at = 0; at < data.length; at++) {
    if (Object.is(data[at], 0)) continue;
    places.push(at);
    bytes += 4 + placeBytes(at);
    if (bytes >= data.byteLength) return undefined;
  }
  const values = Float32Array.from(places, (at) => data[at]);
  return {
    values: writeConstant(name, { dtype, shape: [places.length], data: values }),
    indices: { dims: [places.length], dataType: INT64, int64Data: places },
    dims: [...shape],
  };
}

/** Row-major places out of places or, a row each, indices along all axes. */
function placesOf({ shape: form, data }: OnnxTensor, shape: Shape, label: string): ArrayLike<number> {
  if (form.length === 1) return data;
  if (form.length !== 2 || form[1] !== shape.length) {
    throw new FeatherdetError(
      `${label} has indices of shape [${form.join(",")}], expected one or ${shape.length} a number`,
    );
  }
  return Array.from({ length: form[0] }, (_, row) =>
    shape.reduce((place, extent, axis) => {
      const index = data[row * shape.length + axis];
      return index >= 0 && index < extent ? place * extent + index : NaN;
    }, 0));
}

/**
 * Decodes a sparse tensor into a whole one. Throws FeatherdetError as `decodeTensor` does, and for places that are not in order or not in
 * the tensor.
 */
export function decodeSparse(
  { values, indices, dims }: onnx.ISparseTensorProto,
  label: string,
  budget: Budget,
): OnnxTensor {
  const shape = (dims ?? []).map((extent: Integer) => toNumber(extent));
  const numbers = decodeTensor(values ?? {}, label);
  const places = placesOf(decodeTensor(indices ?? {}, `indices of ${label}`), shape, label);
  const size = sizeOf(shape);
  budget.spend(size);
  const data = allocate(numbers.dtype, size);
  if (places.length !== numbers.data.length) {
    throw new FeatherdetError(
      `${label} has ${numbers.data.length} numbers in ${places.length} places; the file is damaged`,
    );
  }
  let before = -1;
  for (let i = 0; i < places.length; i++) {
    const place = places[i];
    if (!(place > before && place < size)) {
      throw new FeatherdetError(
        `${label} of ${size} elements has place ${place} behind ${before}; the file is damaged`,
      );
    }
    data[place] = numbers.data[i];
    before = place;
  }
  return { dtype: numbers.dtype, shape, data };
}
