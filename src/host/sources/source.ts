/**
 * What pictures come from: the types that all kinds of sources share.
 *
 * @module
 */

import { decodeImage } from "../../image/codec/decode.ts";
import { DECODE_TIMEOUT } from "../../image/codec/decode_there.ts";
import type { RgbImage } from "../../image/rgb_image.ts";

/** Makes a picture of a file's bytes. Rejects with a `FeatherdetError` that names the file. */
export type DecodePicture = (bytes: Uint8Array, file: string) => Promise<RgbImage>;

/** As pictures are decoded unless somebody wants it otherwise: with the usual limits. */
export const decodeInTime: DecodePicture = (bytes, file) => decodeImage(bytes, file, { timeout: DECODE_TIMEOUT });

/** How sources are read. */
export interface SourceOptions {
  /** Decodes single pictures; by default `decodeInTime`. */
  readonly decode?: DecodePicture;
  /** Ends what waits for a picture that may never come: a camera, a pipe. The source then ends without an error. */
  readonly signal?: AbortSignal;
}

/** What a frame of a video has beside its pixels. */
export interface VideoFrame {
  /** Frames a second; undefined for a live source, whose frames have the time at which they come. */
  readonly rate?: number;
  /** ffmpeg's arguments that name what the sound can be read from; undefined where it has gone by. */
  readonly sound?: readonly string[];
}

/** One picture of a source. */
export interface SourceFrame {
  /** Name of the file, URL or device, or `stdin`. */
  readonly file: string;
  /** Number in a source of several pictures, from 0. */
  readonly frame?: number;
  /** There if the source is a video. */
  readonly video?: VideoFrame;
  /** Its pixels. Rejects with a `FeatherdetError` that names the file; the frames behind it are not touched by that. */
  readonly image: () => Promise<RgbImage>;
}

/** One picture, a video, or what only its bytes tell: a picture, a stream of pictures or a video. */
export type SourceContent = "picture" | "video" | "stream";

/** A place that pictures are read from. */
export interface Source {
  /** Name of the file, URL or device, or `stdin`. */
  readonly file: string;
  readonly content: SourceContent;
  /** Reads it; a source is read once. Errors of the source itself are thrown, those of one picture by its `image`. */
  frames(options: SourceOptions): AsyncIterable<SourceFrame>;
}

/** What one word of the command line stands for. */
export interface ListedSources {
  readonly sources: readonly Source[];
  /** What was left out, a sentence each. */
  readonly notes: readonly string[];
}

/** One kind of source: a row of the table in `open.ts`. */
export interface SourceKind {
  readonly name: string;
  /** Whether a word of the command line names a source of this kind. Kinds are asked in the order of the table. */
  readonly means: (word: string) => boolean;
  /** The sources that the word stands for. `isOnlyOne` is false where others were named too, and a missing file is told at its turn. */
  readonly list: (word: string, isOnlyOne: boolean) => ListedSources;
}
