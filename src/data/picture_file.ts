/**
 * Pictures of a data set that lie in files.
 *
 * @module
 */

import type { RgbImage } from "../image/rgb_image.ts";
import { FeatherdetError } from "../graph/error.ts";
import type { DatasetImage, GroundTruth } from "./dataset.ts";
import { fileSystem, saysNotFound } from "./file_system.ts";
import { accessError, readBytes } from "./files.ts";
import { decodeImage } from "../image/codec/decode.ts";
import { DECODE_TIMEOUT } from "../image/codec/decode_there.ts";
import { readImageHeader, sniffFormat } from "../image/codec/header.ts";

/** Bytes that hold the header of nearly every file; those with more in front of it are read whole. */
const HEADER_BYTES = 65536;

/** Size of a picture in pixels, after its orientation is applied. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

async function readHeader(file: string, maxPixels?: number) {
  const { head, whole } = await fileSystem().readHead(file, HEADER_BYTES);
  if (whole) return readImageHeader(head, file, maxPixels);
  const format = sniffFormat(head);
  // Of these two, the orientation may stand behind the pixels.
  if (format !== "PNG" && format !== "WebP") {
    try {
      return readImageHeader(head, file, maxPixels);
    } catch {
      // Long profiles and thumbnails may stand in front of the frame's header, TIFF's directory at the end.
    }
  }
  return readImageHeader(await fileSystem().read(file), file, maxPixels);
}

/**
 * Size of a picture as `decodeImage` gives it, read from the file's header alone. Throws a `FeatherdetError` for a missing file,
 * in which `listedIn` names the file that asked for it, for what is no picture, and for one of more than `maxPixels`.
 */
export async function pictureSize(
  file: string,
  { maxPixels }: Pick<DatasetImage, "maxPixels"> = {},
  listedIn?: string,
): Promise<PictureSize> {
  try {
    const { width, height, orientation } = await readHeader(file, maxPixels);
    // From 5 on, the orientations exchange rows and columns.
    return orientation >= 5 ? { width: height, height: width } : { width, height };
  } catch (error) {
    if (listedIn !== undefined && saysNotFound(error)) {
      throw new FeatherdetError(`the image is missing, ${listedIn} names it`, { file });
    }
    throw accessError(error, file);
  }
}

/** A picture in a file. */
export class PictureFile implements DatasetImage {
  readonly id: number;
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly GroundTruth[];
  /** Where it lies. */
  readonly file: string;
  /** Most pixels that it may have; the usual number by default. */
  readonly maxPixels?: number;
  readonly #strict: boolean;
  /** Damage is told once, however often the picture is read. */
  #told = false;

  /** Takes what is known of the picture. The file is read when `load` or `bytes` is called. With `strict`, damage is refused then. */
  constructor(
    known: Omit<DatasetImage, "bytes" | "load" | "maxPixels"> & { readonly file: string },
    { strict = false, maxPixels }: { readonly strict?: boolean; readonly maxPixels?: number } = {},
  ) {
    this.id = known.id;
    this.name = known.name;
    this.width = known.width;
    this.height = known.height;
    this.boxes = known.boxes;
    this.file = known.file;
    this.#strict = strict;
    this.maxPixels = maxPixels;
  }

  #warn(sentence: string): void {
    if (!this.#told) console.warn(`warning: ${sentence}`);
    this.#told = true;
  }

  /** The file as it is. */
  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return readBytes(this.file);
  }

  /** The decoded picture; a `FeatherdetError` if it has come to have another size since the data set was read. */
  async load(): Promise<RgbImage> {
    const image = await decodeImage(await this.bytes(), this.file, {
      strict: this.#strict,
      maxPixels: this.maxPixels,
      timeout: DECODE_TIMEOUT,
      onWarning: (sentence) => this.#warn(sentence),
    });
    if (image.width !== this.width || image.height !== this.height) {
      throw new FeatherdetError(
        `the image is ${image.width}x${image.height} now, it was ${this.width}x${this.height} when the data set was read`,
        { file: this.file },
      );
    }
    return image;
  }
}
