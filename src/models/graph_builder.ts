/**
 * Writing a Graph node by node: collects nodes and constants and hands back the names of values.
 *
 * @module
 */

import type { Constant, ConstantData, ElementType, Graph, GraphInput, Shape } from "../graph/graph.ts";
import type { Node, Operator, OperatorAttributes } from "../graph/operators.ts";

/** Element type that goes with an array class. */
function elementTypeOf(data: ConstantData): ElementType {
  if (data instanceof Float32Array) return "f32";
  if (data instanceof Int32Array) return "i32";
  return data instanceof Int8Array ? "i8" : "u8";
}

/** Collects a graph in topological order. */
export class GraphBuilder {
  readonly #inputs: GraphInput[] = [];
  readonly #nodes: Node[] = [];
  readonly #constants = new Map<string, Constant>();

  /** Adds a float input and returns its name. */
  input(name: string, shape: Shape): string {
    this.#inputs.push({ name, dtype: "f32", shape });
    return name;
  }

  /** Adds a constant, row-major, and returns its name. */
  constant(name: string, shape: Shape, data: ConstantData): string {
    this.#constants.set(name, { dtype: elementTypeOf(data), shape, data });
    return name;
  }

  /** Adds a node with one output, which carries the node's name, and returns that name. */
  node<K extends Operator>(op: K, name: string, inputs: readonly string[], attributes: OperatorAttributes[K]): string {
    // The union's members differ only in what `op` and `attributes` tie together, which the signature already does.
    this.#nodes.push({ op, name, inputs, outputs: [name], attributes } as unknown as Node);
    return name;
  }

  /** The graph collected so far. */
  graph(name: string, outputs: readonly string[], metadata: Readonly<Record<string, string>> = {}): Graph {
    return { name, inputs: this.#inputs, outputs, nodes: this.#nodes, constants: this.#constants, metadata };
  }
}
