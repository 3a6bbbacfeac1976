/**
 * Progress on stderr: a bar where that is a terminal, else a line now and then.
 *
 * @module
 */

import { SingleBar } from "npm:cli-progress@3.12.0";
import process from "node:process";
import { printable } from "../graph/error.ts";

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

/** Milliseconds from one line of progress to the next. */
const LINE_INTERVAL = 10_000;

/** Counts in lines, one each `interval` milliseconds: what is done sooner says nothing. */
export function progressLines(
  total: number,
  unit: string,
  write: (line: string) => void,
  { interval = LINE_INTERVAL, now = () => performance.now() }: { interval?: number; now?: () => number } = {},
): Progress {
  const started = now();
  let done = 0, last = started;
  return {
    step(label = "") {
      done++;
      const time = now();
      if (time - last < interval || done === total) return;
      last = time;
      const left = Math.round((time - started) / done * (total - done) / 1000);
      write(`${done}/${total} ${unit}, ${left} s left${label === "" ? "" : `, ${label}`}`);
    },
    stop: () => {},
  };
}

/** A bar for `total` things called `unit`, or lines where stderr is no terminal; nothing is shown for a single one. */
export function progressBar(total: number, unit: string): Progress {
  if (total < 2) return SILENT;
  if (!Deno.stderr.isTerminal()) return progressLines(total, unit, (line) => console.error(printable(line)));
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
  return { step: (label = "") => bar.increment(1, { label: printable(label) }), stop: () => bar.stop() };
}
