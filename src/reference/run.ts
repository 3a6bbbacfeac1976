/**
 * Runs a graph node by node on the CPU in float64: slow, plain, and the truth that everything else is tested against.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import { type Graph, type Shape, sizeOf } from "../graph/graph.ts";
import { evaluateNode } from "./evaluate.ts";
import { type ReferenceTensor, referenceTensor } from "./tensor.ts";

export { evaluateNode } from "./evaluate.ts";
export { type ReferenceTensor, referenceTensor } from "./tensor.ts";

/** What to keep of a run. */
export interface ReferenceOptions {
  /** Keep every value instead of the graph's outputs alone. */
  readonly keepAll?: boolean;
}

function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

/**
 * Values of the graph's outputs by name; with `keepAll`, of every input, constant and node output.
 *
 * Throws FeatherdetError for a missing input or one of another shape than the graph's.
 */
export function runReference(
  graph: Graph,
  inputs: Readonly<Record<string, ReferenceTensor>>,
  options: ReferenceOptions = {},
): Map<string, ReferenceTensor> {
  const values = new Map<string, ReferenceTensor>();
  for (const { name, shape, dtype } of graph.inputs) {
    const given = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
    if (!given) throw new FeatherdetError(`graph "${graph.name}" lacks its input "${name}" [${shape.join(",")}]`);
    if (!sameShape(given.shape, shape) || given.data.length !== sizeOf(shape)) {
      throw new FeatherdetError(
        `input "${name}" must be [${shape.join(",")}] but [${
          given.shape.join(",")
        }] with ${given.data.length} elements was given`,
      );
    }
    values.set(name, { ...given, dtype });
  }
  for (const [name, { shape, data, dtype }] of graph.constants) values.set(name, referenceTensor(shape, data, dtype));
  const lastUse = new Map<string, number>();
  graph.nodes.forEach((node, step) => node.inputs.forEach((name) => lastUse.set(name, step)));
  for (const name of graph.outputs) lastUse.set(name, Infinity);
  graph.nodes.forEach((node, step) => {
    const operands = node.inputs.map((name) => {
      const value = values.get(name);
      if (value) return value;
      throw new FeatherdetError(`input "${name}" is made by no earlier node`, { node: node.name, operator: node.op });
    });
    const results = evaluateNode(node, operands);
    node.outputs.forEach((name, index) => values.set(name, results[index]));
    if (!options.keepAll) {
      for (const name of [...node.inputs, ...node.outputs]) {
        if ((lastUse.get(name) ?? -1) <= step) values.delete(name);
      }
    }
  });
  if (options.keepAll) return values;
  return new Map(graph.outputs.map((name) => {
    const value = values.get(name);
    if (!value) throw new FeatherdetError(`graph "${graph.name}" does not make its output "${name}"`);
    return [name, value];
  }));
}
