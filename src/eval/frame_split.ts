/**
 * Where the time of a single frame goes, from picture to boxes.
 *
 * @module
 */

import type { Detector, Picture } from "../detect/detector.ts";
import type { DeviceStages, FrameStages } from "../detect/frame_timer.ts";

/** Milliseconds of the stages of one frame that had the device to itself; they add up to `total`. */
export interface FrameSplit {
  /** Decoding the file, on the host; 0 for pictures given as pixels. */
  readonly decode: number;
  /** Handing the pixels to the device, on the host. */
  readonly upload: number;
  /** Scaling the picture into the network's input. The device's stages are undefined if it has no timestamps. */
  readonly letterbox?: number;
  /** The model itself, on the device. */
  readonly network?: number;
  /** Decoding the network's output and suppression, on the device. */
  readonly postprocess?: number;
  /**
   * From submission to the result's arrival, less the device's stages above: submitting, waiting and copying back. Without timestamps it
   * includes the device's stages.
   */
  readonly readback: number;
  /** Making detections from the bytes that have arrived, on the host. */
  readonly read: number;
  /** Sum of the stages. */
  readonly total: number;
}

/** Frames timed one after the other. */
export interface FrameSplits {
  /** The frame of median total; of an even number the faster of the two in the middle. */
  readonly median: FrameSplit;
  /** The device's time for each frame, where it has timestamps. */
  readonly gpu?: number[];
}

const deviceTime = ({ letterbox, network, postprocess }: DeviceStages) => letterbox + network + postprocess;

/** A frame's stages as parts of its time. */
export function splitFrame({ decode, upload, wait, read, device }: FrameStages): FrameSplit {
  const total = decode + upload + wait + read;
  if (device === undefined) return { decode, upload, readback: wait, read, total };
  const { letterbox, network, postprocess } = device;
  return { decode, upload, letterbox, network, postprocess, readback: wait - deviceTime(device), read, total };
}

/** Detects so many times (at least once), with nothing else in flight, and times the stages. */
export async function splitFrames(
  detector: Pick<Detector, "stream">,
  picture: Picture,
  frames: number,
): Promise<FrameSplits> {
  const stages: FrameStages[] = [];
  for (let frame = 0; frame < frames; frame++) {
    for await (const _ of detector.stream([picture], { observe: (one) => void stages.push(one) }));
  }
  const splits = stages.map(splitFrame).sort((a, b) => a.total - b.total);
  const median = splits[(splits.length - 1) >> 1];
  if (stages.some(({ device }) => device === undefined)) return { median };
  return { median, gpu: stages.map(({ device }) => deviceTime(device!)) };
}
