/**
 * Lets operators that only move or compare elements work on the bytes of quantized values, so that Concat and Split stay free and
 * nothing between two int8 layers is a float:
 *
 * - move(Dequantize(q)) is Dequantize(move(q)), where all that is moved has one scale.
 * - Quantize(Concat(a, b)) is Concat(Quantize(a), Quantize(b)).
 * - Quantize(Dequantize(q)) is q where both have the same scale.
 *
 * @module
 */

import {
  consumers,
  type Graph,
  inferTypes,
  namesOf,
  type Node,
  traitOf,
  uniqueName,
  withNodes,
} from "../../../graph/mod.ts";
import { cellsOf } from "../../../kernels/int8/cells.ts";
import { INT8_FORMS } from "./forms.ts";

/** Scale and zero point of a quantized value. */
interface Scaled {
  /** Equal for equal scales, zero points and types. */
  readonly key: string;
  /** Names of the constants. */
  readonly constants: readonly [scale: string, zeroPoint: string];
}

/** Operators whose results are some of the elements of their inputs, whatever these stand for. */
function isMove(node: Node): boolean {
  return INT8_FORMS[node.op] === "moves" && traitOf(node, "moves") !== "no";
}

/** The graph with moves on bytes where that saves conversions. */
export function moveBytes(graph: Graph): Graph {
  if (!graph.nodes.some(({ op }) => op === "DequantizeLinear")) return graph;
  const types = inferTypes(graph), readers = consumers(graph), taken = namesOf(graph);
  const isImage = (value: string) => types.get(value)!.shape.length === 4 && !graph.constants.has(value);
  const scaleOf = ({ inputs: [x, scale, zeroPoint] }: Node): Scaled | undefined => {
    const [s, z] = [scale, zeroPoint].map((name) => graph.constants.get(name));
    if (!isImage(x) || cellsOf(s, z) === undefined) return undefined;
    return { key: `${s!.data[0]} ${z!.data[0]} ${z!.dtype}`, constants: [scale, zeroPoint] };
  };
  const soleReader = (value: string): Node | undefined => {
    const list = readers.get(value)!;
    return list.length === 1 && !graph.outputs.includes(value) ? list[0] : undefined;
  };
  /** True where a reader of the value makes use of bytes. */
  const usesBytes = (value: string): boolean =>
    readers.get(value)!.some((reader) =>
      reader.op === "Conv" || reader.op === "QuantizeLinear" || isMove(reader) && reader.outputs.some(usesBytes)
    );

  /** Float values that are made from bytes. */
  const bytesOf = new Map<string, Scaled & { readonly value: string }>();
  /** Quantized values that another one stands for. */
  const same = new Map<string, string>();
  const done = new Set<Node>();
  const nodes: Node[] = [];

  const quantize = (value: string, { constants }: Scaled): string => {
    const quantized = uniqueName(taken, `${value}/bytes`);
    nodes.push({
      op: "QuantizeLinear",
      name: uniqueName(taken, `${value}/requantize`),
      inputs: [value, ...constants],
      outputs: [quantized],
      attributes: { axis: 0 },
    });
    return quantized;
  };

  /** The value in a scale that is wanted, as bytes. */
  const inScale = (value: string, wanted: Scaled): string => {
    const known = bytesOf.get(value);
    return known?.key === wanted.key ? known.value : quantize(value, wanted);
  };

  /** Moves bytes and leaves floats to be made from them for those who want floats. */
  const moved = (node: Node, inputs: readonly string[], scaled: Scaled): void => {
    const outputs = node.outputs.map((output) => uniqueName(taken, `${output}/bytes`));
    nodes.push({ ...node, inputs, outputs });
    node.outputs.forEach((output, i) => {
      nodes.push({
        op: "DequantizeLinear",
        name: uniqueName(taken, `${output}/dequantize`),
        inputs: [outputs[i], ...scaled.constants],
        outputs: [output],
        attributes: { axis: 0 },
      });
      bytesOf.set(output, { ...scaled, value: outputs[i] });
    });
  };

  for (const original of graph.nodes) {
    if (done.has(original)) continue;
    const node: Node = { ...original, inputs: original.inputs.map((name) => same.get(name) ?? name) };
    const scaled = node.op === "QuantizeLinear" || node.op === "DequantizeLinear" ? scaleOf(original) : undefined;
    if (scaled && node.op === "DequantizeLinear") {
      bytesOf.set(node.outputs[0], { ...scaled, value: node.inputs[0] });
    } else if (scaled) {
      const known = bytesOf.get(node.inputs[0]);
      if (known?.key === scaled.key && !graph.outputs.includes(node.outputs[0])) {
        same.set(node.outputs[0], known.value);
        continue;
      }
    } else if (isMove(node) && node.inputs.every(isImage)) {
      const quantizer = node.op === "Concat" ? soleReader(node.outputs[0]) : undefined;
      const wanted = quantizer?.op === "QuantizeLinear" ? scaleOf(quantizer) : undefined;
      if (wanted) {
        const inputs = node.inputs.map((value) => inScale(value, wanted));
        nodes.push({ ...node, inputs, outputs: quantizer!.outputs });
        done.add(quantizer!);
        continue;
      }
      const parts = node.inputs.map((value) => bytesOf.get(value));
      const [first] = parts;
      if (first && parts.every((part) => part?.key === first.key) && node.outputs.some(usesBytes)) {
        moved(node, parts.map((part) => part!.value), first);
        continue;
      }
    }
    nodes.push(node);
  }
  return withNodes(graph, nodes);
}
