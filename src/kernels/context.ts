/**
 * What the planner hands to an operator's kernel maker, and the shape of the exhaustive kernel table.
 *
 * @module
 */

import type { Constant, ElementType, Shape, TensorType } from "../graph/graph.ts";
import type { Node, Operator } from "../graph/operators.ts";
import type { Activation } from "./activation.ts";
import type { Target } from "./conv_tile.ts";
import type { Kernel, Layout } from "./kernel.ts";

/** An input or output of a step. */
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
  /** A tensor of the output's shape that is added, before the activation where `activateLast`. */
  readonly residual?: { readonly operand: Operand; readonly activateLast: boolean };
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
  /** Computes sums of products of bytes in this way instead of the one that suits the adapter. */
  readonly arithmetic?: Int8Arithmetic;
  /** Keeps the weights of convolutions in floats also where one or two bits would hold them. */
  readonly floatWeights?: boolean;
  /** Tile of convolutions where tuning has chosen one. */
  readonly tile?: { readonly x: number; readonly y: number; readonly outBlocks: number };
}

/** Types of a node's operands, for deciding whether a kernel applies before anything is placed. */
export interface OperandTypes {
  readonly inputs: readonly (TensorType & { readonly constant?: Constant })[];
  readonly outputs: readonly TensorType[];
}

/** Kernels of one operator. At least one of the three forms exists. */
export interface OperatorKernels<K extends Operator> {
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
