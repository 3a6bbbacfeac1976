/**
 * Writing a Graph node by node: collects nodes and constants, infers types as it goes, and hands back the names of values.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { Constant, ConstantData, ElementType, Graph, GraphInput, Shape, TensorType } from "../graph/graph.ts";
import { inferNode } from "../graph/infer.ts";
import type { Node, Operator, OperatorAttributes } from "../graph/operators.ts";

/** Element type that goes with an array class. */
function elementTypeOf(data: ConstantData): ElementType {
  if (data instanceof Float32Array) return "f32";
  if (data instanceof Int32Array) return "i32";
  return data instanceof Int8Array ? "i8" : "u8";
}

/** Collects a graph in topological order. Shapes that do not fit are refused at the node that meets them. */
export class GraphBuilder {
  readonly #inputs: GraphInput[] = [];
  readonly #nodes: Node[] = [];
  readonly #constants = new Map<string, Constant>();
  readonly #types = new Map<string, TensorType>();

  /** Adds a float input and returns its name. */
  input(name: string, shape: Shape): string {
    this.#take(name, { dtype: "f32", shape });
    this.#inputs.push({ name, dtype: "f32", shape });
    return name;
  }

  /** Adds a constant, row-major, and returns its name. */
  constant(name: string, shape: Shape, data: ConstantData): string {
    return this.define(name, { dtype: elementTypeOf(data), shape, data });
  }

  /** Adds a constant and returns its name. Its data may be made when it is first read. */
  define(name: string, constant: Constant): string {
    this.#take(name, { dtype: constant.dtype, shape: constant.shape });
    this.#constants.set(name, constant);
    return name;
  }

  /** Adds a node with one output, which carries the node's name, and returns that name. */
  node<K extends Operator>(op: K, name: string, inputs: readonly string[], attributes: OperatorAttributes[K]): string {
    return this.nodeWithOutputs(op, name, inputs, attributes, [name])[0];
  }

  /** Adds a node and returns the names of its outputs. */
  nodeWithOutputs<K extends Operator>(
    op: K,
    name: string,
    inputs: readonly string[],
    attributes: OperatorAttributes[K],
    outputs: readonly string[],
  ): readonly string[] {
    // The union's members differ only in what `op` and `attributes` tie together, which the signature already does.
    const node = { op, name, inputs, outputs, attributes } as unknown as Node;
    const types = inferNode(node, inputs.map((value) => this.typeOf(value)));
    outputs.forEach((value, index) => this.#take(value, types[index]));
    this.#nodes.push(node);
    return outputs;
  }

  /** Type of a value added before. Throws FeatherdetError for any other name. */
  typeOf(value: string): TensorType {
    const type = this.#types.get(value);
    if (type === undefined) throw new FeatherdetError(`value "${value}" does not exist in the model so far`);
    return type;
  }

  /** Shape of a value added before. */
  shapeOf(value: string): Shape {
    return this.typeOf(value).shape;
  }

  /** The graph collected so far. */
  graph(name: string, outputs: readonly string[], metadata: Readonly<Record<string, string>> = {}): Graph {
    return { name, inputs: this.#inputs, outputs, nodes: this.#nodes, constants: this.#constants, metadata };
  }

  #take(name: string, type: TensorType): void {
    if (this.#types.has(name)) throw new FeatherdetError(`value "${name}" is made twice`);
    this.#types.set(name, type);
  }
}
