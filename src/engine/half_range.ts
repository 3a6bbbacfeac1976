/**
 * What the storage of numbers in halves (f16) can hold.
 *
 * @module
 */

import { FeatherdetError } from "../graph/mod.ts";

/** The greatest number that f16 stores. */
export const GREATEST_HALF = 65504;

/** The error for a model whose weights or activations halves do not hold. Sessions and detectors answer it with f32. */
export class HalfRangeError extends FeatherdetError {}

/** What a user is told who asked for f16. */
export function keptInFloats(error: HalfRangeError): string {
  return `${error.message}: the model is kept in f32`;
}
