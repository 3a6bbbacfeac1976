/**
 * Tuning records: which kernel, in which variant, was measured to be fastest for which node on one adapter.
 *
 * @module
 */

import * as v from "npm:valibot@1.5.0";
import { faultOf, NUMBER, WORDS } from "../numbers/forms.ts";

/** Version of the records' form; records of another one are as good as none. */
export const TUNING_FORMAT = 2;

/** What measuring found for a node. */
export interface TunedChoice {
  /** Name of the kernel among its operator's candidates. */
  readonly kernel: string;
  /** Name of its variant, such as `x=5 y=2 outBlocks=2`. */
  readonly variant: string;
  /** What competed when it was measured, as a hash of the candidates, their variants and their shaders. */
  readonly revision: string;
  /** GPU time, the median of the runs. */
  readonly milliseconds: number;
}

/** What tuning found on one adapter, for one form of storage. */
export interface Tuning {
  /** `TUNING_FORMAT`. */
  readonly format: 2;
  /** Name of the adapter. */
  readonly adapter: string;
  /** Storage of activations: `texture` or `buffer`. */
  readonly storage: string;
  /** Stored type: `f32` or `f16`. */
  readonly scalar: string;
  /** The fastest by the key of the contest (see `kernels/candidate.ts`). One whose revision is not the contest's is left aside. */
  readonly choices: Readonly<Record<string, TunedChoice>>;
}

const FORM = v.object({
  format: v.literal(TUNING_FORMAT, `expected ${TUNING_FORMAT}`),
  adapter: WORDS,
  storage: WORDS,
  scalar: WORDS,
  choices: v.record(
    v.string(),
    v.object({ kernel: WORDS, variant: WORDS, revision: WORDS, milliseconds: NUMBER }, "expected an object"),
    "expected an object of choices",
  ),
}, "expected an object");

/** What is wrong with a value that should be a record of this version, such as one read from a file; undefined if nothing is. */
export function tuningFault(value: unknown): string | undefined {
  return faultOf(FORM, value);
}

/** True for a value that has the form of a record of this version. */
export function isTuning(value: unknown): value is Tuning {
  return tuningFault(value) === undefined;
}
