/**
 * ONNX tensors: decoding initializers and attribute tensors, and the form in which the importer computes with them.
 *
 * @module
 */

import type { onnx } from "npm:onnx-proto@8.0.1";
import { FeatherdetError } from "../graph/error.ts";
import { type Constant, type Shape, sizeOf } from "../graph/graph.ts";
import { MOST_AXES } from "../graph/shapes/common.ts";
import { isExternal, locationOf } from "./external.ts";
import { type Integer, toNumber } from "./proto.ts";

/** Element types that are computed with at import; float16 is widened to f32 when it is read. */
export type OnnxType = "f32" | "f64" | "i64" | "u64" | "i32" | "u32" | "i16" | "u16" | "i8" | "u8" | "bool";

/** Storage of an OnnxTensor; i64 and u64 are held in doubles, exact up to 2^53. */
export type OnnxData =
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** A tensor whose elements are known at import, row-major. */
export interface OnnxTensor {
  readonly dtype: OnnxType;
  readonly shape: Shape;
  readonly data: OnnxData;
}

const STORAGE: Record<OnnxType, { new (length: number): OnnxData }> = {
  f32: Float32Array,
  f64: Float64Array,
  i64: Float64Array,
  u64: Float64Array,
  i32: Int32Array,
  u32: Uint32Array,
  i16: Int16Array,
  u16: Uint16Array,
  i8: Int8Array,
  u8: Uint8Array,
  bool: Uint8Array,
};

/** Zeroed storage for that many elements. */
export function allocate(dtype: OnnxType, length: number): OnnxData {
  return new STORAGE[dtype](length);
}

/** A tensor of those numbers; they are rounded or wrapped as the storage does. */
export function tensorOf(dtype: OnnxType, shape: Shape, numbers: ArrayLike<number>): OnnxTensor {
  const data = allocate(dtype, numbers.length);
  data.set(numbers);
  return { dtype, shape, data };
}

/** Widens IEEE half precision bits. */
function widenHalf(bits: Uint16Array): Float32Array {
  const out = new Float32Array(bits.length);
  for (let index = 0; index < bits.length; index++) {
    const sign = bits[index] & 0x8000 ? -1 : 1, exponent = bits[index] >> 10 & 31, fraction = bits[index] & 1023;
    const size = exponent === 31
      ? (fraction ? NaN : Infinity)
      : exponent === 0
      ? fraction * 2 ** -24
      : (1 + fraction / 1024) * 2 ** (exponent - 15);
    out[index] = sign * size;
  }
  return out;
}

/** How one of ONNX's element types is read. */
interface Reader {
  readonly name: string;
  readonly dtype: OnnxType;
  /** Bytes of an element in `rawData`. */
  readonly bytes: number;
  /** From a private copy of `rawData`. */
  raw(buffer: ArrayBuffer): OnnxData;
  /** From the field that holds this type unpacked. */
  typed(tensor: onnx.ITensorProto): ArrayLike<number>;
}

const fromUint64 = (tensor: onnx.ITensorProto) => (tensor.uint64Data ?? []).map((value: Integer) => toNumber(value));
const fromInt32 = (tensor: onnx.ITensorProto) => tensor.int32Data ?? [];

/** Element types by ONNX's number. */
const READERS: Readonly<Record<number, Reader>> = {
  1: { name: "float", dtype: "f32", bytes: 4, raw: (b) => new Float32Array(b), typed: (t) => t.floatData ?? [] },
  2: { name: "uint8", dtype: "u8", bytes: 1, raw: (b) => new Uint8Array(b), typed: fromInt32 },
  3: { name: "int8", dtype: "i8", bytes: 1, raw: (b) => new Int8Array(b), typed: fromInt32 },
  4: { name: "uint16", dtype: "u16", bytes: 2, raw: (b) => new Uint16Array(b), typed: fromInt32 },
  5: { name: "int16", dtype: "i16", bytes: 2, raw: (b) => new Int16Array(b), typed: fromInt32 },
  6: { name: "int32", dtype: "i32", bytes: 4, raw: (b) => new Int32Array(b), typed: fromInt32 },
  7: {
    name: "int64",
    dtype: "i64",
    bytes: 8,
    raw: (b) => Float64Array.from(new BigInt64Array(b), Number),
    typed: (t) => (t.int64Data ?? []).map((value: Integer) => toNumber(value)),
  },
  9: { name: "bool", dtype: "bool", bytes: 1, raw: (b) => new Uint8Array(b), typed: fromInt32 },
  10: {
    name: "float16",
    dtype: "f32",
    bytes: 2,
    raw: (b) => widenHalf(new Uint16Array(b)),
    typed: (t) => widenHalf(Uint16Array.from(t.int32Data ?? [])),
  },
  12: { name: "uint32", dtype: "u32", bytes: 4, raw: (b) => new Uint32Array(b), typed: fromUint64 },
  13: {
    name: "uint64",
    dtype: "u64",
    bytes: 8,
    raw: (b) => Float64Array.from(new BigUint64Array(b), Number),
    typed: fromUint64,
  },
  11: { name: "double", dtype: "f64", bytes: 8, raw: (b) => new Float64Array(b), typed: (t) => t.doubleData ?? [] },
};

const UNREAD: Readonly<Record<number, string>> = {
  8: "string",
  14: "complex64",
  15: "complex128",
  16: "bfloat16",
  17: "float8e4m3fn",
  18: "float8e4m3fnuz",
  19: "float8e5m2",
  20: "float8e5m2fnuz",
  21: "uint4",
  22: "int4",
};

/** ONNX's name of an element type, and how the importer sees it (undefined: it does not). */
export function elementType(number: number | null | undefined): { name: string; dtype?: OnnxType } {
  return READERS[number ?? 0] ?? { name: UNREAD[number ?? 0] ?? `type ${number ?? 0}` };
}

/**
 * Decodes a tensor into memory of its own, so that the file's bytes need not be kept.
 *
 * Throws FeatherdetError for element types that are not read, for data kept in another file and for missing data.
 */
export function decodeTensor(tensor: onnx.ITensorProto, label: string): OnnxTensor {
  const shape = (tensor.dims ?? []).map((extent: Integer) => toNumber(extent));
  const text = `${label} [${shape.join(",")}]`;
  if (isExternal(tensor)) {
    throw new FeatherdetError(
      `${text} keeps its data in the file "${locationOf(tensor)}", which does not come with these bytes; ` +
        "load the model by its path or URL, or give externalData",
    );
  }
  const reader = READERS[tensor.dataType ?? 0];
  if (!reader) throw new FeatherdetError(`${text} has elements of ${elementType(tensor.dataType).name}, not supported`);
  const count = sizeOf(shape);
  const isPossible = shape.length <= MOST_AXES && Number.isSafeInteger(count) &&
    shape.every((extent) => Number.isInteger(extent) && extent >= 0);
  if (!isPossible) {
    throw new FeatherdetError(`${text} has an impossible shape`);
  }
  const raw = tensor.rawData;
  if (raw?.length) {
    if (raw.length !== count * reader.bytes) {
      throw new FeatherdetError(
        `${text} needs ${count * reader.bytes} bytes of ${reader.name} but holds ${raw.length}; the file is damaged`,
      );
    }
    return { dtype: reader.dtype, shape, data: reader.raw(raw.slice().buffer as ArrayBuffer) };
  }
  const numbers = reader.typed(tensor);
  if (numbers.length !== count) {
    throw new FeatherdetError(
      `${text} needs ${count} elements but holds ${numbers.length}; the file is damaged or its data was taken out`,
    );
  }
  return tensorOf(reader.dtype, shape, numbers);
}

/** The tensor as a constant of the graph: doubles become f32, whole numbers of more than a byte become i32 (FeatherdetError if they do not fit), bool u8. */
export function toConstant({ dtype, shape, data }: OnnxTensor, label: string): Constant {
  switch (dtype) {
    case "f32":
    case "f64":
      return { dtype: "f32", shape, data: data instanceof Float32Array ? data : Float32Array.from(data) };
    case "i64":
    case "u64":
    case "u32":
    case "i16":
    case "u16":
    case "i32": {
      const narrow = Int32Array.from(data);
      if (!narrow.every((value, index) => value === data[index])) {
        throw new FeatherdetError(`${label} holds whole numbers beyond the range of int32`);
      }
      return { dtype: "i32", shape, data: narrow };
    }
    case "i8":
      return { dtype: "i8", shape, data: Int8Array.from(data) };
    case "u8":
    case "bool":
      return { dtype: "u8", shape, data: Uint8Array.from(data) };
  }
}
