/**
 * Where the time of an evaluation went.
 *
 * @module
 */

import type { FrameStages } from "../detect/frame_timer.ts";

/** Milliseconds of each picture, means over the run. Stages of different pictures run at the same time. */
export interface StageTimes {
  /** Decoding the file, on the host. If a worker decodes, the stream does not wait for it. */
  readonly decode: number;
  /** Handing the pixels to the device, on the host. */
  readonly upload: number;
  /** Making detections from what the device sent back, on the host. */
  readonly read: number;
  /** Keeping the results, on the host. */
  readonly record: number;
  /** Scaling the picture into the network's input, on the device. The device's stages are undefined if it has no timestamps. */
  readonly letterbox?: number;
  /** The model itself, on the device. */
  readonly network?: number;
  /** Decoding the network's output and suppression, on the device. */
  readonly postprocess?: number;
}

/** Speed of an evaluation, over the pictures that were not in the journal. */
export interface EvaluationSpeed {
  /** Pictures that were not already in the journal. */
  readonly images: number;
  /** Wall-clock time from the first picture's file to the last one's result, in seconds. */
  readonly seconds: number;
  /** Pictures by wall-clock time. */
  readonly imagesPerSecond: number;
  /** Where the time went. */
  readonly stages: StageTimes;
  /** Share of the wall-clock time in which the network was running; undefined if the device has no timestamps. */
  readonly networkShare?: number;
  /**
   * Milliseconds of a picture in which the device was idle: the host's work and reading back, as far as the stream did not hide them.
   * Undefined if the device has no timestamps.
   */
  readonly idle?: number;
}

/** Adds up what frames took. */
export class SpeedMeter {
  readonly #started = performance.now();
  readonly #frames: FrameStages[] = [];
  #decode = 0;
  #record = 0;

  /** A picture was read and decoded in so many milliseconds. */
  decoded(milliseconds: number): void {
    this.#decode += milliseconds;
  }

  /** A result was kept in so many milliseconds. */
  recorded(milliseconds: number): void {
    this.#record += milliseconds;
  }

  /** A frame has come back. */
  frame(stages: FrameStages): void {
    this.#frames.push(stages);
  }

  /** The sum so far. */
  result(): EvaluationSpeed {
    const milliseconds = performance.now() - this.#started;
    const images = this.#frames.length;
    const mean = (sum: number) => images > 0 ? sum / images : 0;
    const over = (pick: (stages: FrameStages) => number) => mean(this.#frames.reduce((sum, one) => sum + pick(one), 0));
    const host = {
      decode: mean(this.#decode),
      upload: over(({ upload }) => upload),
      read: over(({ read }) => read),
      record: mean(this.#record),
    };
    const speed = { images, seconds: milliseconds / 1000, imagesPerSecond: images / (milliseconds / 1000) };
    if (images === 0 || this.#frames.some(({ device }) => device === undefined)) return { ...speed, stages: host };
    const device = {
      letterbox: over((one) => one.device!.letterbox),
      network: over((one) => one.device!.network),
      postprocess: over((one) => one.device!.postprocess),
    };
    const { letterbox, network, postprocess } = device;
    return {
      ...speed,
      stages: { ...host, ...device },
      networkShare: network * images / milliseconds,
      idle: milliseconds / images - letterbox - network - postprocess,
    };
  }
}
