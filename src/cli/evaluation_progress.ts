/**
 * Shows the progress of an evaluation as a bar over the remaining pictures.
 *
 * @module
 */

import type { Output } from "./output.ts";
import { type Progress, progressBar } from "./progress.ts";

/** Shows one evaluation. */
export class EvaluationProgress {
  #bar: Progress | undefined;

  /** `journal` is the file that holds what was evaluated before, where one is kept. */
  constructor(private readonly output: Output, private readonly journal?: string) {}

  /** So many pictures of all are done, those of the journal included. */
  step(done: number, total: number, label: string): void {
    if (this.#bar === undefined) {
      const kept = done - 1;
      const were = kept === 1 ? "picture was" : "pictures were";
      if (kept > 0) this.output.note(`${kept} ${were} evaluated before, ${this.journal} has them`);
      this.#bar = progressBar(total - kept, "images");
    }
    this.#bar.step(label);
  }

  /** Takes the bar off. */
  stop(): void {
    this.#bar?.stop();
  }
}
