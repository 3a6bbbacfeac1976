/**
 * Graph to ONNX bytes.
 *
 * @module
 */

import type { onnx } from "npm:onnx-proto@8.0.1";
import type { Graph, TensorType } from "../graph/graph.ts";
import { namesOf, uniqueName } from "../graph/rewrite.ts";
import { inferTypes } from "../graph/infer.ts";
import { verify } from "../graph/verify.ts";
import { ELEMENT_NUMBER, writeAttributes, writeConstant, writeNumbers } from "./export/attributes.ts";
import { compacted } from "./export/compact.ts";
import { OPSET, type Writer } from "./export/node.ts";
import { onnxNodes } from "./export/operators.ts";
import { schema } from "./proto.ts";
import { writeSparse } from "./sparse.ts";

/** The file format that came with the operator set. */
const IR_VERSION = 8;

function valueInfo(name: string, { dtype, shape }: TensorType): onnx.IValueInfoProto {
  const dim = shape.map((extent) => ({ dimValue: extent }));
  return { name, type: { tensorType: { elemType: ELEMENT_NUMBER[dtype], shape: { dim } } } };
}

/** How a file is written. */
export interface SaveOptions {
  /**
   * Leaves out zeros of constants where that takes fewer bytes (`sparse_initializer`). ONNX Runtime reads such files; other programs may not.
   * Not by default.
   */
  readonly sparse?: boolean;
  /**
   * Writes fewer bytes for what is no weight: short names of values, equal constants once, no attributes and zero points that ONNX takes for
   * granted, tables of whole numbers as bytes. Nodes other than layers have no name then. Not by default.
   */
  readonly compact?: boolean;
}

/** Constants as initializers. */
function initializersOf({ constants }: Graph, sparse: boolean): Required<
  Pick<onnx.IGraphProto, "initializer" | "sparseInitializer">
> {
  const whole: onnx.ITensorProto[] = [], thin: onnx.ISparseTensorProto[] = [];
  for (const [name, constant] of constants) {
    const left = sparse ? writeSparse(name, constant) : undefined;
    if (left) thin.push(left);
    else whole.push(writeConstant(name, constant));
  }
  return { initializer: whole, sparseInitializer: thin };
}

function graphProto(graph: Graph, { sparse = false }: SaveOptions): onnx.IGraphProto {
  const types = inferTypes(graph);
  const values = namesOf(graph);
  const names = new Set(graph.nodes.map(({ name }) => name));
  const parameters: onnx.ITensorProto[] = [];
  const shared = new Map<string, string>();
  const nodes: onnx.INodeProto[] = [];
  for (const node of graph.nodes) {
    const writer: Writer = {
      numbers: (suffix, type, numbers) => {
        const name = uniqueName(values, `${node.name}/${suffix}`);
        parameters.push(writeNumbers(name, type, numbers));
        return name;
      },
      shared: (base, constant) => {
        const name = shared.get(base) ?? uniqueName(values, base);
        if (!shared.has(base)) {
          parameters.push("data" in constant ? writeConstant(name, constant) : writeNumbers(name, "int64", constant));
        }
        shared.set(base, name);
        return name;
      },
      value: (suffix) => uniqueName(values, `${node.name}/${suffix}`),
      shape: (name) => types.get(name)!.shape,
    };
    const made = onnxNodes(node, writer);
    made.forEach(({ op, inputs, outputs, attributes }, index) => {
      // The last of several bears the name, since it makes the node's output.
      const name = index === made.length - 1 ? node.name : uniqueName(names, `${node.name}/${op}`);
      const attribute = writeAttributes(attributes);
      nodes.push({ name, opType: op, input: [...inputs], output: [...outputs], attribute });
    });
  }
  const { initializer, sparseInitializer } = initializersOf(graph, sparse);
  return {
    name: graph.name,
    node: nodes,
    initializer: [...initializer!, ...parameters],
    sparseInitializer,
    input: graph.inputs.map((input) => valueInfo(input.name, input)),
    output: graph.outputs.map((name) => valueInfo(name, types.get(name)!)),
  };
}

/**
 * Writes a graph as an ONNX model of operator set 17, with its metadata. Activations that this operator set lacks are spelt in other
 * operators: Silu becomes Sigmoid and Mul.
 *
 * Reading the file gives an equal graph, except for such activations and for constants that nothing reads. Throws FeatherdetError for a
 * graph that does not verify.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { demoDetector } from "../models/demo_detector.ts";
 * import { saveOnnx } from "./export.ts";
 * import { importOnnx } from "./import.ts";
 * const graph = demoDetector({ size: 320 });
 * const bytes = saveOnnx(graph); // `Deno.writeFile("demo.onnx", bytes)` keeps them
 * assert.deepEqual(importOnnx(bytes).outputs, graph.outputs);
 * ```
 */
export function saveOnnx(graph: Graph, options: SaveOptions = {}): Uint8Array {
  verify(graph);
  const model: onnx.IModelProto = {
    irVersion: IR_VERSION,
    producerName: "featherdet",
    opsetImport: [{ domain: "", version: OPSET }],
    graph: options.compact ? compacted(graphProto(graph, options)) : graphProto(graph, options),
    metadataProps: Object.entries(graph.metadata).map(([key, value]) => ({ key, value })),
  };
  const bytes = schema.ModelProto.encode(model).finish();
  // In Node and Deno the encoder hands out a Buffer over memory it may share with others.
  return bytes.constructor === Uint8Array ? bytes : Uint8Array.from(bytes);
}
