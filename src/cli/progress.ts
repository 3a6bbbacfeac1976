/**
 * A progress bar on stderr, where stderr is a terminal.
 *
 * @module
 */

import { SingleBar } from "npm:cli-progress@3.12.0";
import process from "node:process";

/** What is used of the library's bar; its published types bring Node's along, which clash with Deno's. */
interface Bar {
  start(total: number, value: number, payload: { label: string }): void;
  increment(step: number, payload: { label: string }): void;
  stop(): void;
}

/** Counts up to a total that is known. */
export interface Progress {
  /** One more is done; `label` says which. */
  step(label?: string): void;
  /** Takes the bar off. */
  stop(): void;
}

const SILENT: Progress = { step: () => {}, stop: () => {} };

/** A bar for `total` things called `unit`; nothing is shown for a single one or where stderr is not a terminal. */
export function progressBar(total: number, unit: string): Progress {
  if (total < 2 || !Deno.stderr.isTerminal()) return SILENT;
  const bar: Bar = new SingleBar({
    format: `{bar} {value}/{total} ${unit}  {eta_formatted} left  {label}`,
    barCompleteChar: "\u2588",
    barIncompleteChar: "\u2591",
    barsize: 30,
    hideCursor: true,
    clearOnComplete: true,
    stream: process.stderr,
  });
  bar.start(total, 0, { label: "" });
  return { step: (label = "") => bar.increment(1, { label }), stop: () => bar.stop() };
}
