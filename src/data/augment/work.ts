/**
 * The two kinds of work of making batches: decoding pictures and rendering batches. A worker does them, or the calling thread.
 *
 * @module
 */

import { renderSample } from "./render.ts";
import type { SamplePixels } from "./sample.ts";
import type { Source } from "./source.ts";
import type { InputSize } from "./tile.ts";

/** Decode a file and make it ready for sampling, in memory that is shared. */
export interface DecodeOrder {
  readonly kind: "decode";
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** As of `decodeImage`. */
  readonly maxPixels?: number;
  readonly input: InputSize;
}

/** Make the pictures of a batch. */
export interface RenderOrder {
  readonly kind: "render";
  readonly samples: readonly SamplePixels[];
  /** The pictures that they show, by their places in the data set. */
  readonly sources: ReadonlyMap<number, Source>;
  readonly input: InputSize;
}

/** What a worker is told. */
export type WorkOrder = DecodeOrder | RenderOrder;

/** What it answers: a source or the pictures, as asked. */
export interface WorkAnswer {
  readonly source?: Source;
  readonly images?: Float32Array<ArrayBuffer>;
}

/** `[samples, 3, height, width]`. */
export function render({ samples, sources, input }: RenderOrder): Float32Array<ArrayBuffer> {
  const length = 3 * input[0] * input[1];
  const images = new Float32Array(samples.length * length);
  samples.forEach((sample, i) => {
    renderSample(images.subarray(i * length, (i + 1) * length), sample, (picture) => sources.get(picture)!, input);
  });
  return images;
}
