/**
 * Activations that exporters spell as a product of x, a gate of x, and numbers: HardSwish as x * clip(x + 3, 0, 6) / 6, Gelu as
 * x * (1 + erf(x / sqrt(2))) / 2, with the numbers at any place.
 *
 * @module
 */

import type { GraphIndex } from "../graph/graph_index.ts";
import type { Node } from "../graph/operators.ts";

/** A product of values and a number. */
interface Product {
  readonly factors: readonly string[];
  readonly scale: number;
}

/** Numbers of files have passed through float32, some through five decimals. */
const isNear = (a: number, b: number) => Math.abs(a - b) < 1e-5;

/** The number that a value is, if it is a constant of one element. */
function numberOf(index: GraphIndex, value: string): number | undefined {
  const data = index.constantOf(value)?.data;
  return data?.length === 1 ? data[0] : undefined;
}

/** What a Mul or Div multiplies in all, through others that nobody else reads. */
function productOf(index: GraphIndex, node: Node | undefined, scale = 1): Product {
  if (node?.op !== "Mul" && node?.op !== "Div") return { factors: [], scale: NaN };
  const factors: string[] = [];
  node.inputs.forEach((value, position) => {
    const number = numberOf(index, value), divides = node.op === "Div" && position === 1;
    const maker = index.soleReader(value) ? index.producerOf(value) : undefined;
    if (number !== undefined) scale *= divides ? 1 / number : number;
    else if (!divides && (maker?.op === "Mul" || maker?.op === "Div")) {
      const inner = productOf(index, maker);
      factors.push(...inner.factors);
      scale *= inner.scale;
    } else if (divides) scale = NaN;
    else factors.push(value);
  });
  return { factors, scale };
}

/** The value that a number is added to, if the node is such a sum. */
function summand(index: GraphIndex, node: Node | undefined, number: number): string | undefined {
  if (node?.op !== "Add") return undefined;
  const at = node.inputs.findIndex((value) => isNear(numberOf(index, value) ?? NaN, number));
  return at < 0 ? undefined : node.inputs[1 - at];
}

/** The activation of x that a gate and a number make, where they do. */
function activationOf(index: GraphIndex, gate: string, scale: number, x: string): "HardSwish" | "Gelu" | undefined {
  /** The node that makes a value for one reader. */
  const makerOf = (value: string | undefined) => {
    return value !== undefined && index.soleReader(value) ? index.producerOf(value) : undefined;
  };
  const outer = makerOf(gate);
  if (outer?.op === "Clip" && isNear(scale, 1 / 6)) {
    const { min, max } = outer.attributes;
    return min === 0 && max === 6 && summand(index, makerOf(outer.inputs[0]), 3) === x ? "HardSwish" : undefined;
  }
  const erf = isNear(scale, 0.5) ? makerOf(summand(index, outer, 1)) : undefined;
  if (erf?.op !== "Erf") return undefined;
  const inner = productOf(index, makerOf(erf.inputs[0]));
  return inner.factors.join() === x && isNear(inner.scale, Math.SQRT1_2) ? "Gelu" : undefined;
}

/** The activation that a product is, and of what; undefined for other nodes. */
export function gateProduct(index: GraphIndex, node: Node): { op: "HardSwish" | "Gelu"; x: string } | undefined {
  if (node.op !== "Mul" && node.op !== "Div") return undefined;
  const { factors, scale } = productOf(index, node);
  if (factors.length !== 2) return undefined;
  for (const [x, gate] of [factors, factors.toReversed()]) {
    const op = activationOf(index, gate, scale, x);
    // Numbers may have more axes than x.
    if (op && index.shapeOf(x).join() === index.shapeOf(node.outputs[0]).join()) return { op, x };
  }
  return undefined;
}
