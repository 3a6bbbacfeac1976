/**
 * Frames of what ffmpeg reads, one at a time: it waits while nobody takes them, so a long video needs no more memory than a short one.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import type { RgbImage } from "../../image/rgb_image.ts";
import { startFfmpeg } from "./ffmpeg.ts";
import type { SourceFrame } from "./source.ts";

/** What is read. */
export interface VideoInput {
  /** What results and errors call it. */
  readonly file: string;
  /** ffmpeg's arguments that name it, the last of which is behind `-i`. */
  readonly input: readonly string[];
  /** Whether its frames come when they come. Frames that nobody takes in time are left out, and none is repeated. */
  readonly isLive?: boolean;
  /** Bytes of the video, where it is no file. */
  readonly bytes?: AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
}

/** Takes exact numbers of bytes from pieces of any length. */
class Pieces {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** Fills `target`; false where the pieces end before. */
  async fill(target: Uint8Array): Promise<boolean> {
    let filled = 0;
    while (filled < target.length) {
      if (this.#rest.length === 0) {
        const next = await this.#pieces.next();
        if (next.done) return false;
        this.#rest = next.value;
      }
      const part = this.#rest.subarray(0, target.length - filled);
      target.set(part, filled);
      filled += part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
    return true;
  }
}

/** The pictures of a stream of binary PPM files, the form in which ffmpeg says the size of each frame. */
export async function* readPpmStream(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<RgbImage> {
  const pieces = new Pieces(bytes), byte = new Uint8Array(1);
  while (true) {
    let header = "";
    // Three lines: P6, width and height, 255.
    while (header.split("\n").length < 4) {
      if (!await pieces.fill(byte)) return;
      header += String.fromCharCode(byte[0]);
      if (header.length > 64) throw new FeatherdetError(`expected a PPM header, found ${JSON.stringify(header)}`);
    }
    const [, width, height] = /^P6\n(\d+) (\d+)\n255\n$/.exec(header)?.map(Number) ?? [];
    if (!(width > 0 && height > 0)) {
      throw new FeatherdetError(`expected a PPM header, found ${JSON.stringify(header)}`);
    }
    const data = new Uint8Array(width * height * 3);
    if (!await pieces.fill(data)) return;
    yield { width, height, data };
  }
}

/** The newest element of a source each time that somebody asks: what came in between is left out. Waits where nothing new is there. */
export async function* newest<T>(source: AsyncIterable<T>): AsyncGenerator<T> {
  let last: { readonly value: T } | undefined, end: { readonly error?: unknown } | undefined;
  let wake = () => {};
  const iterator = source[Symbol.asyncIterator]();
  const reading = (async () => {
    try {
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
        last = { value: next.value };
        wake();
      }
      end = {};
    } catch (error) {
      end = { error };
    }
    wake();
  })();
  try {
    while (true) {
      if (last !== undefined) {
        const { value } = last;
        last = undefined;
        yield value;
      } else if (end !== undefined) {
        if ("error" in end) throw end.error;
        return;
      } else {
        await new Promise<void>((resolve) => wake = resolve);
      }
    }
  } finally {
    // A generator that waits is closed when what it waits for has come.
    iterator.return?.()?.catch(() => {});
    void reading;
  }
}

/** ffmpeg's arguments for reading. A video of changing rate is brought to a constant one, so that a drawn copy is as long as it. */
export function readingArguments({ input, isLive, bytes }: VideoInput): string[] {
  const quiet = bytes === undefined ? ["-nostdin"] : [];
  const rate = isLive ? ["-fps_mode", "passthrough"] : [];
  return [
    ...quiet,
    ...input,
    "-map",
    "0:v:0",
    ...rate,
    "-f",
    "image2pipe",
    "-c:v",
    "ppm",
    "-pix_fmt",
    "rgb24",
    "pipe:1",
  ];
}

/** Hands bytes to a program until it wants no more. */
async function feed(bytes: AsyncIterable<Uint8Array>, stdin: WritableStream<Uint8Array>): Promise<void> {
  const writer = stdin.getWriter();
  try {
    for await (const piece of bytes) {
      await writer.ready;
      await writer.write(piece);
    }
    await writer.close();
  } catch {
    // It has ended: why is told by its status, or nobody wanted the rest.
  }
}

/** Reads the frames of a video. Throws a `FeatherdetError` in ffmpeg's words where it fails; frames before that are yielded. */
export async function* readVideo(video: VideoInput): AsyncGenerator<SourceFrame> {
  const { file, input, bytes, isLive = false, signal } = video;
  const sound = isLive || bytes !== undefined ? undefined : input;
  const running = startFfmpeg(readingArguments(video), file, {
    stdin: bytes === undefined ? "null" : "piped",
    stdout: "piped",
  });
  const { child } = running;
  const ended = running.ended();
  ended.catch(() => {});
  const stop = () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
  };
  signal?.addEventListener("abort", stop, { once: true });
  if (bytes !== undefined) feed(bytes, child.stdin);
  try {
    const pictures = readPpmStream(child.stdout);
    let frame = 0;
    for await (const picture of isLive ? newest(pictures) : pictures) {
      const rate = isLive ? undefined : await running.rate;
      yield { file, frame: frame++, video: { rate, sound }, image: () => Promise.resolve(picture) };
    }
    if (!signal?.aborted) await ended;
  } finally {
    signal?.removeEventListener("abort", stop);
    stop();
    await child.status;
  }
}
