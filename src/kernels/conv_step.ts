/**
 * A convolution with all that is fused into it, as its kernels are made from; and what those kernels share.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { ConvAttributes, Node } from "../graph/operators.ts";
import { type Activation, activationConstants, activationParameters } from "./activation.ts";
import type { Epilogue, KernelContext, Operand } from "./context.ts";
import { weightShape } from "./conv_form.ts";
import { type BlockedLayout, type KernelBinding, type Parameters, u32 } from "./kernel.ts";
import { blockedOf, constantOf, optionalConstant } from "./operand.ts";

/** A convolution with all that is fused into it. */
export interface ConvStep {
  readonly name: string;
  readonly attributes: ConvAttributes;
  /** `[O,C/groups,kh,kw]`; the numbers are row-major, or in the order of `[C,O/groups,kh,kw]` where `transposed`. */
  readonly weight: { readonly shape: readonly number[]; readonly data: Float32Array };
  readonly bias?: Float32Array;
  /** Plain values that hold weight and bias, where these change from run to run; `weight.data` is empty then. */
  readonly trained?: { readonly weight: string; readonly bias?: string };
  /** A transposed convolution. */
  readonly transposed?: boolean;
  readonly activation: Activation;
  /**
   * A value added to the result, before the activation where `activateLast`. Pixel `(x >> shift, y >> shift)` is added to `(x, y)`, so a value
   * that is halved as many times in height and width need not be enlarged first.
   */
  readonly residual?: {
    readonly value: string;
    readonly layout: BlockedLayout;
    readonly activateLast: boolean;
    readonly shift?: number;
  };
  /**
   * A tensor whose channels, from a multiple of four on, take turns with those of the result in `y`, the result's coming first where
   * `convFirst`.
   */
  readonly interleaved?: {
    readonly value: string;
    readonly layout: BlockedLayout;
    readonly firstChannel: number;
    readonly convFirst: boolean;
  };
  /** First channel of `x` that is read; 0 by default. */
  readonly firstChannel?: number;
  /** Multiplies the channels of the input first: `[N, C, 1, 1]`. */
  readonly gate?: { readonly value: string; readonly layout: BlockedLayout };
  readonly x: { readonly value: string; readonly layout: BlockedLayout };
  readonly y: { readonly value: string; readonly layout: BlockedLayout };
}

/** The numbers of weight and bias: both constants, or both plain values. */
function numbersOf(
  node: Node,
  weight: Operand,
  bias: Operand | undefined,
): Pick<ConvStep, "weight" | "bias" | "trained"> {
  const shape = weightShape(node as Node<"Conv" | "ConvTranspose">, weight.shape);
  if (weight.constant) {
    const data = constantOf(node, weight, "the weight");
    return { weight: { shape, data }, bias: optionalConstant(node, bias, "the bias") };
  }
  if (bias?.constant) {
    throw new FeatherdetError("the bias must change with the weight", { node: node.name, operator: node.op });
  }
  return { weight: { shape, data: new Float32Array() }, trained: { weight: weight.value, bias: bias?.value } };
}

/** The residual of a node. */
export function residualOf({ residual }: Epilogue): ConvStep["residual"] {
  return residual && {
    value: residual.operand.value,
    layout: blockedOf(residual.operand),
    activateLast: residual.activateLast,
    shift: residual.shift,
  };
}

/** The operands, attributes and fusions of a node of either convolution. */
export function stepOf(context: KernelContext<"Conv" | "ConvTranspose">): ConvStep {
  const { inputs: [x, weight, bias], outputs: [y], epilogue, gate, firstChannel } = context;
  const node: Node = context.node;
  const { interleaved } = epilogue;
  return {
    name: node.name,
    attributes: context.node.attributes,
    ...numbersOf(node, weight, bias),
    transposed: node.op === "ConvTranspose",
    activation: epilogue.activation,
    residual: residualOf(epilogue),
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

/** What follows the sums of a node. */
type Fused = Pick<ConvStep, "activation" | "residual">;

/** Linker constants of `shaders/lib/epilogue.wgsl`. */
export function epilogueConstants(step: Fused): { readonly RESIDUAL: number; readonly ACTIVATION: string } {
  return { RESIDUAL: step.residual ? 1 : 0, ...activationConstants(step.activation) };
}

/** The last parameters of a shader with an epilogue. */
export function epilogueParameters(step: Fused): Parameters {
  return {
    ...activationParameters(step.activation),
    activateLast: u32(step.residual?.activateLast ? 1 : 0),
    residualShift: u32(step.residual?.shift ?? 0),
  };
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
