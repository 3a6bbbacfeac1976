/**
 * Gradients of normalisation.
 *
 * @module
 */

import { FeatherdetError, type Node } from "../../graph/mod.ts";
import { type GradientRule, only } from "./rule.ts";

function refuse(node: Node, what: string): never {
  throw new FeatherdetError(`no gradient goes through ${what}`, { node: node.name, operator: node.op });
}

/** BatchNormalization with fixed statistics: itself without its shift, for it is linear in x. */
export const batchNormalization: GradientRule<"BatchNormalization"> = (node, request) => {
  const { context, wanted, base } = request;
  const [x, scale, , mean, variance] = node.inputs;
  if (wanted[3] || wanted[4]) refuse(node, "running statistics");
  const dy = only(request);
  const channels = context.shapeOf(scale);
  const axes = context.shapeOf(x).flatMap((_, axis) => axis === 1 ? [] : [axis]);
  const zeros = () => context.full(channels, 0);
  const sum = (suffix: string, value: string) =>
    context.one("ReduceSum", `${base}/${suffix}`, [value], { axes, keepDims: false });
  const scaleGradient = () => {
    const inputs = [x, context.full(channels, 1), zeros(), mean, variance];
    const normal = context.one("BatchNormalization", `${base}/normal`, inputs, node.attributes);
    return sum("scale", context.one("Mul", `${base}/scaled`, [dy, normal], {}));
  };
  return [
    wanted[0]
      ? context.one(
        "BatchNormalization",
        `${base}/input`,
        [dy, scale, zeros(), zeros(), variance],
        node.attributes,
      )
      : undefined,
    wanted[1] ? scaleGradient() : undefined,
    wanted[2] ? sum("bias", dy) : undefined,
    undefined,
    undefined,
  ];
};

/** BatchNormTraining. Its statistics are results, not steps of a loss, and a gradient that reaches them is refused. */
export const batchNormTraining: GradientRule<"BatchNormTraining"> = (node, { context, gradients, wanted, base }) => {
  const [dy, ...statistics] = gradients;
  if (dy === undefined || statistics.some((gradient) => gradient !== undefined)) refuse(node, "the batch's statistics");
  if (wanted[3] || wanted[4]) refuse(node, "running statistics");
  const [x, scale, bias] = node.inputs;
  const [, mean, inverseDeviation] = node.outputs;
  const { activation } = node.attributes;
  const inputs = [x, scale, mean, inverseDeviation, dy, ...activation ? [bias] : []];
  const attributes = activation ? { activation } : {};
  const made = context.several("BatchNormGradient", base, inputs, attributes, ["input", "scale", "bias"]);
  return [...made.map((gradient, i) => wanted[i] ? gradient : undefined), undefined, undefined];
};
