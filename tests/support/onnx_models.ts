/**
 * ONNX files for tests, put together message by message.
 *
 * @module
 */

import type { onnx } from "npm:onnx-proto@8.0.1";
import { schema } from "../../src/onnx/proto.ts";

/** A model's parts; what is left out is an input `x [1,3,8,8]`, an output `y` and operator set 17. */
export interface ModelParts {
  readonly nodes: readonly onnx.INodeProto[];
  readonly inputs?: readonly onnx.IValueInfoProto[];
  readonly outputs?: readonly string[];
  readonly initializers?: readonly onnx.ITensorProto[];
  readonly opset?: number;
  readonly model?: Partial<onnx.IModelProto>;
  readonly graph?: Partial<onnx.IGraphProto>;
}

/** A tensor value; extents are numbers, or names of open extents. Element type 1 is float. */
export function value(name: string, extents: readonly (number | string)[], elemType = 1): onnx.IValueInfoProto {
  const dim = extents.map((extent) => typeof extent === "number" ? { dimValue: extent } : { dimParam: extent });
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

/** A node `test` from `x` to `y` unless told otherwise. */
export function onnxNode(opType: string, rest: Partial<onnx.INodeProto> = {}): onnx.INodeProto {
  return { opType, name: "test", input: ["x"], output: ["y"], ...rest };
}

/** A float initializer. */
export function floats(name: string, dims: readonly number[], data: readonly number[]): onnx.ITensorProto {
  return { name, dims: [...dims], dataType: 1, floatData: [...data] };
}

/** An int64 initializer of one axis. */
export function integers(name: string, ...data: readonly number[]): onnx.ITensorProto {
  return { name, dims: [data.length], dataType: 7, int64Data: [...data] };
}

/** A whole-number attribute, or a list of them. */
export function ints(name: string, ...list: readonly number[]): onnx.IAttributeProto {
  return list.length === 1 ? { name, type: 2, i: list[0] } : { name, type: 7, ints: [...list] };
}

/** A text attribute. */
export function text(name: string, content: string): onnx.IAttributeProto {
  return { name, type: 3, s: new TextEncoder().encode(content) };
}

/** The file's bytes. */
export function onnxFile(parts: ModelParts): Uint8Array {
  const { nodes, inputs = [value("x", [1, 3, 8, 8])], outputs = ["y"], initializers = [], opset = 17 } = parts;
  const model: onnx.IModelProto = {
    irVersion: 8,
    opsetImport: [{ domain: "", version: opset }],
    graph: {
      name: "test",
      node: [...nodes],
      input: [...inputs],
      output: outputs.map((name) => ({ name })),
      initializer: [...initializers],
      ...parts.graph,
    },
    ...parts.model,
  };
  return Uint8Array.from(schema.ModelProto.encode(model).finish());
}
