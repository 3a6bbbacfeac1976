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

import { type Graph, GraphEditor, GraphIndex, type Node, traitOf } from "../../../graph/mod.ts";
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
  const index = GraphIndex.of(graph), editor = new GraphEditor(graph);
  const isImage = (value: string) => editor.shapeOf(value).length === 4 && !index.isConstant(value);
  const scaleOf = ({ inputs: [x, scale, zeroPoint] }: Node): Scaled | undefined => {
    const [s, z] = [scale, zeroPoint].map((name) => index.constantOf(name));
    if (!isImage(x) || cellsOf(s, z) === undefined) return undefined;
    return { key: `${s!.data[0]} ${z!.data[0]} ${z!.dtype}`, constants: [scale, zeroPoint] };
  };
  /** True where a reader of the value makes use of bytes. */
  const usesBytes = (value: string): boolean =>
    index.readersOf(value).some((reader) =>
      reader.op === "Conv" || reader.op === "QuantizeLinear" || isMove(reader) && reader.outputs.some(usesBytes)
    );

  /** Float values that are made from bytes. */
  const bytesOf = new Map<string, Scaled & { readonly value: string }>();

  const quantize = (value: string, { constants }: Scaled): string => {
    const outputs = [editor.uniqueName(`${value}/bytes`)], name = editor.uniqueName(`${value}/requantize`);
    return editor.nodeWithOutputs("QuantizeLinear", name, [value, ...constants], { axis: 0 }, outputs)[0];
  };

  /** The value in a scale that is wanted, as bytes. */
  const inScale = (value: string, wanted: Scaled): string => {
    const known = bytesOf.get(value);
    return known?.key === wanted.key ? known.value : quantize(value, wanted);
  };

  /** Moves bytes and leaves floats to be made from them for those who want floats. */
  const moved = (node: Node, inputs: readonly string[], scaled: Scaled): void => {
    const outputs = editor.put({
      ...node,
      inputs,
      outputs: node.outputs.map((output) => editor.uniqueName(`${output}/bytes`)),
    });
    node.outputs.forEach((output, i) => {
      const name = editor.uniqueName(`${output}/dequantize`);
      editor.nodeWithOutputs("DequantizeLinear", name, [outputs[i], ...scaled.constants], { axis: 0 }, [output]);
      bytesOf.set(output, { ...scaled, value: outputs[i] });
    });
  };

  for (const original of graph.nodes) {
    const node = editor.current(original);
    if (node === undefined) continue;
    const scaled = node.op === "QuantizeLinear" || node.op === "DequantizeLinear" ? scaleOf(node) : undefined;
    if (scaled && node.op === "DequantizeLinear") {
      bytesOf.set(node.outputs[0], { ...scaled, value: node.inputs[0] });
    } else if (scaled) {
      const known = bytesOf.get(node.inputs[0]);
      if (known?.key === scaled.key && !index.isOutput(node.outputs[0])) {
        editor.replace(original, []);
        editor.redirect(node.outputs[0], known.value);
      }
    } else if (isMove(node) && node.inputs.every(isImage)) {
      const quantizer = node.op === "Concat" ? index.soleReader(node.outputs[0]) : undefined;
      const wanted = quantizer?.op === "QuantizeLinear" ? scaleOf(quantizer) : undefined;
      if (wanted) {
        editor.replace(quantizer!, []);
        editor.replace(original, () => {
          const inputs = node.inputs.map((value) => inScale(value, wanted));
          editor.put({ ...node, inputs, outputs: quantizer!.outputs });
        });
        continue;
      }
      const parts = node.inputs.map((value) => bytesOf.get(value));
      const [first] = parts;
      if (first && parts.every((part) => part?.key === first.key) && node.outputs.some(usesBytes)) {
        editor.replace(original, () => moved(node, parts.map((part) => part!.value), first));
      }
    }
  }
  return editor.finish();
}
