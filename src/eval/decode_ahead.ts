/**
 * Decodes the next pictures in workers while the device computes: some drivers run the network on the thread that submits it, and on
 * fast devices decoding takes longer than the network.
 *
 * @module
 */

import type { DatasetImage } from "../data/dataset.ts";
import { FeatherdetError } from "../graph/error.ts";
import { DECODE_TIMEOUT, type DecodeWorker, startDecodeWorker } from "../image/codec/decode_there.ts";
import type { RgbImage } from "../image/rgb_image.ts";
import { transferable, usualWorkers } from "../image/side_worker.ts";

/** Pictures that are kept decoded beyond those in work: enough for the stream never to wait. */
const SPARE = 2;

/** A picture's pixels, and the milliseconds of decoding it: those of the worker, or here with reading the file. */
export interface DecodedImage {
  readonly image: RgbImage;
  readonly milliseconds: number;
}

/** How pictures are decoded. */
export interface DecodeAheadOptions {
  /** As many as there are; half of the processors by default, four at most, 0 for none. */
  readonly workers?: number;
  /** Milliseconds that a worker may take for a picture; `DECODE_TIMEOUT` by default. */
  readonly patience?: number;
  /** Ends it with the signal's reason, also where a worker hangs. */
  readonly signal?: AbortSignal;
}

async function decodeHere(image: DatasetImage): Promise<DecodedImage> {
  const started = performance.now();
  try {
    const pixels = await image.load();
    return { image: pixels, milliseconds: performance.now() - started };
  } catch (error) {
    if (error instanceof FeatherdetError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new FeatherdetError(reason, { file: image.name }, { cause: error });
  }
}

/** Reads the file and has it decoded; does it here where no worker can, or to tell what is wrong with the file. */
async function decodeThere(
  image: DatasetImage,
  worker: DecodeWorker,
  { patience = DECODE_TIMEOUT, signal }: DecodeAheadOptions,
): Promise<DecodedImage> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = await image.bytes();
  } catch {
    return await decodeHere(image);
  }
  // What is damaged is read again as the set says, to tell of it by its name.
  const order = { bytes, strict: true, maxPixels: image.maxPixels };
  const answer = await worker.ask(order, { transfer: transferable(bytes), patience, signal }).catch((error) => {
    throw error instanceof FeatherdetError ? error.at({ file: image.file }) : error;
  });
  const isThere = answer !== undefined && "image" in answer;
  const fits = isThere && answer.image.width === image.width && answer.image.height === image.height;
  return fits ? answer : await decodeHere(image);
}

/**
 * Decodes pictures in order, those in files ahead of time in workers.
 *
 * Throws FeatherdetError for a picture that cannot be read or takes too long, when its turn comes.
 */
export async function* decodeAhead(
  images: readonly DatasetImage[],
  options: DecodeAheadOptions = {},
): AsyncGenerator<DecodedImage> {
  const { workers = usualWorkers() } = options;
  // Pictures without files are made by what `load` does, which cannot be sent elsewhere.
  const count = images.some(({ file }) => file !== undefined) ? Math.min(workers, images.length) : 0;
  const pool = Array.from({ length: count }, startDecodeWorker);
  const ahead: Promise<DecodedImage>[] = [];
  let next = 0;
  const begin = () => {
    const image = images[next];
    const decoded = image.file !== undefined && count > 0
      ? decodeThere(image, pool[next % count], options)
      : decodeHere(image);
    // A failure is reported when its turn comes.
    decoded.catch(() => {});
    ahead.push(decoded);
    next++;
  };
  try {
    for (let done = 0; done < images.length; done++) {
      // Made here, a picture ahead of time would only be in the way.
      while (
        next < images.length && next <= done + (images[next].file !== undefined && count > 0 ? count + SPARE : 0)
      ) {
        begin();
      }
      yield await ahead.shift()!;
    }
  } finally {
    for (const worker of pool) worker.close();
  }
}
