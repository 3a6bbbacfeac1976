/**
 * What gradient rules write with: nodes and constants beside those of a graph, shapes known as they are added.
 *
 * @module
 */

import {
  type Constant,
  FeatherdetError,
  type Graph,
  inferNode,
  inferTypes,
  type Node,
  type Operator,
  type OperatorAttributes,
  type Shape,
  sizeOf,
  type TensorType,
  uniqueName,
} from "../../graph/mod.ts";

/** Collects the nodes of a backward pass. */
export class GradientContext {
  /** Nodes added so far, in topological order. */
  readonly nodes: Node[] = [];
  /** Constants added so far. */
  readonly constants = new Map<string, Constant>();
  readonly #types: Map<string, TensorType>;
  readonly #taken: Set<string>;
  readonly #graph: Graph;

  /** `taken` holds the names that exist; those that are added join it. */
  constructor(graph: Graph, taken: Set<string>) {
    this.#graph = graph;
    this.#types = inferTypes(graph);
    this.#taken = taken;
  }

  /** Type of a value of the graph or added since. Throws FeatherdetError for any other name. */
  typeOf(value: string): TensorType {
    const type = this.#types.get(value);
    if (type === undefined) {
      throw new FeatherdetError(`value "${value}" does not exist in graph "${this.#graph.name}"`);
    }
    return type;
  }

  /** Shape of such a value. */
  shapeOf(value: string): Shape {
    return this.typeOf(value).shape;
  }

  /** Declares a value that something else feeds. */
  declare(value: string, type: TensorType): void {
    this.#types.set(value, type);
    this.#taken.add(value);
  }

  /** Adds a node named after `base` and returns the names of its outputs, `suffixes` appended to its own name. */
  add<K extends Operator>(
    op: K,
    base: string,
    inputs: readonly string[],
    attributes: OperatorAttributes[K],
    suffixes: readonly string[] = [""],
  ): string[] {
    const name = uniqueName(this.#taken, base);
    const outputs = suffixes.map((suffix) => suffix === "" ? name : uniqueName(this.#taken, `${name}/${suffix}`));
    // The union's members differ only in what `op` and `attributes` tie together, which the signature already does.
    const node = { op, name, inputs, outputs, attributes } as unknown as Node;
    const types = inferNode(node, inputs.map((value) => this.typeOf(value)));
    outputs.forEach((value, index) => this.#types.set(value, types[index]));
    this.nodes.push(node);
    return outputs;
  }

  /** Adds a node of one output and returns the output's name. */
  one<K extends Operator>(op: K, base: string, inputs: readonly string[], attributes: OperatorAttributes[K]): string {
    return this.add(op, base, inputs, attributes)[0];
  }

  /** A constant of equal elements; equal ones are made once. */
  full(shape: Shape, value: number): string {
    return this.constant(
      `gradient/${value}[${shape.join(",")}]`,
      shape,
      () => new Float32Array(sizeOf(shape)).fill(value),
    );
  }

  /** A constant; `name` must say what it holds, since what has that name already is taken to be the same. */
  constant(name: string, shape: Shape, make: () => Float32Array): string {
    if (!this.constants.has(name)) {
      this.constants.set(name, { dtype: "f32", shape, data: make() });
      this.declare(name, { dtype: "f32", shape });
    }
    return name;
  }

  /** A value in another shape; itself where the shape is that already. */
  reshape(base: string, value: string, shape: Shape): string {
    const same = this.shapeOf(value).join() === shape.join();
    return same ? value : this.one("Reshape", base, [value], { shape });
  }

  /** A part of one axis, `start` to `end`, taken in steps; itself where that is the whole axis. */
  slice(base: string, value: string, axis: number, start: number, end: number, step = 1): string {
    const whole = start === 0 && step === 1 && end === this.shapeOf(value)[axis];
    return whole
      ? value
      : this.one("Slice", base, [value], { axes: [axis], starts: [start], ends: [end], steps: [step] });
  }

  /** A value with zeros before and behind it along one axis; itself without any. */
  pad(base: string, value: string, axis: number, before: number, behind: number): string {
    if (before === 0 && behind === 0) return value;
    const rank = this.shapeOf(value).length;
    const pads = new Array<number>(2 * rank).fill(0);
    pads[axis] = before;
    pads[rank + axis] = behind;
    return this.one("Pad", base, [value], { mode: "constant", pads, value: 0 });
  }

  /** Repeats a value along its axes of extent 1 up to the shape, times a factor. */
  expand(base: string, value: string, shape: Shape, factor = 1): string {
    const from = this.shapeOf(value);
    const repeated = shape.map((extent, axis) => from[axis] === extent ? 1 : extent);
    if (factor === 1 && repeated.every((extent) => extent === 1)) return value;
    return this.one("Mul", base, [value, this.full(repeated, factor)], {});
  }

  /** Undoes a broadcast: sums over the axes along which a value of `shape` was repeated. */
  unbroadcast(base: string, value: string, shape: Shape): string {
    const from = this.shapeOf(value);
    const lead = from.length - shape.length;
    const axes = from.flatMap((extent, axis) => axis < lead || (shape[axis - lead] === 1 && extent > 1) ? [axis] : []);
    // An axis of extent 1 needs no sum, only to be dropped.
    const summed = axes.filter((axis) => from[axis] > 1);
    const sum = summed.length === 0 ? value : this.one("ReduceSum", base, [value], { axes: summed, keepDims: true });
    return this.reshape(`${base}/shape`, sum, shape);
  }
}
