/**
 * Reads pictures one by one and has them decoded in a worker, so that one whose decoding never ends can be given up.
 *
 * @module
 */

import { DECODING_PATIENCE } from "../data/side_worker.ts";
import { type DecodeWorker, startDecodeWorker } from "../eval/decode_ahead.ts";
import { FeatherdetError } from "../graph/error.ts";
import { fileError } from "../host/file_error.ts";
import { decodeImage, type DecodeOptions } from "../image/codec/decode.ts";
import type { NamedPicture } from "./detections.ts";

/** How pictures are read. */
export interface PictureReaderOptions extends DecodeOptions {
  /** Milliseconds that decoding a picture may take. */
  readonly patience?: number;
  /** Decodes; one is started by default, and ended with the reader. */
  readonly worker?: DecodeWorker;
}

/** Reads pictures while it is held. */
export class PictureReader implements Disposable {
  readonly #options: PictureReaderOptions;
  readonly #worker: DecodeWorker;

  /** Starts the worker, which gets ready by itself. */
  constructor(options: PictureReaderOptions = {}) {
    this.#options = options;
    this.#worker = options.worker ?? startDecodeWorker();
  }

  /** Reads and decodes one. Throws FeatherdetError that names the file: as `decodeImage` does, and where that takes too long. */
  async read(file: string): Promise<NamedPicture> {
    const { maxPixels, patience = DECODING_PATIENCE } = this.#options;
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = await Deno.readFile(file);
    } catch (error) {
      throw fileError(error, file);
    }
    const answer = await this.#worker.ask({ bytes, maxPixels }, [], patience).catch((error) => {
      throw error instanceof FeatherdetError ? error.at({ file }) : error;
    });
    // Here again where the worker has refused it, to tell of it by its name, and where there is none.
    return { file, image: answer?.image ?? await decodeImage(bytes, file, this.#options) };
  }

  /** Ends the worker. */
  [Symbol.dispose](): void {
    this.#worker.close();
  }
}
