/**
 * Loss scaling: gradients that are stored in f16 are kept within what it holds.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { STEPS_IN_FLIGHT } from "../loop/steps.ts";

/** Gradients are multiplied by this first, where they are stored in f16, whose smallest numbers are 6e-8. */
const FIRST_SCALE = 1024;
/** Updates without overflow after which the scale is doubled. */
const GROWTH_UPDATES = 500;
/** Largest scale. */
const MOST_SCALE = 65536;
/** How an update whose report has not come stands in the queue of those that the scale has not seen. */
const PENDING = Symbol();

/** An update that the scale has not seen: whether its gradient overflowed. */
interface Unseen {
  overflow: boolean | typeof PENDING;
}

/**
 * The factor on the loss, that keeps gradients within what f16 holds: halved where they overflow, doubled after a while without
 * (Micikevicius et al. 2018). 1 throughout for f32.
 *
 * Reports come late, since steps are in flight. Were they taken note of as they come, the update at which the factor moves would hang
 * on time, and be another one where a run was stopped, drained and resumed. So the factor of an update follows from the reports of all
 * updates up to the one `STEPS_IN_FLIGHT` before it, and from no others; those that are there already wait, and are part of the state.
 */
export class LossScale {
  #value: number;
  #good = 0;
  /** The last updates, the oldest first. */
  #unseen: Unseen[] = [];

  /** For the storage of gradients. */
  constructor(private readonly precision: "f32" | "f16") {
    this.#value = precision === "f16" ? FIRST_SCALE : 1;
  }

  /**
   * The factor for the next update, the same until that is begun. Throws FeatherdetError if it follows from a report that has not
   * come.
   */
  next(): number {
    while (this.#unseen.length >= STEPS_IN_FLIGHT) {
      const { overflow } = this.#unseen[0];
      if (overflow === PENDING) {
        throw new FeatherdetError(
          `with f16, at most ${STEPS_IN_FLIGHT} updates may be in flight: wait for the report of the first one`,
        );
      }
      this.#unseen.shift();
      this.#saw(overflow);
    }
    return this.#value;
  }

  /** Begins an update with the factor that `next` gives; the result is to be told how it went, in whatever order. */
  begin(): { reported(overflow: boolean): void; failed(): void } {
    const update: Unseen = { overflow: PENDING };
    if (this.precision === "f16") {
      this.next();
      this.#unseen.push(update);
    }
    return {
      /** Whether the gradient held numbers that are not finite. */
      reported: (overflow) => void (update.overflow = overflow),
      /** The update was not made. */
      failed: () => void (this.#unseen = this.#unseen.filter((one) => one !== update)),
    };
  }

  #saw(overflow: boolean): void {
    this.#good = overflow ? 0 : this.#good + 1;
    if (overflow) this.#value = Math.max(1, this.#value / 2);
    else if (this.#good % GROWTH_UPDATES === 0) this.#value = Math.min(MOST_SCALE, 2 * this.#value);
  }

  /**
   * What a resumed run needs: factor, updates without overflow, and for each update that waits 1 where it overflowed, else 0. Throws
   * FeatherdetError where a report has not come.
   */
  get state(): Float32Array {
    const waiting = this.#unseen.map(({ overflow }) => {
      if (overflow !== PENDING) return Number(overflow);
      throw new FeatherdetError("updates are in flight: wait for their reports before taking the state");
    });
    return Float32Array.of(this.#value, this.#good, ...waiting);
  }

  /** Goes on from a state. Throws FeatherdetError for what is none. */
  restore(state: Float32Array): void {
    const [value, good, ...waiting] = state;
    if (!(value >= 1 && good >= 0) || waiting.length > STEPS_IN_FLIGHT) {
      throw new FeatherdetError(`[${state}] is no state of a loss scale`);
    }
    if (this.precision === "f32") return;
    [this.#value, this.#good] = [value, good];
    this.#unseen = waiting.map((overflow) => ({ overflow: overflow === 1 }));
  }
}
