/**
 * Picture files to pixels: JPEG, PNG and WebP, and with more effort BMP, GIF, TIFF, AVIF and HEIC.
 *
 * @module
 */

import type { RgbImage } from "../rgb_image.ts";
import { FeatherdetError } from "../../graph/error.ts";
import { onCanvas } from "./canvas.ts";
import { checkClaim } from "./claimed_size.ts";
import { browserDecodes, type DecodedFile, imageCodec, type RgbaPixels } from "./codec.ts";
import { decodeThere } from "./decode_there.ts";
import { orient } from "./exif.ts";
import { type ImageHeader, readImageHeader } from "./header.ts";
import { soundPng } from "./png_chunks.ts";
import { inTime } from "./in_time.ts";
import { firstFrame } from "./webp_frame.ts";

/** Limits of decoding, and what is done about damage in spite of which a picture can be decoded. */
export interface DecodeOptions {
  /** Pictures of more pixels are refused before memory is taken for them; 100,000,000 by default. */
  readonly maxPixels?: number;
  /** Refuse such a picture. */
  readonly strict?: boolean;
  /** Takes a sentence that names the file; it is written to the console by default. */
  readonly onWarning?: (sentence: string) => void;
  /**
   * Milliseconds that decoding may take. It is then done in a worker of the process, which is started with the first picture; browsers
   * decode beside their pages anyway. Where there are no workers, and by default, it takes the calling thread as long as it takes.
   */
  readonly timeout?: number;
  /** Ends it with the signal's reason; what has been begun only with a `timeout`. */
  readonly signal?: AbortSignal;
}

/** Drops alpha, as OpenCV's and Pillow's conversions to three channels do. */
function withoutAlpha({ width, height, data }: RgbaPixels): RgbImage {
  const pixels = width * height;
  const rgb = new Uint8Array(pixels * 3);
  for (let i = 0, from = 0, to = 0; i < pixels; i++, from += 4, to += 3) {
    rgb[to] = data[from];
    rgb[to + 1] = data[from + 1];
    rgb[to + 2] = data[from + 2];
  }
  return { width, height, data: rgb };
}

/** Decodes what the file's own structure leaves to decode. */
async function decodeFile(bytes: Uint8Array, header: ImageHeader): Promise<DecodedFile> {
  const { format, width, height } = header;
  const codec = await imageCodec();
  if (format === "PNG") {
    const sound = soundPng(bytes);
    const { pixels, warnings } = await codec.decode(sound.bytes, format);
    return { pixels, warnings: [...sound.warnings, ...warnings] };
  }
  const frame = format === "WebP" ? firstFrame(bytes) : undefined;
  if (!frame) return await codec.decode(bytes, format);
  const { pixels, warnings } = await codec.decode(frame.bytes, format);
  return { pixels: onCanvas(pixels, { left: frame.left, top: frame.top, width, height }), warnings };
}

/** Decodes in this thread what the header describes. */
async function decodeHere(
  bytes: Uint8Array,
  header: ImageHeader,
  { file, strict, onWarning }: {
    readonly file?: string;
    readonly strict?: boolean;
    readonly onWarning: (damage: FeatherdetError) => void;
  },
): Promise<RgbImage> {
  const { format, orientation } = header;
  let decoded: DecodedFile;
  try {
    decoded = await decodeFile(bytes, header);
  } catch (error) {
    if (error instanceof FeatherdetError) throw error.at({ file });
    const reason = error instanceof Error ? error.message : String(error);
    throw new FeatherdetError(`broken ${format}: ${reason}`, { file }, { cause: error });
  }
  if (decoded.warnings.length > 0) {
    const damage = new FeatherdetError(`damaged ${format}: ${decoded.warnings.join(", ")}`, { file });
    if (strict) throw damage;
    onWarning(damage);
  }
  const image = withoutAlpha(decoded.pixels);
  return (await imageCodec()).orients ? image : orient(image, orientation);
}

/**
 * Decodes a JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF or HEIC file to 8-bit RGB, turned as its EXIF orientation says. Of an animation or a
 * file of several pages it is the first picture.
 *
 * Pixels are those of libjpeg-turbo, libpng and libwebp, and of ImageMagick for the other formats and for JPEGs of four inks. Alpha is
 * dropped, 16 bits a channel become 8, colour profiles are not applied. The content decides on the format; `file` only names the
 * picture in errors.
 *
 * A picture that is damaged but has all its pixels is decoded with a warning, or refused with `strict`.
 *
 * Throws a `FeatherdetError` for an empty file, a file that is no picture (it says which kind of file it is), a truncated one, one
 * that is too damaged, one that takes longer than `timeout`, and, before memory is taken for it, a picture of more than 100 megapixels
 * (`maxPixels`) or of more pixels than its bytes can hold.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodeImage } from "./decode.ts";
 * import { encodePng } from "./encode.ts";
 * const file = await encodePng({ width: 2, height: 1, data: Uint8Array.of(255, 0, 0, 0, 0, 255) }); // or `Deno.readFile("street.jpg")`
 * const { width, height, data } = await decodeImage(file, "two.png");
 * assert.deepEqual([width, height, ...data], [2, 1, 255, 0, 0, 0, 0, 255]);
 *
 * const damaged = file.slice();
 * damaged[damaged.length - 13] ^= 1; // in the checksum of its pixels
 * const warnings: string[] = [];
 * assert.deepEqual((await decodeImage(damaged, "two.png", { onWarning: (text) => warnings.push(text) })).data, data);
 * assert.deepEqual(warnings, ["two.png: damaged PNG: the checksum of IDAT is wrong"]);
 * await assert.rejects(decodeImage(damaged, "two.png", { strict: true }), /two.png: damaged PNG/);
 * ```
 */
export async function decodeImage(bytes: Uint8Array, file?: string, options: DecodeOptions = {}): Promise<RgbImage> {
  const { strict, maxPixels, timeout = Infinity, signal } = options;
  signal?.throwIfAborted();
  const header = readImageHeader(bytes, file, maxPixels);
  checkClaim(bytes, header, file);
  const onWarning = ({ message }: FeatherdetError) => {
    if (options.onWarning) options.onWarning(message);
    else console.warn(`warning: ${message}`);
  };
  if (!Number.isFinite(timeout)) return await decodeHere(bytes, header, { file, strict, onWarning });
  if (!browserDecodes()) {
    const image = await decodeThere(bytes, file, { strict, maxPixels, timeout, signal, onWarning });
    if (image) return image;
  }
  return await inTime(decodeHere(bytes, header, { file, strict, onWarning }), { file, timeout, signal });
}
