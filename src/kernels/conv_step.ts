/**
 * A convolution with all that is fused into it, as its kernels are made from; and what those kernels share.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { Node } from "../graph/operators.ts";
import { activationConstants, activationParameters } from "./activation.ts";
import type { KernelContext, Operand } from "./context.ts";
import type { ConvStep } from "./conv_direct.ts";
import { type KernelBinding, type ParameterField, u32 } from "./kernel.ts";
import { blockedOf, constantOf, optionalConstant } from "./operand.ts";

/** The numbers of weight and bias: both constants, or both plain values. */
function numbersOf(
  node: Node,
  weight: Operand,
  bias: Operand | undefined,
): Pick<ConvStep, "weight" | "bias" | "trained"> {
  const [first, second, kh, kw] = weight.shape;
  const { groups } = (node as Node<"Conv">).attributes;
  const shape = node.op === "ConvTranspose" ? [second * groups, first / groups, kh, kw] : weight.shape;
  if (weight.constant) {
    const data = constantOf(node, weight, "the weight");
    return { weight: { shape, data }, bias: optionalConstant(node, bias, "the bias") };
  }
  if (bias?.constant) {
    throw new FeatherdetError("the bias must change with the weight", { node: node.name, operator: node.op });
  }
  return { weight: { shape, data: new Float32Array() }, trained: { weight: weight.value, bias: bias?.value } };
}

/** The step that a node of either convolution stands for. */
export function stepOf(context: KernelContext<"Conv" | "ConvTranspose">): ConvStep {
  const { inputs: [x, weight, bias], outputs: [y], epilogue, gate, firstChannel } = context;
  const node: Node = context.node;
  const { residual, interleaved } = epilogue;
  return {
    name: node.name,
    attributes: context.node.attributes,
    ...numbersOf(node, weight, bias),
    transposed: node.op === "ConvTranspose",
    activation: epilogue.activation,
    residual: residual && {
      value: residual.operand.value,
      layout: blockedOf(residual.operand),
      activateLast: residual.activateLast,
    },
    interleaved: interleaved && {
      value: interleaved.operand.value,
      layout: blockedOf(interleaved.operand),
      firstChannel: interleaved.firstChannel,
      convFirst: interleaved.convFirst,
    },
    firstChannel,
    gate: gate && { value: gate.value, layout: blockedOf(gate) },
    x: { value: x.value, layout: blockedOf(x) },
    y: { value: y.value, layout: blockedOf(y) },
  };
}

/** What follows the sums of a step. */
type Fused = Pick<ConvStep, "activation" | "residual">;

/** Linker constants of `shaders/lib/epilogue.wgsl`. */
export function epilogueConstants(step: Fused): { readonly RESIDUAL: number; readonly ACTIVATION: string } {
  return { RESIDUAL: step.residual ? 1 : 0, ...activationConstants(step.activation) };
}

/** The last parameter fields of a shader with an epilogue. */
export function epilogueParameters(step: Fused): ParameterField[] {
  return [...activationParameters(step.activation), u32(step.residual?.activateLast ? 1 : 0)];
}

/** Bindings of a convolution: input, weights, output, residual. */
export function convBindings(step: ConvStep, weights: KernelBinding): KernelBinding[] {
  return [
    { kind: "read", value: step.x.value },
    weights,
    { kind: "write", value: step.y.value },
    ...step.residual ? [{ kind: "read", value: step.residual.value } as const] : [],
  ];
}
