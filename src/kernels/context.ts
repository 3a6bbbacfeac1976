/**
 * What the planner hands to an operator's kernel maker, and the shape of the exhaustive kernel table.
 *
 * @module
 */

import type { Constant, ElementType, Shape, TensorType } from "../graph/graph.ts";
import type { Node, Operator } from "../graph/operators.ts";
import type { Activation } from "./activation.ts";
import type { Contest, Fusion } from "./candidate.ts";
import type { Int8Cells, Kernel, Layout } from "./kernel.ts";
import type { KernelTarget, Target } from "./target.ts";

/** An input or output of a node. */
export interface Operand {
  readonly value: string;
  readonly shape: Shape;
  /** Where and how it lies; constants have none until a kernel binds them. */
  readonly layout: Layout;
  /** Present where the operand is a constant of the graph. */
  readonly constant?: Constant;
  /** What the numbers stand for, where that is not f32. */
  readonly dtype?: ElementType;
}

/** What is computed on the result before it is stored. */
export interface Epilogue {
  readonly activation: Activation;
  /** A tensor of the output's shape, or one that is `shift` times halved in height and width, added before the activation where `activateLast`. */
  readonly residual?: { readonly operand: Operand; readonly activateLast: boolean; readonly shift?: number };
  /**
   * Channels of another tensor, from a multiple of four on, that take turns with those of the result: the output has both. Only the
   * direct convolution knows it.
   */
  readonly interleaved?: { readonly operand: Operand; readonly firstChannel: number; readonly convFirst: boolean };
}

/** How sums of products of bytes are computed (see `shaders/lib/int8_sums.wgsl`). */
export type Int8Arithmetic = "f32" | "dot" | "emulated";

/** All that a kernel maker may look at. */
export interface KernelContext<K extends Operator = Operator> {
  readonly node: Node<K>;
  readonly inputs: readonly Operand[];
  readonly outputs: readonly Operand[];
  readonly epilogue: Epilogue;
  /** First channel of its input that a direct convolution reads; 0 by default. */
  readonly firstChannel?: number;
  /** `[N, C, 1, 1]`: what the channels of a convolution's input are multiplied by first. */
  readonly gate?: Operand;
  /** Cells in a row of the arena. */
  readonly pitch: number;
  /** Kind of adapter that kernels are chosen for. */
  readonly target?: Target;
  /** Packed dot products of bytes passed the check of the device. */
  readonly packedDot?: boolean;
  /** Keeps the weights of convolutions in floats also where one, two or four bits would hold them. */
  readonly floatWeights?: boolean;
  /** As in the target that kernels are chosen for. */
  readonly light?: KernelTarget["light"];
}

/** Types of a node's operands, for deciding whether a kernel applies before anything is placed. */
export interface OperandTypes {
  readonly inputs: readonly (TensorType & { readonly constant?: Constant })[];
  readonly outputs: readonly TensorType[];
}

/** A node for which kernels compete, before anything is placed. */
export interface ContestRequest<K extends Operator = Operator> {
  readonly node: Node<K>;
  readonly types: OperandTypes;
  /** What is fused into it. */
  readonly fusions: ReadonlySet<Fusion>;
  /** The activation, where it is known; none unless given. */
  readonly activation?: Activation;
  /** First channel of its input that is read; 0 unless given. */
  readonly firstChannel?: number;
  /** Weights of this run are rounded to steps (FakeQuantizeWeights): sums are those of whole numbers, times a scale, and have to be exact. */
  readonly rounded?: boolean;
  /** How the bytes of first input and first output stand for numbers, where these have int8 cells. */
  readonly cells?: { readonly input?: Int8Cells; readonly output?: Int8Cells };
}

/** An operator's kernels that compete (see `candidate.ts`). */
export interface Competition<K extends Operator> {
  /** True where some kernel computes the node with all that is fused. */
  readonly accepts: (request: ContestRequest<K>) => boolean;
  /** All that can compute the node. Throws FeatherdetError if nothing can. */
  readonly contest: (request: ContestRequest<K>, target: KernelTarget) => Contest<KernelContext<K>>;
}

/** Kernels of one operator. At least one of the forms `blocked`, `plain` and `mixed` exists. */
export interface OperatorKernels<K extends Operator> {
  /** Where several kernels serve the `blocked` and `mixed` forms: the planner asks it which, instead of these forms' makers. */
  readonly competition?: Competition<K>;
  /** Over row memory: every input that is no constant and every output is blocked. */
  readonly blocked?: {
    readonly applies: (node: Node<K>, types: OperandTypes) => boolean;
    readonly kernels: (context: KernelContext<K>) => Kernel[];
  };
  /** Over plain row-major f32 buffers: every input that is no constant and every output is plain. */
  readonly plain?: { readonly kernels: (context: KernelContext<K>) => Kernel[] };
  /**
   * Over both at once, as operators of training do that make plain numbers of maps: each input that is no constant and each output
   * lies as `layouts` says. Comes before the other two where it applies.
   */
  readonly mixed?: {
    readonly applies: (node: Node<K>, types: OperandTypes) => boolean;
    readonly layouts: (node: Node<K>) => MixedLayouts;
    readonly kernels: (context: KernelContext<K>) => Kernel[];
  };
}

/** Kind of layout of each input and each output, in the node's order. */
export interface MixedLayouts {
  readonly inputs: readonly Layout["kind"][];
  readonly outputs: readonly Layout["kind"][];
}

/** The exhaustive table of kernels. */
export type KernelTable = { readonly [K in Operator]: OperatorKernels<K> };
