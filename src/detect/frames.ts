/**
 * What runs a detector's pictures: pixels in, detections out, whatever computes.
 *
 * @module
 */

import type { DispatchTime } from "../engine/profile.ts";
import type { Graph } from "../graph/graph.ts";
import type { RgbImage } from "../image/rgb_image.ts";
import type { Plan } from "../plan/plan.ts";
import type { RawDetection } from "./decode.ts";
import type { DeviceStages } from "./frame_timer.ts";
import type { TileGrid } from "./tiles/grid.ts";

/** What decides which boxes are detections. */
export interface FrameSettings {
  readonly confidence: number;
  readonly iou: number;
  readonly maxDetections: number;
  readonly multiLabel: boolean;
}

/** What is found on a picture. */
export interface FoundObjects {
  /** Best first, in pixels of the picture. */
  readonly detections: readonly RawDetection[];
  /** When the last results arrived, by `performance.now()`. */
  readonly arrived: number;
  /** Device time, where it was asked for and can be taken. */
  readonly stages?: DeviceStages;
}

/** A picture on its way. */
export interface BegunPicture {
  /** When the last of it was handed over, by `performance.now()`. */
  readonly uploaded: number;
  /** Fails with a FeatherdetError, also for numbers that the head cannot mean. */
  readonly found: Promise<FoundObjects>;
}

/** How a picture is run. */
export interface RunSettings {
  readonly isTimed: boolean;
  /** Undefined for a picture that is looked at whole. */
  readonly tiles?: TileGrid;
  readonly signal?: AbortSignal;
}

/** A detector's network with what stands before and behind it. */
export interface Frames {
  /** The plan of the network between letterbox and decoding, for one picture; undefined on the CPU. */
  readonly plan?: Plan;
  /** The graph of the network, as it is run. */
  readonly graph: Graph;
  /** Dispatches of a frame of one picture. */
  readonly dispatchCount: number;
  /** Bytes of GPU memory held. */
  readonly bytes: number;
  /** How it is stored and what is run together, for people. */
  readonly text: string;
  /** Submits a picture. It is on its way when this is done, and the next one may follow. Throws FeatherdetError for one that cannot be taken. */
  begin(image: RgbImage, settings: RunSettings): Promise<BegunPicture>;
  /** Resolves when pictures are run by the fastest kernels; at once where the next `pictures` are too few for them. */
  ready(pictures?: number): Promise<void>;
  /** GPU time of every dispatch of a frame of one picture, the median of `runs`. */
  profile(runs: number): Promise<DispatchTime[]>;
  /** Frees everything. */
  destroy(): void;
}
