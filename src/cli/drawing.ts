/**
 * Drawn copies of what sources hold: a file for each picture, a video for each video.
 *
 * @module
 */

import { extname, join } from "node:path";
import type { Detection } from "../detect/detector.ts";
import { kindOf } from "../data/files.ts";
import { FeatherdetError } from "../graph/error.ts";
import type { RgbImage } from "../image/rgb_image.ts";
import { drawDetections } from "../report/draw/draw.ts";
import { prepareLabels } from "../recipes/label_font.ts";
import type { SourceFrame } from "../host/sources/source.ts";
import { isVideoTarget, VideoWriter } from "../host/sources/write_video.ts";
import { writeDrawn } from "./detections.ts";

/** Frames a second of a video that is drawn from pictures, where nothing states a rate. */
const PICTURE_RATE = 25;

/** Writes the drawn copies. */
export class Drawing {
  readonly #targets: ReadonlyMap<string, string>;
  readonly #force: boolean;
  readonly #note: (text: string) => void;
  /** Pictures drawn to each target that is a file. */
  readonly #drawn = new Set<string>();
  #video: VideoWriter | undefined;

  /**
   * `targets` has the file, or for what only its bytes tell the folder, of each source. In such
   * a folder files are replaced with `force` only. `note` is told what of labels cannot be drawn.
   */
  constructor(targets: ReadonlyMap<string, string>, force: boolean, note: (text: string) => void) {
    this.#targets = targets;
    this.#force = force;
    this.#note = note;
  }

  /** Draws one picture. Frames of one video come in their order, without others between them. */
  async draw(frame: SourceFrame, image: RgbImage, detections: readonly Detection[]): Promise<void> {
    const target = this.#targets.get(frame.file);
    if (target === undefined) return;
    const file = this.#fileOf(target, frame);
    if (file !== target && !this.#force && this.#video?.file !== file && kindOf(file) !== undefined) {
      throw new FeatherdetError("exists already: name another place, or replace it with --force", { file });
    }
    if (isVideoTarget(file)) return await this.#addFrame(file, frame, image, detections);
    if (this.#drawn.has(file)) {
      const what = frame.video === undefined ? "several pictures are drawn to a folder" : "a video is drawn to a video";
      throw new FeatherdetError(`${what}, this names a file of one picture`, { file });
    }
    this.#drawn.add(file);
    await writeDrawn(image, detections, file, this.#note);
  }

  /** Where a picture of a source goes: targets without an ending are folders of what came through a pipe. */
  #fileOf(target: string, { file, frame, video }: SourceFrame): string {
    if (extname(target) !== "") return target;
    if (video !== undefined) return join(target, `${file}.mp4`);
    return join(target, frame === undefined ? `${file}.png` : `${file}-${String(frame).padStart(6, "0")}.png`);
  }

  async #addFrame(
    file: string,
    { video }: SourceFrame,
    image: RgbImage,
    detections: readonly Detection[],
  ): Promise<void> {
    if (this.#video?.file !== file) {
      await this.close();
      this.#video = new VideoWriter(file, image, video === undefined ? PICTURE_RATE : video.rate, video?.sound);
    }
    await prepareLabels(detections.map(({ label }) => label), this.#note);
    await this.#video!.write(drawDetections(image, detections));
  }

  /** Completes the video that is being written, if one is. */
  async close(): Promise<void> {
    const video = this.#video;
    this.#video = undefined;
    const fault = await video?.close();
    if (fault !== undefined) this.#note(fault);
  }
}
