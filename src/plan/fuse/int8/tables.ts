/**
 * Finds functions of single bytes: what lies between the bytes of a value and those of a QuantizeLinear, where every element depends
 * on the same element of that value alone. All 256 results are computed at planning time by the reference, so that activations, which
 * onnxruntime's quantizer puts between QuantizeLinear and DequantizeLinear of their own, are exact, and one dispatch. So
 *
 *     a -> Dequantize -> Sigmoid -> Quantize -> Dequantize -> Mul with Dequantize(a) -> Quantize
 *
 * is one table, and no other value is stored.
 *
 * @module
 */

import { type GraphIndex, type Node, traitOf } from "../../../graph/mod.ts";
import { cellsOf } from "../../../kernels/int8/cells.ts";
import { BYTES, tableKernel } from "../../../kernels/int8/table.ts";
import { evaluateNode, type ReferenceTensor, referenceTensor } from "../../../reference/run.ts";
import type { Composite } from "../composites.ts";
import { WIDEST } from "../wide_conv.ts";

/** A value as a function of the bytes of another. */
interface ByteFunction {
  readonly source: string;
  /** What computes it, in order. */
  readonly nodes: readonly Node[];
}

/** The functions that end in a QuantizeLinear and compute more than another scale. */
export function findByteTables(index: GraphIndex): Composite[] {
  const { graph } = index;
  const known = new Map<string, ByteFunction | undefined>();
  const isByte = (value: string) => ["i8", "u8"].includes(index.typeOf(value).dtype) && !graph.constants.has(value);
  const single = ({ inputs: [, scale, zeroPoint] }: Node) =>
    cellsOf(graph.constants.get(scale), graph.constants.get(zeroPoint)) !== undefined;

  /** The operands of a node that acts on each element alone; undefined for other nodes. */
  const operandsOf = (node: Node): string[] | undefined => {
    if (node.op === "QuantizeLinear" || node.op === "DequantizeLinear") {
      return single(node) ? [node.inputs[0]] : undefined;
    }
    if (traitOf(node, "reads") !== "element") return undefined;
    const varying = node.inputs.filter((value) => graph.constants.get(value)?.data.length !== 1);
    return varying.some((value) => graph.constants.has(value)) ? undefined : varying;
  };
  const search = (value: string): ByteFunction | undefined => {
    const node = index.producerOf(value);
    const operands = node && operandsOf(node);
    const parts = operands?.map((operand) => functionOf(operand) ?? (isByte(operand) ? itself(operand) : undefined));
    if (!node || !parts || parts.length === 0 || parts.some((part) => part?.source !== parts[0]?.source)) {
      return undefined;
    }
    if (parts[0] === undefined) return undefined;
    return { source: parts[0].source, nodes: [...new Set(parts.flatMap((part) => part!.nodes)), node] };
  };
  const functionOf = (value: string): ByteFunction | undefined => {
    if (!known.has(value)) known.set(value, search(value));
    return known.get(value);
  };
  const itself = (source: string): ByteFunction => ({ source, nodes: [] });

  // The last ones first: they take along what ends before.
  return [...graph.nodes].reverse().flatMap((last): Composite[] => {
    if (last.op !== "QuantizeLinear" || graph.constants.has(last.inputs[0])) return [];
    const found = functionOf(last.outputs[0]);
    const shape = index.shapeOf(last.outputs[0]);
    if (!found || shape.length !== 4 || shape[3] > WIDEST) return [];
    if (found.nodes.every(({ op }) => op === "QuantizeLinear" || op === "DequantizeLinear")) return [];
    const { source, nodes } = found;
    // Values in between that others read as well are computed for these apart.
    const claimed: Node[] = [last];
    for (const node of [...nodes].reverse().slice(1)) {
      const [value] = node.outputs;
      const isInner = !index.isOutput(value) && index.readersOf(value).every((reader) => claimed.includes(reader));
      if (isInner) claimed.push(node);
    }
    const [output] = last.outputs;
    return [{
      nodes: claimed,
      node: {
        name: last.name,
        operator: nodes.filter(({ op }) => op !== "DequantizeLinear").map(({ op }) => op).join("+"),
        inputs: [source],
        outputs: [output],
        reads: "blocked",
        writes: "blocked",
        macs: 0,
        kernels: ({ operand, pitch }) => [
          tableKernel(operand(source), operand(output), tableOf(index, found, output), pitch),
        ],
      },
    }];
  });
}

/** What every stored byte of the source becomes. */
function tableOf(index: GraphIndex, { source, nodes }: ByteFunction, output: string): Int8Array {
  const stored = (value: string) => index.typeOf(value).dtype === "u8" ? 128 : 0;
  const bytes = Float64Array.from({ length: BYTES }, (_, entry) => entry - 128 + stored(source));
  const values = new Map<string, ReferenceTensor>([
    [source, referenceTensor([1, 1, 1, BYTES], bytes, index.typeOf(source).dtype)],
  ]);
  const get = (name: string): ReferenceTensor => {
    const constant = index.constantOf(name);
    return constant ? referenceTensor(constant.shape, constant.data, constant.dtype) : values.get(name)!;
  };
  for (const node of nodes) values.set(node.outputs[0], evaluateNode(node, node.inputs.map(get))[0]);
  return Int8Array.from(values.get(output)!.data, (byte) => byte - stored(output));
}
