/**
 * Tuning records: which kernel, in which variant, was measured to be fastest for which node on one adapter.
 *
 * @module
 */

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

/** True for a value that has the form of a record of this version, such as one read from a file. */
export function isTuning(value: unknown): value is Tuning {
  if (typeof value !== "object" || value === null) return false;
  const { format, choices } = value as Partial<Tuning>;
  if (format !== TUNING_FORMAT || typeof choices !== "object" || choices === null) return false;
  return Object.values(choices).every((choice: Partial<TunedChoice> | null) =>
    typeof choice?.kernel === "string" && typeof choice.variant === "string" && typeof choice.revision === "string"
  );
}
