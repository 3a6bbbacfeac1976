/**
 * Inputs of a Concat that are gone, or that are there twice: the convolutions that read it lose their weights for the former and add up
 * those for the latter.
 *
 * A Concat repeats a value where the branch between two of its inputs is gone, as in a C3k2 without its bottlenecks.
 *
 * @module
 */

import { type Constant, FeatherdetError, type Graph, GraphIndex, type Node, sizeOf } from "../graph/mod.ts";
import { withNodes } from "../graph/rewrite.ts";

/** Whether a node puts channels together that convolutions of one group alone read, with constant weights that no one else reads. */
export function isReadByConvs(index: GraphIndex, node: Node): node is Node<"Concat"> {
  if (node.op !== "Concat" || node.attributes.axis !== 1 || index.isOutput(node.outputs[0])) return false;
  const [value] = node.outputs, readers = index.readersOf(value);
  return readers.length > 0 &&
    readers.every((reader) =>
      reader.op === "Conv" && reader.attributes.groups === 1 && !reader.inputs.slice(1).includes(value) &&
      index.constantOf(reader.inputs[1])?.dtype === "f32" && index.readersOf(reader.inputs[1]).length === 1
    );
}

/** Weights of other input channels: `places` says which one each channel becomes, where it is left. Those that become one are added up. */
function moved({ dtype, shape, data }: Constant, places: readonly (number | undefined)[], left: number): Constant {
  const [outputs, inputs, ...kernel] = shape, taps = sizeOf(kernel), sums = new Float64Array(outputs * left * taps);
  for (let output = 0; output < outputs; output++) {
    for (const [input, place] of places.entries()) {
      if (place === undefined) continue;
      const from = (output * inputs + input) * taps, to = (output * left + place) * taps;
      for (let tap = 0; tap < taps; tap++) sums[to + tap] += Number(data[from + tap]);
    }
  }
  return { dtype, shape: [outputs, left, ...kernel], data: Float32Array.from(sums) };
}

/** The one value that values put together are, if they are one, or all that a Split took apart. */
function wholeOf(index: GraphIndex, values: readonly string[]): string | undefined {
  if (values.length === 1) return values[0];
  const split = index.producerOf(values[0]);
  if (split?.op !== "Split" || split.attributes.axis !== 1) return undefined;
  return values.join() === split.outputs.join() ? split.inputs[0] : undefined;
}

/**
 * The graph without inputs of its Concats, by name of the Concat and place, and in which no convolution reads a channel twice by way of a
 * Concat. Without inputs that go it computes the same but for rounding. Names stay. Concats that other nodes than convolutions read stay as
 * they are.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { GraphEditor } from "../graph/mod.ts";
 * import { dropConcatInputs } from "./concat_inputs.ts";
 * const editor = new GraphEditor();
 * const x = editor.input("x", [1, 2, 4, 4]), y = editor.one("Relu", "y", [x], {});
 * const all = editor.one("Concat", "all", [x, y, x], { axis: 1 });
 * const weight = editor.constant("weight", [1, 6, 1, 1], new Float32Array([1, 2, 3, 4, 5, 6]));
 * const one = [1, 1] as const, attributes = { strides: one, dilations: one, pads: [0, 0, 0, 0] as const, groups: 1 };
 * const graph = editor.finish({ outputs: [editor.one("Conv", "out", [all, weight], attributes)] });
 * assert.deepEqual([...dropConcatInputs(graph).constants.get("weight")!.data], [6, 8, 3, 4]);
 * assert.deepEqual([...dropConcatInputs(graph, new Map([["all", new Set([1])]])).constants.get("weight")!.data], [6, 8]);
 * ```
 *
 * Throws FeatherdetError where an input is to go that cannot, and where none would be left.
 */
export function dropConcatInputs(
  graph: Graph,
  dropped: ReadonlyMap<string, ReadonlySet<number>> = new Map(),
): Graph {
  const index = GraphIndex.of(graph), constants = new Map(graph.constants), changed = new Map<string, Node>();
  const none: ReadonlySet<number> = new Set();
  const refused = [...dropped.keys()].find((name) =>
    !graph.nodes.some((node) => node.name === name && isReadByConvs(index, node))
  );
  if (refused !== undefined) {
    throw new FeatherdetError(`"${refused}" is no Concat of channels that convolutions alone read`, {
      file: graph.name,
    });
  }
  for (const node of graph.nodes) {
    const gone = dropped.get(node.name) ?? none;
    if (gone.size === 0 && new Set(node.inputs).size === node.inputs.length || !isReadByConvs(index, node)) continue;
    const once = [...new Set(node.inputs.filter((_, place) => !gone.has(place)))], starts = new Map<string, number>();
    let left = 0;
    for (const value of once) {
      starts.set(value, left);
      left += index.shapeOf(value)[1];
    }
    if (left === 0) throw new FeatherdetError("would have no input left", { node: node.name, operator: node.op });
    const places = node.inputs.flatMap((value, place) =>
      Array.from({ length: index.shapeOf(value)[1] }, (_, channel) => {
        return gone.has(place) ? undefined : starts.get(value)! + channel;
      })
    );
    const whole = wholeOf(index, once);
    if (whole === undefined) changed.set(node.name, { ...node, inputs: once });
    for (const conv of index.readersOf(node.outputs[0])) {
      const [, weight, ...bias] = conv.inputs;
      constants.set(weight, moved(constants.get(weight)!, places, left));
      if (whole !== undefined) changed.set(conv.name, { ...conv, inputs: [whole, weight, ...bias] } as Node);
    }
  }
  if (changed.size === 0) return graph;
  return withNodes(graph, graph.nodes.map((node) => changed.get(node.name) ?? node), constants);
}
