/**
 * Where constants meet extents that change: which of them have to be made again, and which give away that the model was
 * written for one size alone.
 *
 * @module
 */

import type { Constant } from "../../graph/graph.ts";
import type { Node } from "../../graph/operators.ts";
import { changes, type Dim, type Dims, valueOf } from "./dim.ts";
import { refuse } from "./resized_node.ts";

/** Axis of the constant's partner that an axis is broadcast or joined with; undefined if the operator pairs no axes. */
function pairing(node: Node, rank: number, partner: number): ((axis: number) => number | undefined) | undefined {
  switch (node.op) {
    case "Add":
    case "Sub":
    case "Mul":
    case "Div":
      return (axis) => axis - rank + partner;
    case "Concat":
      return (axis) => axis === node.attributes.axis ? undefined : axis;
    default:
      return undefined;
  }
}

/**
 * Dims of a constant operand with the structure of the extents it is paired with, if one of those changes; undefined if the
 * constant can stay as it is.
 */
export function tableDims(node: Node, operand: number, inputs: readonly Dims[]): Dim[] | undefined {
  const own = inputs[operand];
  const dims = own.map((dim, axis) => {
    if (valueOf(dim, "old") === 1) return dim;
    for (const [index, partner] of inputs.entries()) {
      const at = index === operand ? undefined : pairing(node, own.length, partner.length)?.(axis);
      const other = at === undefined ? undefined : partner[at];
      if (other && changes(other) && valueOf(other, "old") === valueOf(dim, "old")) return other;
    }
    return dim;
  });
  return dims.some(changes) ? dims : undefined;
}

/** A constant of few elements is compared with the input size: more are weights, in which such numbers mean nothing. */
const FEW = 16;

/**
 * Refuses a node that multiplies, divides or clips by exactly the exported height or width (`sizes`: those that change):
 * boxes in shares of the image, clipping to it. Nothing says whether that number should follow the new size.
 */
export function refuseBakedSize(node: Node, constants: ReadonlyMap<string, Constant>, sizes: readonly number[]): void {
  const isSize = (value: number) => sizes.some((size) => value === size || value === Math.fround(1 / size));
  // Smaller numbers are met by chance: strides, counts of channels.
  const telling = sizes.some((size) => size >= 128);
  if (!telling) return;
  const found = node.op === "Mul" || node.op === "Div"
    ? node.inputs.flatMap((name) => {
      const constant = constants.get(name);
      return constant && constant.data.length <= FEW ? Array.from(constant.data).filter(isSize) : [];
    })
    : node.op === "Clip" && isSize(node.attributes.max)
    ? [node.attributes.max]
    : [];
  if (found.length > 0) {
    refuse(node, `computes with ${found[0]}, which is or comes from the exported input size ${sizes.join(" and ")}`);
  }
}
