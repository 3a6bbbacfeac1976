/**
 * Two graphs as one, on shared inputs: a student and its teacher on the same pictures.
 *
 * @module
 */

import { type Constant, FeatherdetError, type Graph, inferTypes, namesOf, type Node } from "../graph/mod.ts";
import { foldBatchNormalization } from "./fold_batch_normalization.ts";

/** How two graphs are joined. */
export interface MergeOptions {
  /** What the names of the second graph's values, nodes and constants begin with: `teacher/`. */
  readonly prefix: string;
  /**
   * Inputs of the second graph -> values of the first one that take their places. By default every input that has the name and type of
   * one of the first graph's; inputs that share nothing become inputs of the joint graph.
   */
  readonly shared?: Readonly<Record<string, string>>;
  /**
   * True where the second graph stays as it is when the joint one is trained: its constants are no parameters, and BatchNormalization
   * normalises by running statistics, for which it is folded where it can be. False by default.
   */
  readonly frozen?: boolean;
}

/** Two graphs that are one. */
export interface MergedGraph {
  /** The first graph's inputs, outputs and names, then those of the second one that are its own. */
  readonly graph: Graph;
  /** Names in the second graph -> names in the joint one, of values, nodes and constants; a shared input has the value's that it shares. */
  readonly names: ReadonlyMap<string, string>;
  /** Constants that must not be trained, by their names in the joint graph: those of a frozen second graph. */
  readonly frozen: ReadonlySet<string>;
}

const typeText = ({ dtype, shape }: { readonly dtype: string; readonly shape: readonly number[] }) =>
  `${dtype} [${shape.join(",")}]`;

/** Values of the first graph that take the places of inputs of the second one. */
function sharedInputs(first: Graph, second: Graph, stated: MergeOptions["shared"]): Map<string, string> {
  const types = inferTypes(first);
  if (stated === undefined) {
    const own = new Set(first.inputs.map(({ name }) => name));
    return new Map(
      second.inputs.filter(({ name, ...type }) => own.has(name) && typeText(types.get(name)!) === typeText(type))
        .map(({ name }) => [name, name]),
    );
  }
  for (const [name, value] of Object.entries(stated)) {
    const input = second.inputs.find((one) => one.name === name);
    if (!input) throw new FeatherdetError(`has no input "${name}" to share`, { file: second.name });
    const type = types.get(value);
    if (!type) throw new FeatherdetError(`has no value "${value}" to share`, { file: first.name });
    if (typeText(type) !== typeText(input)) {
      throw new FeatherdetError(
        `input "${name}" is ${typeText(input)}, but "${value}" of "${first.name}", which it is to share, is ${
          typeText(type)
        }`,
        { file: second.name },
      );
    }
  }
  return new Map(Object.entries(stated));
}

/**
 * Joins two graphs on shared inputs. The first one keeps all of its names; outputs are the first one's, then the second one's, each of
 * which is found by `names`.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { yolo11 } from "../models/yolo11.ts";
 * import { mergeGraphs } from "./merge_graphs.ts";
 * const student = yolo11({ width: 0.0625, size: 64, batch: 2 });
 * const teacher = yolo11({ width: 0.125, size: 64, batch: 2 });
 * const { graph, names } = mergeGraphs(student, teacher, { prefix: "teacher/", frozen: true });
 * assert.equal(graph.inputs.length, 1);
 * assert.deepEqual(graph.outputs, ["output0", "teacher/output0"]);
 * assert.equal(names.get("output0"), "teacher/output0");
 * ```
 *
 * Throws FeatherdetError if they share no input, for shared values that do not exist or have other types, and for names that collide.
 */
export function mergeGraphs(first: Graph, second: Graph, options: MergeOptions): MergedGraph {
  const { prefix, frozen = false } = options;
  const other = frozen ? foldBatchNormalization(second) : second;
  const shared = sharedInputs(first, other, options.shared);
  if (shared.size === 0) {
    const inputs = (graph: Graph) => graph.inputs.map((input) => `"${input.name}" ${typeText(input)}`).join(", ");
    throw new FeatherdetError(
      `shares no input with "${first.name}": its inputs are ${inputs(other)}, those of the other are ${inputs(first)}`,
      { file: second.name },
    );
  }
  const names = new Map([...namesOf(other)].map((name) => [name, shared.get(name) ?? prefix + name]));
  const named = (name: string) => names.get(name)!;
  const taken = namesOf(first);
  const own = [...names].filter(([name]) => !shared.has(name)).map(([, joint]) => joint);
  const collision = own.find((name) => taken.has(name));
  if (collision !== undefined) {
    throw new FeatherdetError(`has "${collision}" already: the prefix "${prefix}" does not tell the graphs apart`, {
      file: first.name,
    });
  }
  const nodes = other.nodes.map((node) =>
    ({ ...node, name: prefix + node.name, inputs: node.inputs.map(named), outputs: node.outputs.map(named) }) as Node
  );
  const constants = new Map<string, Constant>([...other.constants].map(([name, constant]) => [named(name), constant]));
  const inputs = other.inputs.filter(({ name }) => !shared.has(name)).map((one) => ({ ...one, name: named(one.name) }));
  const graph: Graph = {
    ...first,
    inputs: [...first.inputs, ...inputs],
    outputs: [...new Set([...first.outputs, ...other.outputs.map(named)])],
    nodes: [...first.nodes, ...nodes],
    constants: new Map([...first.constants, ...constants]),
  };
  return { graph, names, frozen: new Set(frozen ? constants.keys() : []) };
}
