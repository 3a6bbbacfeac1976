/**
 * Guards what runs on a device: once it was destroyed or its device is lost, every use ends in an error of one sentence.
 *
 * @module
 */

import type { Device } from "../gpu/device.ts";
import { FeatherdetError } from "../graph/mod.ts";

/** The state of one user of a device. */
export class DeviceGuard {
  readonly #what: string;
  readonly #file: string;
  #lost: string | undefined;
  #destroyed = false;

  /** `what` names the user in errors, such as "session"; `file` is the name of its model. */
  constructor({ device }: Device, what: string, file: string) {
    this.#what = what;
    this.#file = file;
    device.lost.then(({ message }) => this.#lost = message || "no reason given");
  }

  /** Throws FeatherdetError once the user was destroyed or the device lost. */
  check(): void {
    if (this.#destroyed) throw new FeatherdetError(`the ${this.#what} was destroyed`, { file: this.#file });
    if (this.#lost !== undefined) throw new FeatherdetError(`the device was lost: ${this.#lost}`);
  }

  /** Waits for results. Throws FeatherdetError if they do not arrive, since only the loss of the device keeps them. */
  async arrival<Result>(pending: Promise<Result>): Promise<Result> {
    try {
      return await pending;
    } catch (error) {
      throw new FeatherdetError(`the device was lost: ${this.#lost ?? (error as Error).message}`, {}, { cause: error });
    }
  }

  /** Marks the user as destroyed. */
  destroy(): void {
    this.#destroyed = true;
  }
}
