/**
 * Times the stages of a frame on the device: letterbox, network, decoding with suppression.
 *
 * @module
 */

import type { ReadRange } from "../gpu/readback.ts";
import { PassTimer } from "../gpu/timing.ts";
import { LETTERBOX } from "./frame_front.ts";
import type { Program } from "../engine/program.ts";

/** Milliseconds of device time of one frame. */
export interface DeviceStages {
  /** Scaling the picture into the input; 0 where the network's first convolution does it. */
  readonly letterbox: number;
  /** All dispatches of the plan. */
  readonly network: number;
  /** Decoding the network's output, and suppression. */
  readonly postprocess: number;
}

/** The times of several frames together. */
export function addStages(a: DeviceStages | undefined, b: DeviceStages): DeviceStages {
  if (a === undefined) return b;
  return {
    letterbox: a.letterbox + b.letterbox,
    network: a.network + b.network,
    postprocess: a.postprocess + b.postprocess,
  };
}

/** Milliseconds of one frame, on the host and on the device. */
export interface FrameStages {
  /** Decoding the file; 0 for pictures given as pixels. */
  readonly decode: number;
  /** Handing the pixels to the device. */
  readonly upload: number;
  /** From submission to the result's arrival. In a stream it includes waiting for earlier frames. */
  readonly wait: number;
  /** Making detections from the bytes that have arrived. */
  readonly read: number;
  /** Where the device has timestamps. */
  readonly device?: DeviceStages;
}

const STAGES = 3;

/** Bytes that the times of a frame need in a readback. */
export const TIMES_BYTES: number = 16 * STAGES;

/** Records frames in three passes, one a stage. */
export class FrameTimer {
  readonly #timer: PassTimer;
  #letterboxes = 0;

  /** The device must have the feature `timestamp-query`. */
  constructor(device: GPUDevice) {
    this.#timer = new PassTimer(device, STAGES);
  }

  /** Records a frame; the range returned is to be read back for `stages`. */
  encode(encoder: GPUCommandEncoder, program: Program): ReadRange {
    const decode = program.dispatches.findIndex(({ operator }) => operator === "Decode");
    this.#letterboxes = program.dispatches.filter(({ operator }) => operator === LETTERBOX).length;
    const bounds = [0, this.#letterboxes, decode, program.dispatchCount];
    for (let stage = 0; stage < STAGES; stage++) {
      const pass = encoder.beginComputePass(this.#timer.descriptor(stage));
      program.encode(pass, bounds[stage], bounds[stage + 1]);
      pass.end();
    }
    return this.#timer.resolved(encoder);
  }

  /** The times from the bytes of the range. */
  stages(bytes: ArrayBuffer, offset: number): DeviceStages {
    const [letterbox, network, postprocess] = PassTimer.durations(bytes, offset, STAGES);
    // A pass of nothing takes some microseconds by its timestamps.
    return { letterbox: this.#letterboxes > 0 ? letterbox : 0, network, postprocess };
  }

  /** Frees the queries. */
  destroy(): void {
    this.#timer.destroy();
  }
}
