/**
 * Runs the tiles of one picture on a program and reads what they show.
 *
 * @module
 */

import type { DeviceGuard } from "../../engine/device_guard.ts";
import type { RgbImage } from "../../image/rgb_image.ts";
import { readDetections } from "../decode.ts";
import type { FrameProgram } from "../frame_program.ts";
import { addStages, type DeviceStages } from "../frame_timer.ts";
import type { BegunPicture, FoundObjects, RunSettings } from "../frames.ts";
import { checkFound } from "../heads/faults.ts";
import type { Head } from "../heads/form.ts";
import { type TileGrid, tilesOf } from "./grid.ts";
import { mergeTiles, suppressTiles, type TileDetection } from "./merge.ts";
import { type Crop, regionsOf, type RoomForPicture } from "./regions.ts";

/** What reads the results of frames. */
export interface ResultMeaning {
  readonly head: Head;
  /** Number of class names. */
  readonly names: number;
  /** What errors call the model. */
  readonly file: string;
}

/** What a frame's results are of. */
export interface FrameCrops {
  readonly crops: readonly Crop[];
  /** Place of the first crop among the picture's. */
  readonly first: number;
  /** Input pixels a pixel of each crop. */
  readonly scales: readonly number[];
}

/** The detections of a frame's crops, in pixels of the picture. Throws FeatherdetError for numbers that the head cannot mean. */
export function readCrops(
  result: Float32Array,
  { crops, first, scales }: FrameCrops,
  { head, names, file }: ResultMeaning,
): TileDetection[] {
  return crops.flatMap(({ source, view }, at) => {
    const image = readDetections(result, at);
    checkFound(head, image, { scale: scales[at], names, file });
    const [x, y] = [view.width / source.width, view.height / source.height];
    return image.detections.map(({ box: [x1, y1, x2, y2], score, classId }): TileDetection => ({
      box: [view.left + x * x1, view.top + y * y1, view.left + x * x2, view.top + y * y2],
      score,
      classId,
      tile: first + at,
      view,
    }));
  });
}

/** Frames of tiles that are on their way together: the device has the next one while the host reads the last. */
const IN_FLIGHT = 2;

/** What tiles are run with. */
export interface TileRun extends Omit<RunSettings, "tiles"> {
  readonly tiles: TileGrid;
  readonly program: FrameProgram;
  /** How much of the picture is on the device at once. */
  readonly room: RoomForPicture;
  readonly guard: DeviceGuard;
  /** Of plain suppression. */
  readonly iou: number;
  readonly meaning: ResultMeaning;
}

/**
 * Submits all tiles of a picture, a few frames in flight, and merges what they show when the last one arrives. Done when all are on their
 * way. Throws FeatherdetError for a frame that the device does not run.
 */
export async function beginTiles(image: RgbImage, run: TileRun): Promise<BegunPicture> {
  const { tiles, program, room, guard, iou, meaning, isTimed, signal } = run;
  const [, , height, width] = program.plan.graph.inputs[0].shape;
  const input = [height, width] as const;
  const found: TileDetection[] = [], waiting: Promise<void>[] = [];
  let stages: DeviceStages | undefined, uploaded = 0, first = 0;
  for (const region of regionsOf(image, tilesOf(tiles, image, input), tiles.whole, room, input)) {
    for (let at = 0; at < region.crops.length; at += program.batch) {
      signal?.throwIfAborted();
      guard.check();
      const crops = region.crops.slice(at, at + program.batch);
      const upload = at === 0 ? region : undefined;
      const frame = program.submit({ upload, crops: crops.map(({ source }) => source) }, isTimed);
      uploaded = frame.uploaded;
      const about = { crops, first, scales: frame.scales };
      const read = guard.arrival(frame.arrival).then(({ result, stages: times }) => {
        found.push(...readCrops(result, about, meaning));
        if (times) stages = addStages(stages, times);
      });
      // A failure is thrown where the frame is awaited.
      read.catch(() => {});
      waiting.push(read);
      first += crops.length;
      if (waiting.length >= IN_FLIGHT) await waiting.shift();
    }
  }
  const merged = Promise.all(waiting).then((): FoundObjects => {
    const arrived = performance.now();
    const detections = tiles.merge === "nms" ? suppressTiles(found, iou) : mergeTiles(found, image);
    return { detections, arrived, stages };
  });
  return { uploaded, found: merged };
}
