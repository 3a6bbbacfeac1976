/**
 * Checks that a graph keeps its own rules, before anything builds on it.
 *
 * @module
 */

import { checkArity } from "./arity.ts";
import { FeatherdetError } from "./error.ts";
import { type Constant, type ConstantData, type ElementType, type Graph, sizeOf } from "./graph.ts";
import { inferTypes } from "./infer.ts";
import { MOST_AXES, MOST_ELEMENTS, reject, show } from "./shapes/common.ts";

const ARRAYS: Readonly<Record<ElementType, new (length: number) => ConstantData>> = {
  f32: Float32Array,
  i32: Int32Array,
  i8: Int8Array,
  u8: Uint8Array,
};

/** The place of the first number that is not finite, -1 where all are. By its exponent, which is quicker than by its value. */
function brokenAt(data: Float32Array): number {
  const EXPONENT = 0x7f800000;
  const words = new Int32Array(data.buffer, data.byteOffset, data.length);
  for (let i = 0; i < words.length; i++) if ((words[i] & EXPONENT) === EXPONENT) return i;
  return -1;
}

function checkConstant(name: string, { dtype, shape, data }: Constant): void {
  const what = `constant "${name}"`;
  if (!Object.hasOwn(ARRAYS, dtype)) throw new FeatherdetError(`${what} has the unknown element type ${dtype}`);
  if (!(data instanceof ARRAYS[dtype])) {
    throw new FeatherdetError(`${what} is ${dtype} but stored as ${data.constructor.name}`);
  }
  if (data.length !== sizeOf(shape)) {
    throw new FeatherdetError(
      `${what} holds ${data.length} elements but its shape ${show(shape)} has ${sizeOf(shape)}`,
    );
  }
  // A broken weight would otherwise surface as boxes that are silently wrong.
  const broken = data instanceof Float32Array ? brokenAt(data) : -1;
  if (broken >= 0) throw new FeatherdetError(`${what} holds ${data[broken]} at index ${broken}`);
}

function checkInputs(graph: Graph, values: Set<string>): void {
  for (const { name, dtype, shape } of graph.inputs) {
    if (values.has(name)) throw new FeatherdetError(`input "${name}" appears twice`);
    if (!Object.hasOwn(ARRAYS, dtype)) {
      throw new FeatherdetError(`input "${name}" has the unknown element type ${dtype}`);
    }
    if (!shape.every((extent) => Number.isInteger(extent) && extent > 0)) {
      throw new FeatherdetError(
        `input "${name}" has shape ${show(shape)}, every extent must be a positive whole number`,
      );
    }
    if (shape.length > MOST_AXES || sizeOf(shape) > MOST_ELEMENTS) {
      throw new FeatherdetError(`input "${name}" has more axes or elements than are counted: ${show(shape)}`);
    }
    values.add(name);
  }
}

function checkNodes(graph: Graph, values: Set<string>): void {
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node.name] as const)));
  const names = new Set<string>();
  for (const node of graph.nodes) {
    if (node.name === "") reject(node, "needs a name");
    if (names.has(node.name)) reject(node, "shares its name with an earlier node");
    names.add(node.name);
    checkArity(node);
    for (const input of node.inputs) {
      if (values.has(input)) continue;
      const maker = makers.get(input);
      if (maker === undefined) reject(node, `input "${input}" does not exist`);
      reject(node, `input "${input}" is made by "${maker}", which does not come earlier`);
    }
    for (const output of node.outputs) {
      if (values.has(output)) reject(node, `output "${output}" exists already`);
      values.add(output);
    }
  }
}

/**
 * Throws FeatherdetError for the first rule of `Graph` that does not hold: unique names, known inputs in topological order,
 * input and output counts, constants that match their shape and are finite, outputs that exist, shapes that fit.
 */
export function verify(graph: Graph): void {
  const values = new Set<string>();
  checkInputs(graph, values);
  for (const [name, constant] of graph.constants) {
    if (values.has(name)) throw new FeatherdetError(`constant "${name}" shares its name with an input`);
    checkConstant(name, constant);
    values.add(name);
  }
  checkNodes(graph, values);
  if (graph.outputs.length === 0) throw new FeatherdetError(`graph "${graph.name}" has no outputs`);
  const seen = new Set<string>();
  for (const output of graph.outputs) {
    if (!values.has(output)) throw new FeatherdetError(`output "${output}" of graph "${graph.name}" does not exist`);
    if (seen.has(output)) throw new FeatherdetError(`output "${output}" of graph "${graph.name}" appears twice`);
    seen.add(output);
  }
  inferTypes(graph);
}
