/**
 * What the storage of numbers in halves (f16) can hold.
 *
 * @module
 */

import { FeatherdetError } from "../graph/mod.ts";
import { warn } from "./warn.ts";

/** The greatest number that f16 stores. */
export const GREATEST_HALF = 65504;

/** The error for a model whose weights or activations halves do not hold. Sessions and detectors answer it with f32. */
export class HalfRangeError extends FeatherdetError {}

/** Adds to `warnings` that a model is kept in f32 though f16 was asked for, and tells whoever wants to be told. */
export function warnOfFloats(
  error: HalfRangeError,
  warnings: string[],
  tell?: (sentence: string) => void,
): void {
  warn(`${error.message}: the model is kept in f32`, tell, warnings);
}
