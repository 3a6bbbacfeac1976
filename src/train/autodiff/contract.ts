/**
 * Gradients of matrix products and reductions.
 *
 * @module
 */

import type { Node, Shape } from "../../graph/mod.ts";
import { type GradientRequest, type GradientRule, only } from "./rule.ts";

/** Gemm: products with the other matrix, transposed as that is stored. */
export const gemm: GradientRule<"Gemm"> = (node, request) => {
  const { context, wanted, base } = request;
  const [a, b, c] = node.inputs;
  const { alpha, beta, transposeA, transposeB } = node.attributes;
  const dy = only(request);
  const product = (suffix: string, first: string, second: string, turnFirst: boolean, turnSecond: boolean) =>
    context.one("Gemm", `${base}/${suffix}`, [first, second], {
      alpha,
      beta: 1,
      transposeA: turnFirst,
      transposeB: turnSecond,
    });
  const biasGradient = () => {
    const sum = context.unbroadcast(`${base}/sum`, dy, context.shapeOf(c));
    return beta === 1 ? sum : context.one("Mul", `${base}/bias`, [sum, context.full([], beta)], {});
  };
  const gradientOfA = () =>
    transposeA ? product("a", b, dy, transposeB, true) : product("a", dy, b, false, !transposeB);
  const gradientOfB = () =>
    transposeB ? product("b", dy, a, true, transposeA) : product("b", a, dy, !transposeA, false);
  return [
    wanted[0] ? gradientOfA() : undefined,
    wanted[1] ? gradientOfB() : undefined,
    wanted[2] ? biasGradient() : undefined,
  ];
};

/** MatMul: dy B' and A' dy, summed over the leading axes along which a factor was repeated. */
export const matMul: GradientRule<"MatMul"> = (node, request) => {
  const { context, wanted, base } = request;
  const [a, b] = node.inputs;
  const dy = only(request);
  const turned = (suffix: string, value: string) => {
    const perm = context.shapeOf(value).map((_, axis) => axis);
    perm.push(...perm.splice(-2).reverse());
    return context.one("Transpose", `${base}/${suffix}`, [value], { perm });
  };
  const product = (suffix: string, first: string, second: string, like: string) =>
    context.unbroadcast(
      `${base}/${suffix}/sum`,
      context.one("MatMul", `${base}/${suffix}`, [first, second], {}),
      context.shapeOf(like),
    );
  return [
    wanted[0] ? product("a", dy, turned("b_turned", b), a) : undefined,
    wanted[1] ? product("b", turned("a_turned", a), dy, b) : undefined,
  ];
};

type Reduction = Node<"ReduceMean" | "ReduceSum" | "ReduceMax">;

/** The output's gradient with the reduced axes in place. */
function kept(node: Reduction, { context, base, ...request }: GradientRequest): { dy: string; shape: Shape } {
  const shape = context.shapeOf(node.inputs[0]);
  const { axes } = node.attributes;
  const dy = only({ context, base, ...request });
  return { dy: context.reshape(`${base}/kept`, dy, shape.map((extent, i) => axes.includes(i) ? 1 : extent)), shape };
}

/** Every element that was summed has the sum's gradient. */
export const reduceSum: GradientRule<"ReduceSum"> = (node, request) => {
  const { dy, shape } = kept(node, request);
  return [request.context.expand(request.base, dy, shape)];
};

/** Its share of it. */
export const reduceMean: GradientRule<"ReduceMean"> = (node, request) => {
  const { dy, shape } = kept(node, request);
  const count = node.attributes.axes.reduce((product, axis) => product * shape[axis], 1);
  return [request.context.expand(request.base, dy, shape, 1 / count)];
};

/** To the greatest elements. */
export const reduceMax: GradientRule<"ReduceMax"> = (node, request) => [
  request.context.one("ReduceMaxGradient", request.base, [node.inputs[0], only(request)], node.attributes),
];
