/**
 * ONNX attributes and tensors in the form in which they are written.
 *
 * @module
 */

import type { onnx } from "npm:onnx-proto@8.0.1";
import { FeatherdetError } from "../../graph/error.ts";
import type { Constant, ElementType } from "../../graph/graph.ts";

/** Values of attributes by name: whole numbers, floats, text, lists of whole numbers. */
export type AttributeValue =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly text: string }
  | { readonly ints: readonly number[] };

/** A whole-number attribute; true and false are 1 and 0. */
export function int(value: number | boolean): AttributeValue {
  return { int: Number(value) };
}

/** A float attribute. */
export function float(value: number): AttributeValue {
  return { float: value };
}

/** A text attribute. */
export function text(value: string): AttributeValue {
  return { text: value };
}

/** A list of whole numbers. */
export function ints(...values: readonly number[]): AttributeValue {
  return { ints: values };
}

const encoder = new TextEncoder();

// ONNX's numbers of attribute types.
const FLOAT = 1, INT = 2, STRING = 3, INTS = 7;

/** The attributes of a node, in order of their names. */
export function writeAttributes(attributes: Readonly<Record<string, AttributeValue>>): onnx.IAttributeProto[] {
  return Object.keys(attributes).sort().map((name) => {
    const value = attributes[name];
    if ("int" in value) return { name, type: INT, i: value.int };
    if ("float" in value) return { name, type: FLOAT, f: value.float };
    if ("text" in value) return { name, type: STRING, s: encoder.encode(value.text) };
    return { name, type: INTS, ints: [...value.ints] };
  });
}

/** ONNX's numbers of the element types. */
export const ELEMENT_NUMBER: Readonly<Record<ElementType, number>> = { f32: 1, u8: 2, i8: 3, i32: 6 };

/** A constant as an initializer; its data is not copied. */
export function writeConstant(name: string, { dtype, shape, data }: Constant): onnx.ITensorProto {
  const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { name, dims: [...shape], dataType: ELEMENT_NUMBER[dtype], rawData };
}

/** A list (or, without brackets, a single number) as an initializer of int64 or float. */
export function writeNumbers(
  name: string,
  type: "int64" | "float",
  numbers: readonly number[] | number,
): onnx.ITensorProto {
  const list = typeof numbers === "number" ? [numbers] : numbers;
  const dims = typeof numbers === "number" ? [] : [list.length];
  if (type === "float") return { name, dims, dataType: 1, rawData: new Uint8Array(Float32Array.from(list).buffer) };
  if (!list.every(Number.isSafeInteger)) {
    throw new FeatherdetError(`[${list.join(",")}] for "${name}" are not whole numbers`);
  }
  return { name, dims, dataType: 7, rawData: new Uint8Array(BigInt64Array.from(list, BigInt).buffer) };
}
