/**
 * UnpackWeights in ONNX, which has no integers of one, two or four bits in operator set 17: every byte is looked up in a table of the levels
 * that it holds, then scaled by output channel.
 *
 *     Cast (int32) -> Gather from table [256, weights a byte] -> Reshape -> Mul by Unsqueeze (scales)
 *
 * A Reshape to a list and a Slice come before the Reshape where the last byte is not full. All of it depends on constants alone, so
 * that runtimes compute it once, when they load the file. Reading the file again recognises just this.
 *
 * @module
 */

import type { onnx } from "npm:onnx-proto@8.0.1";
import { type Constant, sizeOf } from "../graph/graph.ts";
import type { Node } from "../graph/operators.ts";
import { packedBytes, unpackLevels, WEIGHT_BITS, type WeightBits } from "../graph/packed_weights.ts";
import { draft, type OnnxOperator } from "./draft.ts";
import { ELEMENT_NUMBER, int, ints, writeAttributes } from "./export/attributes.ts";
import type { OnnxNode, Writer } from "./export/node.ts";
import type { Initializers } from "./initializers.ts";
import { toNumber } from "./proto.ts";
import type { OnnxTensor } from "./tensor.ts";

/** The levels in every byte. */
function levelTable(bits: WeightBits): Constant {
  const each = 8 / bits;
  const data = Float32Array.from(unpackLevels(bits, Uint8Array.from({ length: 256 }, (_, byte) => byte), 256 * each));
  return { dtype: "f32", shape: [256, each], data };
}

/** The ONNX nodes of an UnpackWeights. */
export function writeUnpackWeights(node: Node<"UnpackWeights">, writer: Writer): OnnxNode[] {
  const { bits, shape } = node.attributes;
  const [packed, scale] = node.inputs;
  const made: OnnxNode[] = [];
  const make = (op: string, inputs: readonly string[], attributes: OnnxNode["attributes"] = {}) => {
    const output = op === "Mul" ? node.outputs[0] : writer.value(op.toLowerCase());
    made.push({ op, inputs, outputs: [output], attributes });
    return output;
  };
  const list = (...numbers: readonly number[]) => writer.shared(`list_${numbers.join("_")}`, numbers);
  const reshape = (value: string, target: readonly number[]) =>
    make("Reshape", [value, list(...target)], { allowzero: int(0) });

  const bytes = make("Cast", [packed], { to: int(ELEMENT_NUMBER.i32) });
  const table = writer.shared(`levels_of_${bits}_bits`, levelTable(bits));
  let levels = make("Gather", [table, bytes], { axis: int(0) });
  const count = sizeOf(shape);
  if (count * bits % 8 !== 0) {
    levels = make("Slice", [reshape(levels, [-1]), list(0), list(count), list(0), list(1)]);
  }
  const shaped = reshape(levels, shape);
  const axes = shape.slice(1).map((_, axis) => axis + 1);
  make("Mul", [shaped, make("Unsqueeze", [scale, list(...axes)])]);
  return made;
}

/** What the importer makes of the node that `recognisePackedWeights` puts in the place of the others. */
export const unpackWeights: OnnxOperator = (node) => {
  const bits = WEIGHT_BITS.find((each) => each === node.int("bits", 2)) ?? 2;
  return draft(node, "UnpackWeights", { bits, shape: node.ints("shape") ?? [] }, { inputs: node.operands(2, 2) });
};

/** A node that is read as UnpackWeights, and the nodes that it stands for. */
interface Found {
  readonly node: onnx.INodeProto;
  readonly parts: readonly onnx.INodeProto[];
}

/** Finds the nodes that `writeUnpackWeights` writes. */
class Finder {
  readonly #makers: ReadonlyMap<string, onnx.INodeProto>;
  readonly #known: Initializers;
  #parts: onnx.INodeProto[] = [];

  constructor(nodes: readonly onnx.INodeProto[], known: Initializers) {
    this.#makers = new Map(nodes.flatMap((node) => (node.output ?? []).map((name) => [name, node] as const)));
    this.#known = known;
  }

  /** The node that makes a value, if it has that operator. */
  #maker(value: string | undefined, op: string): onnx.INodeProto | undefined {
    const maker = this.#makers.get(value ?? "");
    if (maker?.opType !== op || maker.domain) return undefined;
    this.#parts.push(maker);
    return maker;
  }

  #tensor(name: string | undefined, dtype: OnnxTensor["dtype"], rank: number): OnnxTensor | undefined {
    const tensor = name && this.#known.has(name) ? this.#known.get(name) : undefined;
    return tensor?.dtype === dtype && tensor.shape.length === rank ? tensor : undefined;
  }

  #numbers(name: string | undefined): number[] | undefined {
    const tensor = this.#tensor(name, "i64", 1);
    return tensor && Array.from(tensor.data);
  }

  #attribute(node: onnx.INodeProto, name: string): number | undefined {
    const found = node.attribute?.find((attribute) => attribute.name === name);
    return found && toNumber(found.i);
  }

  /** The value that holds all levels in a list of lists, without those that only fill up. */
  #full(value: string | undefined, count: number): string | undefined {
    const slice = this.#makers.get(value ?? "");
    if (slice?.opType !== "Slice") return value;
    this.#parts.push(slice);
    const [list, ...bounds] = slice.input ?? [];
    const isHead = String(bounds.map((name) => this.#numbers(name))) === String([[0], [count], [0], [1]]);
    const reshape = isHead ? this.#maker(list, "Reshape") : undefined;
    return String(this.#numbers(reshape?.input?.[1])) === "-1" ? reshape?.input?.[0] : undefined;
  }

  find(mul: onnx.INodeProto): Found | undefined {
    if (mul.opType !== "Mul" || mul.domain) return undefined;
    this.#parts = [mul];
    const reshape = this.#maker(mul.input?.[0], "Reshape"), unsqueeze = this.#maker(mul.input?.[1], "Unsqueeze");
    const shape = this.#numbers(reshape?.input?.[1]);
    const scale = this.#tensor(unsqueeze?.input?.[0], "f32", 1);
    if (!reshape || !unsqueeze || !shape || !scale) return undefined;
    const count = sizeOf(shape);
    const axes = this.#numbers(unsqueeze.input?.[1]);
    if (scale.shape[0] !== shape[0] || String(axes) !== String(shape.slice(1).map((_, axis) => axis + 1))) {
      return undefined;
    }
    const gather = this.#maker(this.#full(reshape.input?.[0], count), "Gather");
    const table = this.#tensor(gather?.input?.[0], "f32", 2);
    const cast = this.#maker(gather?.input?.[1], "Cast");
    const packed = this.#tensor(cast?.input?.[0], "u8", 1);
    if (!gather || !table || !cast || !packed) return undefined;
    const bits = WEIGHT_BITS.find((each) => {
      const { shape, data } = levelTable(each);
      return String(table.shape) === String(shape) && data.every((level, i) => level === table.data[i]);
    });
    if (!bits || packed.data.length !== packedBytes(bits, count)) return undefined;
    if ((this.#attribute(gather, "axis") ?? 0) !== 0 || this.#attribute(cast, "to") !== ELEMENT_NUMBER.i32) {
      return undefined;
    }
    const attribute = writeAttributes({ bits: int(bits), shape: ints(...shape) });
    const input = [cast.input![0], unsqueeze.input![0]];
    return { node: { ...mul, opType: "UnpackWeights", input, attribute }, parts: this.#parts };
  }
}

/** The nodes of a file with those that unpack weights replaced by one node UnpackWeights each. */
export function recognisePackedWeights(graph: onnx.IGraphProto, known: Initializers): readonly onnx.INodeProto[] {
  const nodes = graph.node ?? [];
  const finder = new Finder(nodes, known);
  const found = new Map(nodes.flatMap((node) => {
    const match = finder.find(node);
    return match ? [[node, match] as const] : [];
  }));
  if (found.size === 0) return nodes;
  const parts = new Set([...found.values()].flatMap((match) => match.parts));
  const needed = new Set((graph.output ?? []).map(({ name }) => name ?? ""));
  const kept: onnx.INodeProto[] = [];
  for (const node of nodes.toReversed()) {
    // What others read, too, they still get.
    if (parts.has(node) && !node.output?.some((name) => needed.has(name))) continue;
    const read = found.get(node)?.node ?? node;
    kept.push(read);
    for (const name of read.input ?? []) needed.add(name);
  }
  return kept.reverse();
}
