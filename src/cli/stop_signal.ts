/**
 * Ctrl-C during a long run: the first one ends it where nothing is lost, the second one at once.
 *
 * @module
 */

import type { Output } from "./output.ts";

/** Exit status of a program that was interrupted, as shells have it. */
export const INTERRUPTED = 130;

/** Aborts at the first Ctrl-C or request to end, ends the program at the second. `saying` is told at the first. `release` gives the signals back. */
export function stopSignal(
  output: Output,
  saying = "stopping after this update",
): { readonly signal: AbortSignal; release(): void } {
  const abort = new AbortController();
  const stop = () => {
    if (abort.signal.aborted) Deno.exit(INTERRUPTED);
    output.note(`${saying}, once more to stop at once`);
    abort.abort(new Error("interrupted"));
  };
  const names: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  for (const name of names) Deno.addSignalListener(name, stop);
  return {
    signal: abort.signal,
    release() {
      for (const name of names) Deno.removeSignalListener(name, stop);
    },
  };
}
