/**
 * What runs a detector's frames: pictures in, detections out, whatever computes.
 *
 * @module
 */

import type { DispatchTime } from "../engine/profile.ts";
import type { Graph } from "../graph/graph.ts";
import type { RgbImage } from "../image/rgb_image.ts";
import type { Plan } from "../plan/plan.ts";
import type { ImageResult } from "./decode.ts";
import type { DeviceStages } from "./frame_timer.ts";

/** What decides which boxes are detections. */
export interface FrameSettings {
  readonly confidence: number;
  readonly iou: number;
  readonly maxDetections: number;
  readonly multiLabel: boolean;
}

/** A frame on its way. */
export interface SubmittedFrame {
  /** Input pixels a pixel of the picture. */
  readonly scale: number;
  /** When the picture was handed over, by `performance.now()`. */
  readonly uploaded: number;
  /** What was found, and the times where they were asked for and can be taken. Fails with an error that says why. */
  readonly arrival: Promise<{ readonly result: ImageResult; readonly stages?: DeviceStages }>;
}

/** A detector's network with what stands before and behind it. */
export interface Frames {
  /** The plan of the network between letterbox and decoding; undefined on the CPU. */
  readonly plan?: Plan;
  /** The graph of the network, as it is run. */
  readonly graph: Graph;
  /** Dispatches of one frame. */
  readonly dispatchCount: number;
  /** Bytes of GPU memory held. */
  readonly bytes: number;
  /** Hands over one picture. Throws FeatherdetError for one that cannot be taken. */
  submit(image: RgbImage, isTimed: boolean): SubmittedFrame;
  /** Runs a picture once and looks for numbers that f16 does not hold. */
  checkRange(image: RgbImage): Promise<void>;
  /** GPU time of every dispatch, the median of `runs`. */
  profile(runs: number): Promise<DispatchTime[]>;
  /** Frees everything. */
  destroy(): void;
}
