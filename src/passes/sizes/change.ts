/**
 * Changes a graph to other input shapes than it was made for.
 *
 * Models are exported for one size, with numbers of that size fixed in Reshape targets, slice bounds and whole tables of cell
 * centres. Here shapes are inferred for both sizes side by side, every extent with the structure it got on its way
 * (`dim.ts`); fixed numbers are then made again from that structure. What cannot be explained is refused, never guessed.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import type { Constant, Graph, Shape, TensorType } from "../../graph/graph.ts";
import { inferNode, inferTypes } from "../../graph/infer.ts";
import type { Node } from "../../graph/operators.ts";
import { uniqueName, withNodes } from "../../graph/rewrite.ts";
import { newAttributes } from "./attributes.ts";
import { refuseBakedSize, tableDims } from "./baked.ts";
import { Counts } from "./counts.ts";
import { type Dim, type Dims, fixed, shapeOf } from "./dim.ts";
import { outputDims } from "./outputs.ts";
import { attributesByRule, isRuleCurrent } from "./rule.ts";
import { refuse } from "./resized_node.ts";
import { remakeTable } from "./table.ts";

function show(shape: Shape): string {
  return `[${shape.join(",")}]`;
}

function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

/** Kinds of the axes of an input; images have names for theirs. */
function kindsOf(name: string, rank: number): string[] {
  return rank === 4
    ? ["n", "c", "h", "w"]
    : Array.from({ length: rank }, (_, axis) => axis === 0 ? "n" : `${name}${axis}`);
}

/** One change of shapes in progress. */
class Change {
  readonly #oldTypes: Map<string, TensorType>;
  readonly #newTypes = new Map<string, TensorType>();
  readonly #dims = new Map<string, Dims>();
  readonly #constants: Map<string, Constant>;
  /** Names that tables got where they had to be made again, by old name. */
  readonly #remade = new Map<string, string[]>();
  readonly #names: Set<string>;
  /** New extents by kind and old extent; NaN where two disagree. */
  readonly #extents = new Map<string, number>();
  readonly #counts = new Counts();
  /** Exported input heights and widths that change. */
  readonly #sizes: number[] = [];

  constructor(graph: Graph, shapes: Readonly<Record<string, Shape>>) {
    this.#oldTypes = inferTypes(graph);
    this.#constants = new Map(graph.constants);
    this.#names = new Set(this.#oldTypes.keys());
    for (const { name, dtype, shape } of graph.inputs) {
      const next = shapes[name] ?? shape;
      const kinds = kindsOf(name, shape.length);
      const dims = shape.map((old, axis): Dim =>
        old === next[axis] ? [old] : [{ kind: kinds[axis], old, new: next[axis] }]
      );
      this.#sizes.push(...shape.filter((old, axis) => axis >= 2 && old !== next[axis]));
      this.#enter(name, { dtype, shape: next }, dims);
    }
    for (const [name, { dtype, shape }] of graph.constants) this.#enter(name, { dtype, shape }, fixed(shape));
  }

  #enter(name: string, type: TensorType, dims: Dims): void {
    this.#newTypes.set(name, type);
    this.#dims.set(name, dims);
    for (const [factor] of dims.filter((dim) => dim.length === 1)) {
      if (typeof factor === "number") continue;
      const key = `${factor.kind} ${factor.old}`;
      const known = this.#extents.get(key) ?? factor.new;
      this.#extents.set(key, known === factor.new ? known : NaN);
    }
  }

  /** The node for the new extents; enters what it makes. */
  take(node: Node): Node {
    refuseBakedSize(node, this.#constants, this.#sizes);
    const inputs = this.#remakeConstants(node);
    const types = inputs.map((name) => this.#newTypes.get(name)!);
    const oldOutputs = node.outputs.map((name) => this.#oldTypes.get(name)!.shape);
    const lookUp = (kind: string, old: number) => {
      const found = this.#extents.get(`${kind} ${old}`);
      return Number.isNaN(found) ? undefined : found;
    };
    const resized = { inputs: inputs.map((name) => this.#dims.get(name)!), oldOutputs, lookUp };
    const oldTypes = node.inputs.map((name) => this.#oldTypes.get(name)!);
    const byRule = isRuleCurrent(node, oldTypes) ? attributesByRule(node, types) : undefined;
    const attributes = byRule ?? newAttributes(node, resized);
    // The attributes are those of the node's own operator, which the union does not show.
    const made = { ...node, inputs, attributes } as Node;
    const outputs = inferNode(made, types);
    const dims = outputDims(node, { ...resized, newOutputs: outputs.map(({ shape }) => shape) });
    node.outputs.forEach((name, index) => {
      const agrees = sameShape(shapeOf(dims[index], "old"), oldOutputs[index]) &&
        sameShape(shapeOf(dims[index], "new"), outputs[index].shape);
      if (!agrees) refuse(node, `the structure of output ${show(outputs[index].shape)} is not understood`);
      this.#enter(name, outputs[index], dims[index]);
    });
    return made;
  }

  /** The node's inputs, with constants made again that span a changing extent or count its elements. */
  #remakeConstants(node: Node): string[] {
    const count = this.#counts.remake(node, this.#constants);
    this.#counts.note(node, node.inputs.map((name) => this.#dims.get(name)!), this.#constants);
    return node.inputs.map((name, index) => {
      if (index === count?.operand) return this.#enterTable(name, count.constant, fixed(count.constant.shape));
      const constant = this.#constants.get(name);
      if (!constant) return name;
      const dims = tableDims(node, index, node.inputs.map((input) => this.#dims.get(input)!));
      if (!dims) return name;
      const made = remakeTable(constant, dims, this.#sizes) ?? refuse(
        node,
        `constant "${name}" ${show(constant.shape)} would have to become ${
          show(shapeOf(dims, "new"))
        } for this input size, ` +
          `but its values are neither a cell grid nor the same over each feature level`,
      );
      return this.#enterTable(name, made, dims);
    });
  }

  /** Enters a constant made again; returns the name of one that is equal if there is one. */
  #enterTable(name: string, made: Constant, dims: Dims): string {
    const earlier = this.#remade.get(name) ?? [];
    const same = [name, ...earlier].find((other) => {
      const { shape, data } = this.#constants.get(other)!;
      return sameShape(shape, made.shape) && data.every((value, index) => value === made.data[index]);
    });
    if (same) return same;
    const fresh = uniqueName(this.#names, `${name}/resized`);
    this.#remade.set(name, [...earlier, fresh]);
    this.#constants.set(fresh, made);
    this.#enter(fresh, { dtype: made.dtype, shape: made.shape }, dims);
    return fresh;
  }

  /** The changed graph. A constant that was made again in one way only, and is not needed as it was, keeps its name. */
  finish(graph: Graph, nodes: readonly Node[]): Graph {
    const used = new Set(nodes.flatMap((node) => node.inputs));
    const renames = new Map<string, string>();
    for (const [name, [fresh, ...more]] of this.#remade) {
      if (used.has(name) || more.length > 0) continue;
      renames.set(fresh, name);
      this.#constants.set(name, this.#constants.get(fresh)!);
    }
    return withNodes(graph, nodes.map((node) => withInputs(node, renames)), this.#constants);
  }
}

function withInputs(node: Node, renames: ReadonlyMap<string, string>): Node {
  if (!node.inputs.some((name) => renames.has(name))) return node;
  return { ...node, inputs: node.inputs.map((name) => renames.get(name) ?? name) };
}

/** Elements of an input beyond which nobody means its shape: a gibibyte of floats. */
export const MOST_ELEMENTS: number = 2 ** 28;

/**
 * Changes a graph to inputs of other shapes, by input name. Inputs that are not named keep their shapes.
 *
 * Throws FeatherdetError for unknown inputs, for another rank, and for a graph that cannot be changed: because shapes would no longer
 * fit, or because fixed numbers and tables have no known origin.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { demoDetector } from "../../models/demo_detector.ts";
 * import { changeShapes } from "./change.ts";
 * const small = changeShapes(demoDetector({ size: 640 }), { images: [1, 3, 320, 320] });
 * assert.deepEqual(small.inputs[0].shape, [1, 3, 320, 320]);
 * ```
 */
export function changeShapes(graph: Graph, shapes: Readonly<Record<string, Shape>>): Graph {
  for (const [name, shape] of Object.entries(shapes)) {
    const input = graph.inputs.find((each) => each.name === name);
    const fits = input && input.shape.length === shape.length &&
      shape.every((extent) => Number.isInteger(extent) && extent > 0);
    if (!fits) {
      const known = graph.inputs.map((each) => `"${each.name}" ${show(each.shape)}`).join(", ");
      throw new FeatherdetError(`shape ${show(shape)} for input "${name}" does not fit the inputs ${known}`);
    }
    const elements = shape.reduce((product, extent) => product * extent, 1);
    if (elements > MOST_ELEMENTS) {
      throw new FeatherdetError(
        `shape ${show(shape)} for input "${name}" has ${elements} elements, at most ${MOST_ELEMENTS} are taken`,
        { file: graph.name },
      );
    }
  }
  const inputs = graph.inputs.map((input) => ({ ...input, shape: shapes[input.name] ?? input.shape }));
  const changed = inputs.filter((input, index) => !sameShape(input.shape, graph.inputs[index].shape));
  if (changed.length === 0) return graph;
  const change = new Change(graph, shapes);
  try {
    return change.finish({ ...graph, inputs }, graph.nodes.map((node) => change.take(node)));
  } catch (error) {
    if (!(error instanceof FeatherdetError)) throw error;
    const what = changed.map(({ name, shape }) => {
      return `"${name}" from ${show(graph.inputs.find((each) => each.name === name)!.shape)} to ${show(shape)}`;
    });
    throw new FeatherdetError(`${error.detail} (when changing input ${what.join(", ")})`, error.place, {
      cause: error,
    });
  }
}
