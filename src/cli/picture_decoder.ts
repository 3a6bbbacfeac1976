/**
 * Decodes pictures one by one in a worker, so that one whose decoding never ends can be given up.
 *
 * @module
 */

import { DECODING_PATIENCE } from "../data/side_worker.ts";
import { type DecodeWorker, startDecodeWorker } from "../eval/decode_ahead.ts";
import { FeatherdetError } from "../graph/error.ts";
import { decodeImage, type DecodeOptions } from "../image/codec/decode.ts";
import type { RgbImage } from "../image/rgb_image.ts";

/** How pictures are decoded. */
export interface PictureDecoderOptions extends DecodeOptions {
  /** Milliseconds that decoding a picture may take. */
  readonly patience?: number;
  /** Decodes; one is started by default, and ended with the decoder. */
  readonly worker?: DecodeWorker;
}

/** Decodes pictures while it is held. */
export class PictureDecoder implements Disposable {
  readonly #options: PictureDecoderOptions;
  readonly #worker: DecodeWorker;

  /** Starts the worker, which gets ready by itself. */
  constructor(options: PictureDecoderOptions = {}) {
    this.#options = options;
    this.#worker = options.worker ?? startDecodeWorker();
  }

  /** Decodes a file's bytes. Throws FeatherdetError that names the file: as `decodeImage` does, and where that takes too long. */
  async decode(bytes: Uint8Array, file: string): Promise<RgbImage> {
    const { maxPixels, patience = DECODING_PATIENCE } = this.#options;
    const answer = await this.#worker.ask({ bytes, maxPixels }, [], patience).catch((error) => {
      throw error instanceof FeatherdetError ? error.at({ file }) : error;
    });
    // Here again where the worker has refused it, to tell of it by its name, and where there is none.
    return answer?.image ?? await decodeImage(bytes, file, this.#options);
  }

  /** Ends the worker. */
  [Symbol.dispose](): void {
    this.#worker.close();
  }
}
