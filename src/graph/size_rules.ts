/**
 * What a file states of a node instead of numbers: `auto_pad`, Squeeze, a Slice counted from the end. The importer resolves it into plain
 * attributes for the inputs of the file; the rule stays with the node, so that the attributes can be found again for inputs of another
 * size.
 *
 * @module
 */

import type { Operator, Pair } from "./operators.ts";

/** Pads that make the output the input's extent over the stride, rounded up (of a ConvTranspose: times the stride). */
export interface SamePads {
  /** Where the odd one goes when the pads of an axis do not halve. */
  readonly odd: "begin" | "end";
}

/** An extent after a Reshape: the product of these axes of the input (1 for none), or what is left. */
export type RegroupedExtent = readonly number[] | "rest";

/** The rule of each operator that has one; other operators have attributes that hold for every size. */
export interface SizeRules {
  /** Pads by the extents. */
  Conv: SamePads;
  /** Pads by the extents. */
  ConvInteger: SamePads;
  /** Pads by the extents. */
  ConvTranspose: SamePads;
  /** Pads by the extents. */
  MaxPool: SamePads;
  /** Pads by the extents. */
  AveragePool: SamePads;
  /** As many parts as there are outputs, all equal; `uneven` allows for a smaller last one. */
  Split: { readonly uneven: boolean };
  /** Bounds of the axes as stated: below 0 counted from the end, beyond the end the end. */
  Slice: { readonly starts: readonly number[]; readonly ends: readonly number[] };
  /** The extents of the output. */
  Reshape: { readonly extents: readonly RegroupedExtent[] };
  /** Factors of height and width; those that are multiples of 1/16 need no rule. */
  Resize: { readonly scales: Pair };
  /** The axis, from this one on, whose extent is not 1. */
  Softmax: { readonly from: number };
}

/** The rule of an operator; `undefined` for one that has none. */
export type SizeRule<K extends Operator = Operator> = K extends keyof SizeRules ? SizeRules[K] : undefined;
