/**
 * Gradients of operators on single elements, and of Softmax.
 *
 * @module
 */

import {
  type ActivationAttributes,
  type ActivationOperator,
  type BinaryOperator,
  type Node,
  unaryRow,
} from "../../graph/mod.ts";
import { type GradientRequest, type GradientRule, only } from "./rule.ts";

/** Every activation: dy times its derivative. */
export const activation = (node: Node<ActivationOperator>, request: GradientRequest): string[] => {
  const value = unaryRow(node.op).derivative.from === "input" ? node.inputs[0] : node.outputs[0];
  // The compiler does not see that a node's operator and attributes stay together.
  const attributes = { activation: node.op, ...node.attributes } as ActivationAttributes;
  return [request.context.one("ActivationGradient", request.base, [value, only(request)], attributes)];
};

/** e to the power of x is its own derivative. */
export const exp: GradientRule<"Exp"> = (node, request) => [
  request.context.one("Mul", request.base, [only(request), node.outputs[0]], {}),
];

/** 1 / x. */
export const log: GradientRule<"Log"> = (node, request) => [
  request.context.one("Div", request.base, [only(request), node.inputs[0]], {}),
];

/** 1 / (2 y). */
export const sqrt: GradientRule<"Sqrt"> = (node, request) => {
  const { context, base } = request;
  const half = context.one("Mul", `${base}/half`, [only(request), context.full([], 0.5)], {});
  return [context.one("Div", base, [half, node.outputs[0]], {})];
};

/** -1. */
export const neg: GradientRule<"Neg"> = (_, request) => [
  request.context.one("Neg", request.base, [only(request)], {}),
];

/** Gradients of a sum of what each input makes, summed over the axes along which an input was repeated. */
function broadcast(
  node: Node<BinaryOperator>,
  { context, wanted, base }: GradientRequest,
  terms: readonly [first: (base: string) => string, second: (base: string) => string],
): (string | undefined)[] {
  return terms.map((term, index) => {
    if (!wanted[index]) return undefined;
    const name = `${base}/${index}`;
    return context.unbroadcast(`${name}/sum`, term(name), context.shapeOf(node.inputs[index]));
  });
}

/** Both inputs have the output's gradient. */
export const add: GradientRule<"Add"> = (node, request) =>
  broadcast(node, request, [() => only(request), () => only(request)]);

/** The second input has the negative gradient. */
export const sub: GradientRule<"Sub"> = (node, request) => {
  const [first, second] = broadcast(node, request, [() => only(request), () => only(request)]);
  // Negated after the sum, where there are fewer elements.
  return [first, second && request.context.one("Neg", `${request.base}/negative`, [second], {})];
};

/** Each input has dy times the other. */
export const mul: GradientRule<"Mul"> = (node, request) => {
  const times = (factor: string) => (base: string) => request.context.one("Mul", base, [only(request), factor], {});
  return broadcast(node, request, [times(node.inputs[1]), times(node.inputs[0])]);
};

/** dy / b and -dy * y / b. */
export const div: GradientRule<"Div"> = (node, request) => {
  const { context } = request;
  const b = node.inputs[1], dy = only(request);
  const [first, second] = broadcast(node, request, [
    (base) => context.one("Div", base, [dy, b], {}),
    (base) => context.one("Div", base, [context.one("Mul", `${base}/scaled`, [dy, node.outputs[0]], {}), b], {}),
  ]);
  return [first, second && context.one("Neg", `${request.base}/negative`, [second], {})];
};

/** Where the inputs are alike, the first of Max and Min has the gradient. */
function extreme(isFirst: (a: string, b: string) => readonly [string, string]): GradientRule<"Max" | "Min"> {
  return (node, request) => {
    const { context } = request;
    const [a, b] = node.inputs, dy = only(request);
    const where = (op: "Less" | "LessOrEqual", inputs: readonly [string, string]) => (base: string) =>
      context.one("Mask", base, [context.one(op, `${base}/where`, inputs, {}), dy], {});
    const [low, high] = isFirst(a, b);
    return broadcast(node, request, [where("LessOrEqual", [low, high]), where("Less", [high, low])]);
  };
}

/** dy goes to the greater. */
export const greatest: GradientRule<"Max"> = extreme((a, b) => [b, a]);

/** dy goes to the lesser. */
export const least: GradientRule<"Min"> = extreme((a, b) => [a, b]);

/** dy where the first is not 0, for the second alone. */
export const mask: GradientRule<"Mask"> = (node, request) => {
  const pass = (base: string) => request.context.one("Mask", base, [node.inputs[0], only(request)], {});
  return [undefined, broadcast(node, { ...request, wanted: [false, request.wanted[1]] }, [pass, pass])[1]];
};

/** Steps have no slope. */
export const flat: GradientRule<"Less" | "LessOrEqual" | "Equal"> = () => [undefined, undefined];

/** Softmax: y * (dy - sum of y * dy). */
export const softmax: GradientRule<"Softmax"> = (node, request) => [
  request.context.one("SoftmaxGradient", request.base, [node.outputs[0], only(request)], node.attributes),
];
