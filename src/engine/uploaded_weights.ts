/**
 * Packed weights that are on the device already: models apply one weight in many places, and it is uploaded once.
 *
 * @module
 */

import type { PackedInt8Weights, PackedWeights } from "../kernels/kernel.ts";

type Packed = PackedWeights | PackedInt8Weights;

interface Upload<Resource> {
  readonly weights: Packed;
  readonly resource: Resource;
}

/** A number that is the same for the same words, and rarely for others (FNV-1a over 32-bit words). */
function hashOf(numbers: Float32Array | Uint32Array): number {
  const words = new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length);
  let hash = 0x811c9dc5;
  for (let i = 0; i < words.length; i++) hash = Math.imul(hash ^ words[i], 0x01000193);
  return hash >>> 0;
}

function keyOf({ columns, rows, layers }: Packed, numbers: Float32Array | Uint32Array): string {
  return `${numbers instanceof Uint32Array} ${columns} ${rows} ${layers} ${hashOf(numbers)}`;
}

/** Weights by what they hold. Of those with one hash all numbers are compared. */
export class UploadedWeights<Resource = GPUBindingResource> {
  readonly #uploads = new Map<string, Upload<Resource>[]>();

  /** The resource with the same numbers in the same form, if there is one. */
  find(weights: Packed, numbers: Float32Array | Uint32Array): Resource | undefined {
    const found = this.#uploads.get(keyOf(weights, numbers))?.find((upload) => {
      // Packing again costs less than keeping every packed weight in memory.
      const others = upload.weights.pack();
      return others.length === numbers.length && others.every((number, i) => Object.is(number, numbers[i]));
    });
    return found?.resource;
  }

  /** Enters an upload. */
  add(weights: Packed, numbers: Float32Array | Uint32Array, resource: Resource): void {
    const key = keyOf(weights, numbers), known = this.#uploads.get(key);
    if (known) known.push({ weights, resource });
    else this.#uploads.set(key, [{ weights, resource }]);
  }
}
