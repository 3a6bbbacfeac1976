/**
 * Writing and changing graphs: nodes are added, replaced, inserted and removed by name of value, types are inferred as they come, and a
 * new Graph is handed back.
 *
 * @module
 */

import { FeatherdetError } from "./error.ts";
import type { Constant, ConstantData, ElementType, Graph, GraphInput, Shape, TensorType } from "./graph.ts";
import { GraphIndex } from "./graph_index.ts";
import { inferNode } from "./infer.ts";
import { NodePlaces, type Place, type Taken } from "./node_places.ts";
import type { Node, Operator, OperatorAttributes } from "./operators.ts";
import { namesOf, sortTopologically, uniqueName, withNodes } from "./rewrite.ts";

const EMPTY: Graph = { name: "model", inputs: [], outputs: [], nodes: [], constants: new Map(), metadata: {} };

function elementTypeOf(data: ConstantData): ElementType {
  if (data instanceof Float32Array) return "f32";
  if (data instanceof Int32Array) return "i32";
  return data instanceof Int8Array ? "i8" : "u8";
}

function sameType(a: TensorType, b: TensorType): boolean {
  return a.dtype === b.dtype && a.shape.length === b.shape.length &&
    a.shape.every((extent, i) => extent === b.shape[i]);
}

const show = ({ dtype, shape }: TensorType) => `${dtype} [${shape.join(",")}]`;

/** What of a finished graph is not as in the one that was started from. */
export interface FinishOptions extends Partial<Pick<Graph, "name" | "outputs" | "metadata">> {
  /** Keeps nodes and constants that nobody reads, as of a model that is half written; false by default. */
  readonly keepUnread?: boolean;
}

/** Which of the readers of a value; each is handed over as it was when it came into the editor. */
export type ReaderFilter = (reader: Node) => boolean;

/**
 * Writes a graph, or changes one. The graph that it starts from stays as it is; a value that is there keeps its type, whatever makes it.
 *
 * Nodes are put at the end, or where `replace`, `before` and `insert` say. Their order need not be right: `finish` sorts.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { demoDetector } from "../models/demo_detector.ts";
 * import { GraphEditor } from "./editor.ts";
 * const graph = demoDetector({ size: 64 });
 * const editor = new GraphEditor(graph);
 * for (const node of graph.nodes) {
 *   if (node.op === "Silu") editor.replace(node, [{ ...node, op: "Relu" }]);
 * }
 * const [conv] = graph.nodes;
 * editor.insert(conv.outputs[0], (value) => editor.one("Clip", `${value}/clipped`, [value], { min: -6, max: 6 }));
 * assert.deepEqual(editor.finish().nodes.slice(0, 3).map(({ op }) => op), ["Conv", "Clip", "Relu"]);
 * ```
 */
export class GraphEditor {
  readonly #source: GraphIndex;
  readonly #nodes = new NodePlaces();
  readonly #constants: Map<string, Constant>;
  #inputs: Map<string, GraphInput>;
  #outputs: readonly string[];
  /** Types of what came after the source, and of what was made anew. */
  readonly #types = new Map<string, TensorType>();
  readonly #names: Set<string>;

  /** Starts from a graph; from an empty one by default. */
  constructor(graph: Graph = EMPTY) {
    this.#source = GraphIndex.of(graph);
    this.#constants = new Map(graph.constants);
    this.#inputs = new Map(graph.inputs.map((input) => [input.name, input]));
    this.#outputs = graph.outputs;
    this.#names = namesOf(graph);
    for (const node of graph.nodes) this.#nodes.add(node);
  }

  /** Whether there is a value of that name: an input, a constant, or what a node makes. */
  has(value: string): boolean {
    return this.#nodes.producerOf(value) !== undefined || this.#constants.has(value) || this.#inputs.has(value);
  }

  /** Type of a value. Throws FeatherdetError if there is none of that name. */
  typeOf(value: string): TensorType {
    const type = this.has(value) ? this.#types.get(value) ?? this.#source.types.get(value) : undefined;
    if (type) return type;
    throw new FeatherdetError(`value "${value}" does not exist in graph "${this.#source.graph.name}"`);
  }

  /** Shape of a value. Throws as `typeOf`. */
  shapeOf(value: string): Shape {
    return this.typeOf(value).shape;
  }

  /** A node as it is now; undefined if it is gone. */
  current(node: Node): Node | undefined {
    return this.#nodes.named(node.name)?.node;
  }

  /** A name that neither a value nor a node has, `base` or `base_2`, `base_3` ...; it is not given out again. */
  uniqueName(base: string): string {
    return uniqueName(this.#names, base);
  }

  /** Adds an input and returns its name. */
  input(name: string, shape: Shape, dtype: ElementType = "f32"): string {
    this.#take(name, { dtype, shape });
    this.#inputs.set(name, { name, dtype, shape });
    return name;
  }

  /** Makes a constant an input of the same name and type. */
  feed(constant: string): void {
    const { dtype, shape } = this.#constants.get(constant) ?? this.#refuse(`"${constant}" is no constant`);
    this.#constants.delete(constant);
    this.#inputs.set(constant, { name: constant, dtype, shape });
    this.#types.set(constant, { dtype, shape });
  }

  /** Adds a constant, row-major, and returns its name. */
  constant(name: string, shape: Shape, data: ConstantData): string {
    return this.define(name, { dtype: elementTypeOf(data), shape, data });
  }

  /** Adds a constant as it is (its data may be made when it is first asked for) and returns its name. */
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
    return this.put({ op, name, inputs, outputs, attributes } as unknown as Node);
  }

  /** Adds a node with one output under a unique name and returns that name. */
  one<K extends Operator>(op: K, base: string, inputs: readonly string[], attributes: OperatorAttributes[K]): string {
    return this.node(op, this.uniqueName(base), inputs, attributes);
  }

  /** Adds a node under a unique name, and returns its outputs: that name with the suffixes behind it. */
  several<K extends Operator>(
    op: K,
    base: string,
    inputs: readonly string[],
    attributes: OperatorAttributes[K],
    suffixes: readonly string[],
  ): readonly string[] {
    const name = this.uniqueName(base);
    const outputs = suffixes.map((suffix) => this.uniqueName(`${name}/${suffix}`));
    return this.nodeWithOutputs(op, name, inputs, attributes, outputs);
  }

  /**
   * Adds a node as it is and returns the names of its outputs. Throws FeatherdetError if a name is taken, if inputs do not exist
   * or do not fit, and if a value of the graph would be of another type.
   */
  put(node: Node): readonly string[] {
    if (this.#nodes.named(node.name)) this.#reject(node, "shares its name with another node");
    const types = inferNode(node, node.inputs.map((value) => this.typeOf(value)));
    node.outputs.forEach((value, i) => this.#take(value, types[i]));
    this.#names.add(node.name);
    this.#nodes.add(node);
    return node.outputs;
  }

  /** Puts other nodes in the place of one: those given, or those that `write` adds. What others read they must make again. */
  replace(node: Node, by: readonly Node[] | (() => void)): void {
    const place = this.#placeOf(node);
    this.#nodes.release(place);
    this.#nodes.writeTo(place.instead, typeof by === "function" ? by : () => by.forEach((one) => this.put(one)));
  }

  /** Puts the nodes that `write` adds before a node, and returns what it returns. */
  before<T>(node: Node, write: () => T): T {
    return this.#nodes.writeTo(this.#placeOf(node).before, write);
  }

  /**
   * Inserts nodes between a value and its readers, all of them unless told otherwise. `write` adds the nodes and returns the value of the
   * same type that is read from now on, which is returned. What leaves the graph stays what it was.
   */
  insert(value: string, write: (value: string) => string, readers?: ReaderFilter): string {
    const earlier = new Set<Place>(this.#nodes.all());
    const made = this.#nodes.writeTo(this.#nodes.producerOf(value)?.behind ?? this.#nodes.front, () => write(value));
    this.#redirect(value, made, (place) => earlier.has(place) && (readers?.(place.origin) ?? true));
    return made;
  }

  /** Lets readers of a value, all of them unless told otherwise, read another of the same type. What leaves the graph stays what it was. */
  redirect(value: string, to: string, readers?: ReaderFilter): void {
    this.#redirect(value, to, (place) => readers?.(place.origin) ?? true);
  }

  /** Gives a node other inputs, from which it must make values of the same types. */
  setInputs(node: Node, inputs: readonly string[]): void {
    const place = this.#placeOf(node);
    const changed = { ...place.node, inputs };
    const types = inferNode(changed, inputs.map((value) => this.typeOf(value)));
    changed.outputs.forEach((value, i) => this.#checkType(value, types[i]));
    place.node = changed;
  }

  /**
   * Removes a node of one output; who read it reads its first input, of the same type. A result of the graph keeps its name: what made
   * the input makes it. Throws FeatherdetError if that cannot be.
   */
  remove(node: Node): void {
    const place = this.#placeOf(node);
    const { inputs: [input], outputs: [output, ...others] } = place.node;
    if (others.length > 0) this.#reject(node, "has several outputs and cannot be removed");
    this.#checkType(output, this.typeOf(input));
    const leaves = this.#outputs.includes(output);
    if (leaves && (!this.#nodes.producerOf(input) || this.#outputs.includes(input))) {
      this.#reject(node, `cannot be removed: output "${output}" of the graph would be its input "${input}"`);
    }
    this.#nodes.release(place);
    for (const other of this.#nodes.all()) this.#nodes.substitute(other, "inputs", output, input);
    if (leaves) this.rename(input, output);
  }

  /** Gives a value another name wherever it is made and read, also among inputs and outputs of the graph. */
  rename(value: string, name: string): void {
    if (value === name) return;
    this.#take(name, this.typeOf(value));
    for (const place of this.#nodes.all()) {
      this.#nodes.substitute(place, "inputs", value, name);
      this.#nodes.substitute(place, "outputs", value, name);
    }
    this.#inputs = new Map(
      [...this.#inputs.values()].map((input) =>
        input.name === value ? [name, { ...input, name }] : [input.name, input]
      ),
    );
    const constant = this.#constants.get(value);
    this.#constants.delete(value);
    if (constant) this.#constants.set(name, constant);
    this.#outputs = this.#outputs.map((output) => output === value ? name : output);
  }

  /**
   * The graph as it is now: sorted, without nodes and constants that nobody reads. Its name, outputs and metadata are those of the graph
   * that was started from, unless given. Throws FeatherdetError for values that nothing makes and for
   * cycles.
   */
  finish({ keepUnread = false, ...changes }: FinishOptions = {}): Graph {
    const outputs = changes.outputs ?? this.#outputs;
    const changed = { ...this.#source.graph, ...changes, inputs: [...this.#inputs.values()], outputs };
    const nodes = this.#nodes.toNodes();
    const graph: Graph = keepUnread
      ? { ...changed, nodes: sortTopologically(nodes), constants: new Map(this.#constants) }
      : withNodes(changed, nodes, this.#constants);
    for (const node of graph.nodes) {
      const missing = node.inputs.find((value) => !this.has(value));
      if (missing !== undefined) this.#reject(node, `input "${missing}" does not exist any more`);
    }
    const missing = outputs.find((value) => !this.has(value));
    if (missing !== undefined) this.#refuse(`output "${missing}" does not exist`);
    return graph;
  }

  #refuse(detail: string): never {
    throw new FeatherdetError(`${detail} in graph "${this.#source.graph.name}"`);
  }

  #reject({ name, op }: Node, detail: string): never {
    throw new FeatherdetError(detail, { node: name, operator: op });
  }

  #placeOf(node: Node): Taken {
    return this.#nodes.named(node.name) ?? this.#reject(node, "is not in the graph");
  }

  #redirect(value: string, to: string, isReader: (place: Place) => boolean): void {
    this.#checkType(value, this.typeOf(to));
    for (const place of this.#nodes.all()) {
      if (isReader(place)) this.#nodes.substitute(place, "inputs", value, to);
    }
  }

  /** Enters a value that is new, or that was there and has lost its producer. */
  #take(value: string, type: TensorType): void {
    if (this.has(value)) this.#refuse(`value "${value}" is made twice`);
    if (this.#types.has(value) || this.#source.has(value)) this.#checkType(value, type);
    this.#types.set(value, type);
    this.#names.add(value);
  }

  #checkType(value: string, type: TensorType): void {
    const known = this.#types.get(value) ?? this.#source.types.get(value);
    if (known && !sameType(known, type)) {
      this.#refuse(`value "${value}" is ${show(known)} and cannot become ${show(type)}`);
    }
  }
}
