/**
 * Waiting for what decodes beside this thread, as long as it may take.
 *
 * @module
 */

import { unlessAborted } from "../../graph/abort.ts";
import { startPatience } from "../patience.ts";
import { tooLong } from "../side_worker.ts";

/** Settles as the promise does, or rejects when the time is over or the signal comes. What the promise stands for goes on. */
export async function inTime<T>(
  promise: Promise<T>,
  { file, timeout, signal }: { readonly file?: string; readonly timeout: number; readonly signal?: AbortSignal },
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const callOff = startPatience(timeout, () => late.reject(tooLong(timeout).at({ file })));
  try {
    return await unlessAborted(Promise.race([promise, late.promise]), signal);
  } finally {
    callOff();
  }
}
