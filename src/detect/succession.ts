/**
 * The program that takes another one's place: first pictures are run by kernels that compile quickly, while those that run quickly are made.
 *
 * @module
 */

import type { DeviceGuard } from "../engine/device_guard.ts";

/** What can be told to free its memory. */
interface Destroyable {
  destroy(): void;
}

/** How a successor is made. */
export interface SuccessionSetup<Program> {
  /** Makes it in turns with other work; `check` is called in every turn and throws where it is not wanted any more. */
  readonly make: (check: () => void) => Promise<Program>;
  readonly guard: DeviceGuard;
  /** Told why there is none. */
  readonly onFault: (error: unknown) => void;
}

/** Whether neither user nor device is gone. */
function isUsable(guard: DeviceGuard): boolean {
  try {
    guard.check();
    return true;
  } catch {
    return false;
  }
}

/** A program that is made beside another one. Its faults are no fault of what the other one runs. */
export class Succession<Program extends Destroyable> {
  readonly #setup: SuccessionSetup<Program>;
  #making: Promise<void> | undefined;
  #made: Program | undefined;
  #isOver = false;
  #isWanted = true;

  constructor(setup: SuccessionSetup<Program>) {
    this.#setup = setup;
  }

  /** Whether there is nothing to wait for any more: it was taken, could not be made, or is not wanted. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Begins to make it, once, if it is wanted. Done when it is there, or will never be; it does not fail. */
  begin(): Promise<void> {
    return this.#making ??= this.#isWanted ? this.#make() : Promise.resolve();
  }

  async #make(): Promise<void> {
    const { make, guard, onFault } = this.#setup;
    try {
      const made = await make(() => guard.check());
      if (guard.isDestroyed || !this.#isWanted) made.destroy();
      else this.#made = made;
    } catch (error) {
      this.#isOver = true;
      if (isUsable(guard)) onFault(error);
    }
  }

  /** Hands over what was made, once; undefined while it is not there. */
  take(): Program | undefined {
    const made = this.#made;
    if (made) [this.#made, this.#isOver] = [undefined, true];
    return made;
  }

  /** Frees what nobody took, at once or when it is there. */
  destroy(): void {
    [this.#isWanted, this.#isOver] = [false, true];
    this.take()?.destroy();
  }
}
