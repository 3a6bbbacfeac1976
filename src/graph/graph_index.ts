/**
 * Who makes and who reads each value of a graph, and what type it has: looked up instead of searched for.
 *
 * @module
 */

import { FeatherdetError } from "./error.ts";
import type { Constant, Graph, Shape, TensorType } from "./graph.ts";
import { inferTypes } from "./infer.ts";
import type { Node } from "./operators.ts";

const NONE: readonly Node[] = [];

// A cache and nothing more: graphs are never changed in place, so that an index stays right for as long as its graph is there.
const INDICES = new WeakMap<Graph, GraphIndex>();

/**
 * An index over the values of one graph.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { demoDetector } from "../models/demo_detector.ts";
 * import { GraphIndex } from "./graph_index.ts";
 * const graph = demoDetector({ size: 64 });
 * const index = GraphIndex.of(graph);
 * const conv = graph.nodes.find(({ op }) => op === "Conv")!;
 * assert.equal(index.producerOf(conv.outputs[0]), conv);
 * assert.deepEqual(index.readersOf(conv.inputs[1]), [conv]);
 * assert.deepEqual(index.constantOf(conv.inputs[1])?.shape, index.shapeOf(conv.inputs[1]));
 * ```
 */
export class GraphIndex {
  /** The graph that is looked up in. */
  readonly graph: Graph;
  readonly #producers = new Map<string, Node>();
  readonly #readers = new Map<string, Node[]>();
  readonly #inputs: ReadonlySet<string>;
  readonly #outputs: ReadonlySet<string>;
  #types?: ReadonlyMap<string, TensorType>;

  /** Indexes a graph. `GraphIndex.of` hands out one that exists already. */
  constructor(graph: Graph) {
    this.graph = graph;
    this.#inputs = new Set(graph.inputs.map(({ name }) => name));
    this.#outputs = new Set(graph.outputs);
    for (const node of graph.nodes) {
      for (const value of node.outputs) this.#producers.set(value, node);
      for (const value of new Set(node.inputs)) {
        const readers = this.#readers.get(value);
        if (readers) readers.push(node);
        else this.#readers.set(value, [node]);
      }
    }
  }

  /** The index of a graph, made when it is first asked for. */
  static of(graph: Graph): GraphIndex {
    let index = INDICES.get(graph);
    if (!index) INDICES.set(graph, index = new GraphIndex(graph));
    return index;
  }

  /** The node that makes a value; undefined for inputs, constants and unknown names. */
  producerOf(value: string): Node | undefined {
    return this.#producers.get(value);
  }

  /** The nodes that make the inputs of a node, in the order of these, a node twice if two are its; inputs and constants have none. */
  producersBefore(node: Node): Node[] {
    return node.inputs.flatMap((value) => this.#producers.get(value) ?? []);
  }

  /**
   * The nodes that read a value, in the graph's order, each once however often it reads the value. Leaving the graph as an output is no
   * reader.
   */
  readersOf(value: string): readonly Node[] {
    return this.#readers.get(value) ?? NONE;
  }

  /** The nodes that read the outputs of a node, output by output, a node twice if it reads two. */
  readersBehind(node: Node): Node[] {
    return node.outputs.flatMap((value) => this.readersOf(value));
  }

  /**
   * The node that alone needs a value: no other node reads it, this one reads it as one of its inputs only, and it does not leave the graph.
   * Undefined for every other value, also for one that nobody reads. So a value with a sole reader is needed no more once that
   * reader is replaced.
   */
  soleReader(value: string): Node | undefined {
    const readers = this.readersOf(value);
    if (readers.length !== 1 || this.#outputs.has(value)) return undefined;
    const [reader] = readers;
    return reader.inputs.indexOf(value) === reader.inputs.lastIndexOf(value) ? reader : undefined;
  }

  /** Whether the graph has a value of that name: an input, a constant, or what a node makes. */
  has(value: string): boolean {
    return this.#producers.has(value) || this.#inputs.has(value) || this.graph.constants.has(value);
  }

  /** Whether a value is fed to the graph. */
  isInput(value: string): boolean {
    return this.#inputs.has(value);
  }

  /** Whether a value leaves the graph. */
  isOutput(value: string): boolean {
    return this.#outputs.has(value);
  }

  /** Whether a value is a constant. */
  isConstant(value: string): boolean {
    return this.graph.constants.has(value);
  }

  /** The constant of that name; undefined for other values, and for the absent name of an input that was left out. */
  constantOf(value: string | undefined): Constant | undefined {
    return value === undefined ? undefined : this.graph.constants.get(value);
  }

  /** Types of all values, inferred when first asked for. Throws as `inferTypes`. */
  get types(): ReadonlyMap<string, TensorType> {
    return this.#types ??= inferTypes(this.graph);
  }

  /** Type of a value. Throws as `inferTypes`, and FeatherdetError where the graph has no such value. */
  typeOf(value: string): TensorType {
    const type = this.types.get(value);
    if (type) return type;
    throw new FeatherdetError(`value "${value}" does not exist in graph "${this.graph.name}"`);
  }

  /** Shape of a value. Throws as `typeOf`. */
  shapeOf(value: string): Shape {
    return this.typeOf(value).shape;
  }
}
