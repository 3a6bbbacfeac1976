/**
 * Videos that are written, through ffmpeg: under another name until they are complete, so that what lies at the name can be played.
 *
 * @module
 */

import { extname } from "node:path";
import { unfinishedName } from "../../data/whole_file.ts";
import { FeatherdetError } from "../../graph/error.ts";
import type { RgbImage } from "../../image/rgb_image.ts";
import { type RunningFfmpeg, startFfmpeg } from "./ffmpeg.ts";

/** ffmpeg's names of the containers that are written, by ending. */
const CONTAINERS: Readonly<Record<string, string>> = {
  ...{ ".mp4": "mp4", ".m4v": "mp4", ".mov": "mov" },
  ...{ ".mkv": "matroska", ".webm": "webm", ".avi": "avi" },
};

/** Endings of videos that can be written, in words. */
export const VIDEO_ENDINGS: string = Object.keys(CONTAINERS).join(", ");

/** Whether a video can be written under a name. */
export function isVideoTarget(file: string): boolean {
  return Object.hasOwn(CONTAINERS, extname(file).toLowerCase());
}

/** ffmpeg's arguments for writing frames of a size. Without a rate each frame has the time at which it comes. */
export function writingArguments(
  { width, height }: Pick<RgbImage, "width" | "height">,
  rate: number | undefined,
  target: string,
  written: string,
): string[] {
  const times = rate === undefined ? ["-use_wallclock_as_timestamps", "1"] : ["-framerate", String(rate)];
  return [
    ...["-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", `${width}x${height}`],
    ...[...times, "-i", "pipe:0"],
    // Players want halved colour, for which both sides are even.
    ...["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p"],
    ...["-f", CONTAINERS[extname(target).toLowerCase()], `file:${written}`],
  ];
}

/**
 * ffmpeg's arguments for a written video with the sound of another, as long as its own frames. A container that takes what the other has
 * keeps it as it is.
 */
export function soundArguments(sound: readonly string[], seconds: number, target: string, written: string[]): string[] {
  const ending = extname(target).toLowerCase(), container = CONTAINERS[ending];
  const isTaken = container === "matroska" || extname(sound.at(-1) ?? "").toLowerCase() === ending;
  const [silent, whole] = written.map((file) => `file:${file}`);
  return [
    ...["-nostdin", "-loglevel", "error", "-y", "-i", silent, ...sound, "-map", "0:v", "-map", "1:a?", "-c:v", "copy"],
    ...isTaken ? ["-c:a", "copy"] : [],
    ...["-t", String(seconds), "-f", container, whole],
  ];
}

/** A video that is being written. */
export class VideoWriter {
  readonly #running: RunningFfmpeg;
  readonly #frames: WritableStreamDefaultWriter<Uint8Array>;
  readonly #unfinished: string;
  readonly #ended: Promise<void>;
  readonly #rate: number | undefined;
  readonly #sound: readonly string[] | undefined;
  #written = 0;

  /**
   * Starts ffmpeg for frames of the first one's size. `sound` are ffmpeg's arguments that name what its sound is from; it needs a `rate`.
   * Throws a `FeatherdetError` where ffmpeg is missing.
   */
  constructor(
    readonly file: string,
    readonly size: Pick<RgbImage, "width" | "height">,
    rate?: number,
    sound?: readonly string[],
  ) {
    this.#rate = rate;
    this.#sound = sound;
    this.#unfinished = unfinishedName(file);
    const args = writingArguments(size, rate, file, this.#unfinished);
    this.#running = startFfmpeg(args, file, { stdin: "piped", stdout: "null" });
    this.#ended = this.#running.ended();
    this.#ended.catch(() => {});
    this.#frames = this.#running.child.stdin.getWriter();
  }

  /** Adds a frame, and waits while ffmpeg has enough of them. Throws a `FeatherdetError` for a frame of another size and where ffmpeg fails. */
  async write({ width, height, data }: RgbImage): Promise<void> {
    if (width !== this.size.width || height !== this.size.height) {
      const sizes = `${width}x${height} behind frames of ${this.size.width}x${this.size.height}`;
      throw new FeatherdetError(`all frames of a video have one size, here came ${sizes}`, { file: this.file });
    }
    try {
      await this.#frames.ready;
      await this.#frames.write(data);
      this.#written++;
    } catch (error) {
      // It has ended, and says why.
      await this.#ended;
      throw error;
    }
  }

  /**
   * Completes the file and puts it at its name. Gives a sentence where the sound could not be kept. Throws a `FeatherdetError` where the rest
   * fails; nothing is left then.
   */
  async close(): Promise<string | undefined> {
    try {
      await this.#frames.close().catch(() => {});
      await this.#ended;
      const fault = await this.#addSound();
      await Deno.rename(this.#unfinished, this.file);
      return fault;
    } catch (error) {
      await Deno.remove(this.#unfinished).catch(() => {});
      throw error;
    }
  }

  /** Puts the sound beside the frames. Only now is known how many they are: the sound may be longer or shorter. */
  async #addSound(): Promise<string | undefined> {
    if (this.#sound === undefined || this.#rate === undefined || this.#written === 0) return undefined;
    const whole = unfinishedName(this.file);
    const args = soundArguments(this.#sound, this.#written / this.#rate, this.file, [this.#unfinished, whole]);
    try {
      await startFfmpeg(args, this.file, { stdin: "null", stdout: "null" }).ended();
      await Deno.rename(whole, this.#unfinished);
      return undefined;
    } catch (error) {
      await Deno.remove(whole).catch(() => {});
      if (!(error instanceof FeatherdetError)) throw error;
      return `${this.file} has no sound: ${error.detail}`;
    }
  }
}
