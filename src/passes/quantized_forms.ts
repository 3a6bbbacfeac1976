/**
 * One quantized computation in the forms that other programs want: biases as floats, activations in unsigned bytes, or no
 * quantization at all.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import { GraphEditor } from "../graph/editor.ts";
import { type Constant, type Graph, sizeOf } from "../graph/graph.ts";
import { GraphIndex } from "../graph/graph_index.ts";
import type { Node } from "../graph/operators.ts";
import { unpackWeights } from "../graph/packed_weights.ts";

/** From signed to unsigned bytes. */
const UNSIGNED = 128;

/** A constant that a DequantizeLinear reads, as the floats that it makes of it; undefined where it reads something computed. */
function dequantizedConstant(node: Node<"DequantizeLinear">, index: GraphIndex): Constant | undefined {
  const [levels, scale, zero] = node.inputs.map((name) => index.constantOf(name));
  if (!levels || !scale || !zero) return undefined;
  const { shape } = levels, channels = scale.data.length;
  const inner = sizeOf(shape.slice(node.attributes.axis + 1));
  const channelOf = (i: number) => channels === 1 ? 0 : Math.floor(i / inner) % channels;
  const floats = Float32Array.from(levels.data, (level, i) => {
    const channel = channelOf(i);
    return (level - zero.data[channel]) * scale.data[channel];
  });
  return { dtype: "f32", shape, data: floats };
}

/** Lets readers of a node's only output read a constant instead. */
function putConstant(editor: GraphEditor, { outputs: [output] }: Node, constant: Constant): void {
  editor.redirect(output, editor.define(editor.uniqueName(`${output}/constant`), constant));
}

/** The DequantizeLinear that reads a QuantizeLinear's result; undefined where something else reads it too. */
function pairsOf(quantize: Node, index: GraphIndex): readonly Node<"DequantizeLinear">[] | undefined {
  const [bytes] = quantize.outputs;
  const readers = index.readersOf(bytes);
  const isPair = !index.isOutput(bytes) && readers.every((node) => node.op === "DequantizeLinear");
  return isPair ? readers as readonly Node<"DequantizeLinear">[] : undefined;
}

/**
 * Biases that are int32 behind a DequantizeLinear become the floats that these make. Programs whose DequantizeLinear takes bytes only
 * (TensorRT) read the file then; the numbers stay.
 */
export function floatBiases(graph: Graph): Graph {
  const index = GraphIndex.of(graph), editor = new GraphEditor(graph);
  for (const node of graph.nodes) {
    if (node.op !== "DequantizeLinear" || index.constantOf(node.inputs[0])?.dtype !== "i32") continue;
    const floats = dequantizedConstant(node, index);
    if (floats) putConstant(editor, node, floats);
  }
  return editor.finish();
}

/** Values stored in signed bytes are stored in unsigned ones, 128 levels up: the same numbers in the form that x86 and Hexagon multiply. */
export function unsignedActivations(graph: Graph): Graph {
  const index = GraphIndex.of(graph), editor = new GraphEditor(graph);
  const zeros = new Map<string, string>();
  const unsigned = (name: string): string => {
    const known = zeros.get(name);
    if (known !== undefined) return known;
    const { shape, data } = index.constantOf(name)!;
    const made = editor.define(editor.uniqueName(`${name}/unsigned`), {
      dtype: "u8",
      shape,
      data: Uint8Array.from(data, (zero) => zero + UNSIGNED),
    });
    zeros.set(name, made);
    return made;
  };
  for (const node of graph.nodes) {
    if (node.op !== "QuantizeLinear" || index.constantOf(node.inputs[2])?.dtype !== "i8") continue;
    const readers = pairsOf(node, index), [value, scale, zero] = node.inputs;
    if (readers === undefined || readers.some(({ inputs }) => index.constantOf(inputs[2])?.dtype !== "i8")) continue;
    const name = editor.uniqueName(`${node.name}/unsigned`), bytes = editor.uniqueName(`${node.outputs[0]}/unsigned`);
    editor.before(node, () => {
      editor.nodeWithOutputs("QuantizeLinear", name, [value, scale, unsigned(zero)], node.attributes, [bytes]);
    });
    for (const reader of readers) editor.setInputs(reader, [bytes, reader.inputs[1], unsigned(reader.inputs[2])]);
  }
  return editor.finish();
}

/**
 * The float form of a quantized graph: weights are the floats that their integers stand for, values are no longer rounded. For programs that
 * cannot read QuantizeLinear. Throws FeatherdetError for a node that only whole numbers have.
 */
export function withoutQuantization(graph: Graph): Graph {
  const index = GraphIndex.of(graph), editor = new GraphEditor(graph);
  for (const node of graph.nodes) {
    if (node.op === "UnpackWeights") {
      const [packed, scale] = node.inputs.map((name) => index.constantOf(name)!.data);
      const { shape } = node.attributes;
      putConstant(editor, node, { dtype: "f32", shape, data: unpackWeights(node.attributes, packed, scale) });
    } else if (node.op === "DequantizeLinear") {
      const floats = dequantizedConstant(node, index), quantize = index.producerOf(node.inputs[0]);
      const isResult = index.isOutput(node.outputs[0]);
      if (floats && !isResult) putConstant(editor, node, floats);
      else if (quantize?.op === "QuantizeLinear" && !isResult) {
        // What the QuantizeLinear read may be what another pair made.
        editor.redirect(node.outputs[0], editor.current(quantize)!.inputs[0]);
      } else refuse(graph, node, isResult ? "is a result of the model" : "reads whole numbers that are computed");
    } else if (["DynamicQuantizeLinear", "ConvInteger", "MatMulInteger"].includes(node.op)) {
      refuse(graph, node, "computes in whole numbers");
    }
  }
  return editor.finish();
}

function refuse(graph: Graph, { name, op }: Node, why: string): never {
  throw new FeatherdetError(`${why}: it has no float form`, { file: graph.name, node: name, operator: op });
}
