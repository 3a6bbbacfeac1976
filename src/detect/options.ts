/**
 * What callers say to a Detector and what it tells them.
 *
 * @module
 */

import type { SessionOptions } from "../engine/session.ts";
import type { RgbImage } from "../image/rgb_image.ts";
import type { FrameStages } from "./frame_timer.ts";
import type { HeadOptions } from "./heads/form.ts";
import type { InputOptions } from "./picture_input.ts";
import type { Tiles } from "./tiles/grid.ts";

/** One found object. */
export interface Detection {
  /** x1, y1, x2, y2 in pixels of the given picture. */
  readonly box: readonly [number, number, number, number];
  /** Confidence in 0..1. */
  readonly score: number;
  /** Number of the class, from 0. */
  readonly classId: number;
  /** Name of the class. */
  readonly label: string;
}

/** How a detector is made. */
export interface DetectorOptions extends SessionOptions, HeadOptions, InputOptions {
  /** Side of the square network input, or `[height, width]`; a multiple of 32 for YOLO11. Default: the size in the model. */
  readonly inputSize?: number | readonly [number, number];
  /**
   * `light`: the first pictures are run by kernels that compile in a fraction of the time and run more slowly. Behind five
   * billion multiply-accumulates, which YOLO11n has done after two pictures of 640 pixels or seven of 320, the others are compiled beside
   * them and then take their place; boxes then change in the last digits, where sums are taken in another order. `full`: no picture is run
   * before all is compiled. By default `light` on software adapters, without a limit of memory, where there is much to compile; `full`
   * elsewhere. With a limit it is always `full`.
   */
  readonly start?: "light" | "full";
  /** Least score of a detection. Default 0.25. */
  readonly confidence?: number;
  /** Overlap (intersection over union) above which two boxes of one class count as one object. Default 0.7. */
  readonly iou?: number;
  /** Most detections of a picture, of each tile of one that is cut; at most 300. Default 300. */
  readonly maxDetections?: number;
  /** Whether one box may be several detections, one a class, as for COCO's figures. Default false. */
  readonly multiLabel?: boolean;
  /** What errors call the model; by default what it was loaded from, or the graph's name. */
  readonly file?: string;
  /** Class names; default: those in the model's metadata, else `class 0`, `class 1` ... Their number helps to recognise the head. */
  readonly classes?: readonly string[];
  /** How pictures are cut into tiles for small objects, unless a call says otherwise. By default they are looked at whole. */
  readonly tiles?: Tiles;
  /** Most pixels of a picture that is given as a file's bytes; more are refused before memory is taken. Default 100,000,000. */
  readonly maxPixels?: number;
  /**
   * Milliseconds that decoding a picture may take. Default 120,000. It is done in a worker that all detectors of the process share and that
   * does not keep the process from ending; `Infinity` decodes in the calling thread instead, where nothing ends it, as where there are no
   * workers.
   */
  readonly decodeTimeout?: number;
}

/** What decides which boxes are detections. */
export type DetectorSettings =
  & Readonly<Required<Pick<DetectorOptions, "confidence" | "iou" | "maxDetections" | "multiLabel">>>
  & Pick<DetectorOptions, "tiles">;

/** How one call detects. */
export interface DetectOptions {
  /** What errors call the picture. */
  readonly file?: string;
  /** Ends the call with the signal's reason; the results are dropped. */
  readonly signal?: AbortSignal;
  /** How the picture is cut into tiles; by default as the detector was loaded. `false` for not at all. */
  readonly tiles?: Tiles | false;
}

/** How a stream is detected in. */
export interface StreamOptions {
  /** Called with the stages of each frame, in order, possibly before the results of that frame are yielded. */
  readonly observe?: (stages: FrameStages) => void;
  /** Ends the stream with the signal's reason. */
  readonly signal?: AbortSignal;
  /** How pictures are cut into tiles; by default as the detector was loaded. `false` for not at all. */
  readonly tiles?: Tiles | false;
}

/** A picture: encoded bytes (of a format that `decodeImage` reads) or pixels. */
export type Picture = Uint8Array | RgbImage;

/** Milliseconds of the stages of one frame. */
export interface FrameSpeed {
  /** Decoding the file and handing the pixels to the device. */
  readonly preprocess: number;
  /** From submission to the result's arrival: letterbox, network, suppression and the one readback. */
  readonly inference: number;
  /** Reading the result. */
  readonly postprocess: number;
}
