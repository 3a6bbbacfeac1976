/**
 * A file's graph with fewer bytes and the same numbers: what a quantized model has besides its weights.
 *
 * - Values and constants have short names; nodes keep theirs only where they are layers.
 * - Equal initializers are one.
 * - Attributes that say what ONNX takes for granted are left out, and so are zero points of 0 that a DequantizeLinear reads.
 * - Tables of floats that are whole multiples of a power of two are bytes, which a Cast (and a Mul) of constants turns back. Anchors and strides
 *   of a detector are such tables. Programs compute these once, when they load the file.
 *
 * @module
 */

import type { onnx } from "npm:onnx-proto@8.0.1";
import { int, writeAttributes } from "./attributes.ts";

/** ONNX's numbers of element types. */
const FLOAT = 1, UINT8 = 2;

/** Bytes of a table from which on it is worth two nodes. */
const LEAST_TABLE = 1024;

/** Operators whose nodes keep their names: reports name them. */
const LAYERS = ["Conv", "ConvTranspose", "Gemm", "MatMul"];

const dataOf = ({ rawData }: onnx.ITensorProto) => rawData ?? new Uint8Array();

/** All that makes an initializer what it is, but its name. */
function contentKey({ dataType, dims, rawData }: onnx.ITensorProto): string | undefined {
  if (!rawData) return undefined;
  let hash = 0x811c9dc5;
  for (const byte of rawData) hash = Math.imul(hash ^ byte, 0x01000193);
  return `${dataType} ${dims} ${rawData.length} ${hash}`;
}

const isEqual = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, i) => byte === b[i]);

/** Equal initializers once, and the name that stands for each name. */
function sharedInitializers(tensors: readonly onnx.ITensorProto[], fixed: ReadonlySet<string>) {
  const known = new Map<string, onnx.ITensorProto[]>(), names = new Map<string, string>();
  const kept = tensors.filter((tensor) => {
    const key = contentKey(tensor);
    if (key === undefined || fixed.has(tensor.name!)) return true;
    const alike = known.get(key) ?? [];
    const twin = alike.find((other) => isEqual(dataOf(other), dataOf(tensor)));
    if (twin) names.set(tensor.name!, twin.name!);
    else known.set(key, [...alike, tensor]);
    return twin === undefined;
  });
  return { kept, names };
}

/** Floats as bytes times a power of two; undefined where they are no such. */
function asBytes(floats: Float32Array): { readonly bytes: Uint8Array; readonly factor: number } | undefined {
  const most = floats.reduce((greatest, value) => Math.max(greatest, value), 0);
  if (!(most > 0 && most < Infinity)) return undefined;
  // The least power of two with which the greatest number is a byte: a smaller one has no room, a greater one has no more multiples.
  const factor = 2 ** Math.ceil(Math.log2(most / 255));
  const bytes = Uint8Array.from(floats, (value) => value / factor);
  return floats.every((value, i) => Object.is(bytes[i] * factor, value)) ? { bytes, factor } : undefined;
}

/** Tables as bytes, with the nodes that turn them back. */
function byteTables(tensors: readonly onnx.ITensorProto[], fresh: (base: string) => string) {
  const initializer: onnx.ITensorProto[] = [], nodes: onnx.INodeProto[] = [];
  for (const tensor of tensors) {
    const { name, dims, dataType } = tensor, raw = dataOf(tensor);
    const isTable = dataType === FLOAT && raw.length >= LEAST_TABLE;
    const made = isTable ? asBytes(new Float32Array(raw.slice().buffer)) : undefined;
    if (made === undefined) {
      initializer.push(tensor);
      continue;
    }
    const bytes = fresh(`${name}/bytes`), isWhole = made.factor === 1, whole = isWhole ? name! : fresh(`${name}/whole`);
    initializer.push({ name: bytes, dims, dataType: UINT8, rawData: made.bytes });
    nodes.push({ opType: "Cast", input: [bytes], output: [whole], attribute: writeAttributes({ to: int(FLOAT) }) });
    if (isWhole) continue;
    const factor = fresh(`${name}/factor`);
    const rawData = new Uint8Array(Float32Array.of(made.factor).buffer);
    initializer.push({ name: factor, dims: [], dataType: FLOAT, rawData });
    nodes.push({ opType: "Mul", input: [whole, factor], output: [name!] });
  }
  return { initializer, nodes };
}

const allAre = (wanted: number) => ({ ints }: onnx.IAttributeProto) =>
  (ints ?? []).every((each) => Number(each) === wanted);
const is = (wanted: number) => ({ i }: onnx.IAttributeProto) => Number(i) === wanted;
const isText = (wanted: string) => ({ s }: onnx.IAttributeProto) => new TextDecoder().decode(s ?? undefined) === wanted;

/** What ONNX takes for attributes that are left out, of all operators that have one of that name. */
const USUAL: Readonly<Record<string, (attribute: onnx.IAttributeProto) => boolean>> = {
  allowzero: is(0),
  auto_pad: isText("NOTSET"),
  ceil_mode: is(0),
  count_include_pad: is(0),
  dilations: allAre(1),
  group: is(1),
  keepdims: is(1),
  noop_with_empty_axes: is(0),
  output_padding: allAre(0),
  pads: allAre(0),
  storage_order: is(0),
  strides: allAre(1),
};

/** Names in the order in which they are given out: a, b ... z, A ... Z, aa, ab ... */
function shortName(index: number): string {
  const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const last = letters[index % letters.length], rest = Math.floor(index / letters.length);
  return rest === 0 ? last : shortName(rest - 1) + last;
}

/** The same graph in fewer bytes. Inputs and outputs keep their names. */
export function compacted(graph: onnx.IGraphProto): onnx.IGraphProto {
  const taken = new Set<string>();
  const fixed = new Set([...graph.input ?? [], ...graph.output ?? []].map(({ name }) => name!));
  const { kept, names: shared } = sharedInitializers(graph.initializer ?? [], fixed);
  const fresh = (base: string) => {
    let name = base;
    while (taken.has(name)) name += "_";
    taken.add(name);
    return name;
  };
  const { initializer, nodes: turning } = byteTables(kept, fresh);
  const tensors = new Map(kept.map((tensor) => [tensor.name!, tensor]));
  const isZero = (name: string) => {
    const tensor = tensors.get(shared.get(name) ?? name);
    return tensor !== undefined && dataOf(tensor).every((byte) => byte === 0);
  };
  const isSingle = (name: string) => tensors.get(shared.get(name) ?? name)?.dims?.length === 0;
  const nodes = [...turning, ...graph.node ?? []].map((node): onnx.INodeProto => {
    const { opType = "", input = [], attribute = [] } = node;
    const isScaling = opType === "DequantizeLinear" || opType === "QuantizeLinear";
    const inputs = opType === "DequantizeLinear" && isZero(input![2]) ? input!.slice(0, 2) : input!;
    const left = attribute!.filter((each) => {
      if (isScaling && each.name === "axis" && isSingle(input![1])) return false;
      if (opType === "Conv" && each.name === "kernel_shape") return false;
      return !USUAL[each.name!]?.(each);
    });
    const { name, ...others } = node;
    return { ...others, ...LAYERS.includes(opType!) && { name }, input: inputs, attribute: left };
  });
  const used = new Set([
    ...nodes.flatMap(({ input }) => input ?? []).map((name) => shared.get(name) ?? name),
    ...fixed,
  ]);
  const short = new Map<string, string>([...fixed, ""].map((name) => [name, name]));
  let given = 0;
  const shorten = (name: string): string => {
    const stands = shared.get(name) ?? name;
    if (!short.has(stands)) {
      let next = shortName(given++);
      while (fixed.has(next)) next = shortName(given++);
      short.set(stands, next);
    }
    return short.get(stands)!;
  };
  return {
    ...graph,
    node: nodes.map((node) => ({
      ...node,
      input: node.input!.map(shorten),
      output: node.output!.map(shorten),
    })),
    initializer: initializer.filter(({ name }) => used.has(name!)).map((tensor) => ({
      ...tensor,
      name: shorten(tensor.name!),
    })),
    sparseInitializer: (graph.sparseInitializer ?? []).map((tensor) => ({
      ...tensor,
      values: { ...tensor.values, name: shorten(tensor.values!.name!) },
    })),
  };
}
