/**
 * Guards what runs on a device: once it was destroyed or its device is lost, every use ends in an error of one sentence.
 *
 * @module
 */

import type { Device } from "../gpu/device.ts";
import { deviceError, lossError, lossOf } from "../gpu/device_errors.ts";
import { FeatherdetError } from "../graph/mod.ts";

/** The state of one user of a device. */
export class DeviceGuard {
  readonly #device: GPUDevice | undefined;
  readonly #what: string;
  readonly #file: string;
  #destroyed = false;

  /** `what` names the user in errors, such as "session"; `file` is the name of its model. On the CPU there is no device to be lost. */
  constructor(device: Device | undefined, what: string, file: string) {
    this.#device = device?.device;
    this.#what = what;
    this.#file = file;
    // From now on its loss is remembered.
    if (this.#device) lossOf(this.#device);
  }

  /** Whether the user was destroyed. */
  get isDestroyed(): boolean {
    return this.#destroyed;
  }

  /** What is said of calls once it was destroyed. */
  get destroyedError(): FeatherdetError {
    return new FeatherdetError(`the ${this.#what} was destroyed`, { file: this.#file });
  }

  /** Throws FeatherdetError once the user was destroyed or the device lost. */
  check(): void {
    if (this.#destroyed) throw this.destroyedError;
    const lost = this.#device && lossOf(this.#device);
    if (lost !== undefined) throw lossError(lost);
  }

  /**
   * Waits for what a device gives. Throws FeatherdetError if it does not come: that the user was destroyed meanwhile, that the device was
   * lost, or what else is wrong.
   */
  async arrival<Result>(pending: Promise<Result>): Promise<Result> {
    try {
      return await pending;
    } catch (error) {
      if (this.#destroyed) this.check();
      if (this.#device === undefined) throw error;
      throw await deviceError(this.#device, `a call of the ${this.#what}`, error);
    }
  }

  /** Marks the user as destroyed. */
  destroy(): void {
    this.#destroyed = true;
  }
}
