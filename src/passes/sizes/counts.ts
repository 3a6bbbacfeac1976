/**
 * Numbers of elements that exporters bake in where a model divides by them: a mean spelled as sum and division, the variance
 * over one element less (as in SimAM).
 *
 * @module
 */

import type { Constant } from "../../graph/graph.ts";
import type { Node } from "../../graph/operators.ts";
import { changes, type Dims, valueOf } from "./dim.ts";

/** How many elements a value was summed over, for both sizes. */
interface Count {
  readonly old: number;
  readonly new: number;
}

/** Follows values that were reduced over changing extents through multiplications and divisions by single numbers. */
export class Counts {
  readonly #counts = new Map<string, Count>();

  /** Takes note of a reduction, and of what is made from a reduced value and a single number. */
  note(node: Node, inputs: readonly Dims[], constants: ReadonlyMap<string, Constant>): void {
    if (node.op === "ReduceSum" || node.op === "ReduceMean") {
      const dims = node.attributes.axes.map((axis) => inputs[0][axis]);
      const product = (which: "old" | "new") => dims.reduce((total, dim) => total * valueOf(dim, which), 1);
      if (dims.some(changes)) this.#counts.set(node.outputs[0], { old: product("old"), new: product("new") });
      return;
    }
    const found = this.#scaled(node, constants);
    if (found) this.#counts.set(node.outputs[0], found.count);
  }

  /** The count behind a product or quotient of a reduced value and a single number, and which input that number is. */
  #scaled(node: Node, constants: ReadonlyMap<string, Constant>): { count: Count; operand: number } | undefined {
    if (node.op !== "Mul" && node.op !== "Div") return undefined;
    for (const operand of [0, 1]) {
      const count = this.#counts.get(node.inputs[1 - operand]);
      if (count && constants.get(node.inputs[operand])?.data.length === 1) return { count, operand };
    }
    return undefined;
  }

  /** The node's number that is a count of elements, for the new count; undefined if it has none. */
  remake(node: Node, constants: ReadonlyMap<string, Constant>): { operand: number; constant: Constant } | undefined {
    const found = this.#scaled(node, constants);
    if (!found) return undefined;
    const { count, operand } = found;
    const constant = constants.get(node.inputs[operand])!;
    const [value] = constant.data;
    // All elements, or all but one; as they are or as their reciprocal.
    for (const less of [0, 1]) {
      const forms: ((number: number) => number)[] = [
        (number) => number - less,
        (number) => Math.fround(1 / (number - less)),
      ];
      const form = forms.find((each) => each(count.old) === value);
      if (form) {
        return { operand, constant: { dtype: "f32", shape: constant.shape, data: Float32Array.of(form(count.new)) } };
      }
    }
    return undefined;
  }
}
