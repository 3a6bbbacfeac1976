/**
 * Makes pixels of what a detector is given, within its limits; what is being decoded ends with the detector.
 *
 * @module
 */

import type { FeatherdetError } from "../graph/mod.ts";
import { decodeImage } from "../image/codec/decode.ts";
import { DECODE_TIMEOUT } from "../image/codec/decode_there.ts";
import type { RgbImage } from "../image/rgb_image.ts";
import { checkedImage, checkLimit } from "./checks.ts";
import type { DetectorOptions, Picture } from "./options.ts";

/** Limits of pictures that are files. */
export type PictureLimits = Pick<DetectorOptions, "maxPixels" | "decodeTimeout">;

/** Reads pictures. */
export class PictureReader {
  readonly #limits: PictureLimits;
  readonly #decoding = new Set<AbortController>();

  /** Throws FeatherdetError for limits that are none. */
  constructor({ maxPixels, decodeTimeout = DECODE_TIMEOUT }: PictureLimits) {
    checkLimit("maxPixels", maxPixels);
    checkLimit("decodeTimeout", decodeTimeout);
    this.#limits = { maxPixels, decodeTimeout };
  }

  /** The picture's pixels. Throws FeatherdetError that names `file`: where it cannot be decoded, and where that takes too long. */
  async read(picture: Picture, file?: string, signal?: AbortSignal): Promise<RgbImage> {
    if (!(picture instanceof Uint8Array)) return checkedImage(picture, file);
    const { maxPixels, decodeTimeout: timeout } = this.#limits;
    const ends = new AbortController();
    const end = () => ends.abort(signal!.reason);
    if (signal?.aborted) end();
    signal?.addEventListener("abort", end);
    this.#decoding.add(ends);
    try {
      return await decodeImage(picture, file, { maxPixels, timeout, signal: ends.signal });
    } finally {
      this.#decoding.delete(ends);
      signal?.removeEventListener("abort", end);
    }
  }

  /** Ends what is being decoded with the reason. */
  destroy(reason: FeatherdetError): void {
    for (const ends of this.#decoding) ends.abort(reason);
  }
}
