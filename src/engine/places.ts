/**
 * A number of places that are taken and given back, in the order of asking: bounds how much is on its way at once.
 *
 * @module
 */

/** Places for what may be on its way together. */
export class Places {
  #free: number;
  readonly #queue: (() => void)[] = [];

  /** So many at once; `Infinity` for no bound. */
  constructor(most: number) {
    this.#free = most;
  }

  /** Takes a place, when there is one. */
  async take(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#queue.push(resolve));
  }

  /** Gives a place back, to whoever waits longest. */
  release(): void {
    const next = this.#queue.shift();
    if (next) next();
    else this.#free++;
  }
}
