/**
 * Which kernel computes a node for which several compete: the one that tuning found to be fastest, or else the cheapest by estimate.
 *
 * @module
 */

import type { GraphIndex, Node, Operator } from "../graph/mod.ts";
import { chooseOption, type Contest, type KernelOption } from "../kernels/candidate.ts";
import type { ContestRequest, KernelContext, OperandTypes, OperatorKernels } from "../kernels/context.ts";
import { KERNELS } from "../kernels/table.ts";
import type { KernelTarget } from "../kernels/target.ts";
import type { Tuning } from "./tuning.ts";

/** What choices are made by. */
export interface Choosing {
  readonly target: KernelTarget;
  /** Measurements; where they lack an entry, the estimate decides. */
  readonly tuning?: Tuning;
}

/** What competes for a node, and what won. */
export interface KernelChoice {
  readonly contest: Contest<KernelContext>;
  readonly option: KernelOption<KernelContext>;
}

/** The kernels of a node's operator. */
export function kernelsOf(node: Node): OperatorKernels<Operator> {
  return KERNELS[node.op] as unknown as OperatorKernels<Operator>;
}

/** Types of a node's operands. */
export function operandTypes({ graph, types }: GraphIndex, node: Node): OperandTypes {
  return {
    inputs: node.inputs.map((name) => ({ ...types.get(name)!, constant: graph.constants.get(name) })),
    outputs: node.outputs.map((name) => types.get(name)!),
  };
}

/** The choice for a node; undefined where its operator has one kernel for each layout. */
export function chooseKernel(request: ContestRequest, { target, tuning }: Choosing): KernelChoice | undefined {
  const contest = kernelsOf(request.node).competition?.contest(request, target);
  return contest && { contest, option: chooseOption(contest, tuning?.choices[contest.key]) };
}
