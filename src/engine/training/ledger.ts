/**
 * What a training session knows of its own state: how many batches and updates are in it, and whether a fault has left it as no state of
 * the run.
 *
 * @module
 */

import { watch } from "../../gpu/device_errors.ts";
import { FeatherdetError } from "../../graph/mod.ts";

/** A step that was counted, and the counts before it. */
export interface CountedStep {
  readonly number: number;
  readonly before: { readonly batches: number; readonly updates: number };
}

/** The counts of one session, and its doubts. */
export class Ledger {
  readonly #device: GPUDevice;
  readonly #file: string;
  #batches = 0;
  #updates = 0;
  #steps = 0;
  /** Why what the device holds may be no state of the run. */
  #doubt: FeatherdetError | undefined;
  /** What the device says of writes that nobody waits for. */
  #unheard: Promise<void> = Promise.resolve();

  /** `file` is what errors call the model. */
  constructor(device: GPUDevice, file: string) {
    this.#device = device;
    this.#file = file;
  }

  /** Batches in the sum of gradients. */
  get batches(): number {
    return this.#batches;
  }

  /** Updates that were made or skipped. */
  get updates(): number {
    return this.#updates;
  }

  /** Throws FeatherdetError where only a state that is restored helps. */
  check(): void {
    if (this.#doubt) throw this.#doubt;
  }

  /** What is on the device may be no state of the run, for the reason given. */
  doubt(reason: string): void {
    this.#doubt ??= new FeatherdetError(`${reason}: restore a state to go on`, { file: this.#file });
  }

  /** Adds batches to the sum. */
  add(batches: number): void {
    this.#batches += batches;
  }

  /** Counts a step that is submitted now. */
  count(isUpdate: boolean): CountedStep {
    const before = { batches: this.#batches, updates: this.#updates };
    this.#batches = isUpdate ? 0 : before.batches + 1;
    if (isUpdate) this.#updates++;
    return { number: ++this.#steps, before };
  }

  /** Counts a failed step out again. That is not enough if it has run without its inputs, or others were submitted behind it. */
  undo({ number, before }: CountedStep, hasRun: boolean): void {
    if (hasRun) this.doubt("a step ran without all of its inputs");
    else if (number !== this.#steps) this.doubt("a step failed, and others were on their way behind it");
    else {
      this.#batches = before.batches;
      this.#updates = before.updates;
    }
  }

  /** Makes writes that nobody waits for; whoever reads next is told if they failed. */
  write(what: string, work: () => void): void {
    const { fault } = watch(this.#device, work);
    this.#unheard = Promise.all([this.#unheard, fault]).then(([, error]) => {
      if (error) this.doubt(`${what} did not arrive on the device`);
    });
  }

  /** Waits for what the device says of earlier writes. Throws as `check` does. */
  async heard(): Promise<void> {
    await this.#unheard;
    this.check();
  }

  /** Writes a state in the place of everything, which ends all doubts; what `work` throws leaves them. */
  replace(updates: number, work: () => void): void {
    const doubt = this.#doubt;
    this.#doubt = undefined;
    try {
      this.write("a state", work);
    } catch (error) {
      this.#doubt = doubt;
      throw error;
    }
    this.#updates = updates;
    this.#batches = 0;
  }
}
