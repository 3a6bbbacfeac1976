/**
 * ONNX operators on whole numbers that the network computes: places of chosen elements, from which end-to-end heads work out anchors and
 * classes. They are computed as floats, which hold them, and become whole again.
 *
 * @module
 */

import type { Draft, OnnxOperator } from "../draft.ts";
import { draft } from "../draft.ts";
import { DraftList } from "../draft_list.ts";
import type { NodeReader } from "../reader.ts";

/** The whole number by which all elements are divided: it has to be known, and positive. */
function divisor(node: NodeReader): number {
  const known = node.tensor(1);
  const [first, ...others] = known?.data ?? [];
  const isOne = known !== undefined && known.shape.length <= node.shape(0).length && others.length === 0;
  if (isOne && Number(first) > 0) return Number(first);
  return node.fail(
    `dividing the whole numbers [${node.shape(0).join(",")}] by [${
      node.shape(1).join(",")
    }] is supported for one positive constant`,
  );
}

/**
 * How often a divisor goes into whole numbers, rounded down. The half keeps quotients away from whole numbers, between which an adapter's
 * division may fall on either side: this is exact for numbers below a million.
 */
function times(list: DraftList, x: string, by: number): string {
  return list.unary("Floor", list.binary("Div", list.binary("Add", x, list.number(0.5)), list.number(by)), {});
}

/** Div: of whole numbers the quotient without what is behind the point. */
export const quotient: OnnxOperator = (node): Draft[] => {
  const inputs = node.operands(2, 2);
  const isKnown = inputs.every((_, index) => node.tensor(index) !== undefined);
  if (isKnown || node.type(0).dtype === "f32") return draft(node, "Div", {}, { inputs });
  const list = new DraftList(node), x = list.float(0);
  const often = times(list, list.unary("Abs", x, {}), divisor(node));
  list.add("Cast", [list.binary("Mul", list.unary("Sign", x, {}), often)], { to: "i32" });
  return list.finish();
};

/** Mod: what is left of whole numbers, from 0 to the divisor. */
export const modulo: OnnxOperator = (node): Draft[] => {
  node.operands(2, 2);
  const { dtype, shape } = node.type(0);
  if (dtype === "f32") node.fail(`of floats [${shape.join(",")}] is supported only for constants`);
  if (node.int("fmod", 0) !== 0) node.fail("fmod is supported only for constants");
  const list = new DraftList(node), x = list.float(0), by = divisor(node);
  const whole = list.binary("Mul", times(list, x, by), list.number(by));
  list.add("Cast", [list.binary("Sub", x, whole)], { to: "i32" });
  return list.finish();
};
