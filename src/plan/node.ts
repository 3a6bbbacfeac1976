/**
 * What a plan is made of before memory is given out: fused nodes that know which layout they want and how to make kernels.
 *
 * @module
 */

import type { KernelOption } from "../kernels/candidate.ts";
import type { KernelContext, Operand } from "../kernels/context.ts";
import type { JoinMemory } from "../kernels/join.ts";
import type { Kernel, Layout } from "../kernels/kernel.ts";
import type { Shape } from "../graph/mod.ts";
import type { KernelChoice } from "./choose_kernels.ts";

/** Kind of a layout. */
export type LayoutKind = Layout["kind"];

/** What kernels are made from. */
export interface KernelMaker {
  /** The operand for a value, with its final layout. */
  readonly operand: (value: string) => Operand;
  /** Cells in a row of the arena. */
  readonly pitch: number;
  /** Where values lie, once they have memory. */
  readonly memory?: JoinMemory;
  /** Another option of the node's contest than the one that won. */
  readonly option?: KernelOption<KernelContext>;
}

/** A node of the plan: one graph node, or several fused into one. */
export interface PlanNode {
  /** Name of the graph node that gave it its place. */
  readonly name: string;
  /** Operators it stands for, such as `Conv+Silu+Add`. */
  readonly operator: string;
  /** Values read, constants left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Layout that all inputs must have, but for those in `layouts`. */
  readonly reads: LayoutKind;
  /** Layout that all outputs have, but for those in `layouts`. */
  readonly writes: LayoutKind;
  /** Inputs and outputs that lie otherwise. */
  readonly layouts?: ReadonlyMap<string, LayoutKind>;
  /** Multiply-accumulates of one run. */
  readonly macs: number;
  readonly kernels: (maker: KernelMaker) => Kernel[];
  /** What competes for it, where several kernels do. */
  readonly choice?: KernelChoice;
  /** Where it moves no data: the outputs are ranges of the input, or the inputs are ranges of the output. */
  readonly view?: "split" | "concat" | "reshape";
  /**
   * The same with its only output in row memory, where it is plain here and can lie there: `node` writes a map `[N,C,h,w]` of this shape
   * under the output's converted name (`convert.ts`), with its numbers in the output's order.
   */
  readonly inCells?: { readonly node: PlanNode; readonly shape: Shape };
}

/** Layout in which a node must find an input. */
export function readsAs({ reads, layouts }: PlanNode, value: string): LayoutKind {
  return layouts?.get(value) ?? reads;
}

/** Layout in which a node leaves an output. */
export function writesAs({ writes, layouts }: PlanNode, value: string): LayoutKind {
  return layouts?.get(value) ?? writes;
}
