/**
 * Weights with blocks of zeros.
 *
 * @module
 */

import { Random } from "../../src/numbers/random.ts";

/** Sets about `share` of the blocks of four outputs by four inputs of a weight `[O,C,kh,kw]` to zero, and where any is all of the first outputs'. */
export function zeroBlocks([outputs, inputs, height, width]: readonly number[], share: number, seed = 1) {
  return (data: Float32Array): Float32Array => {
    const random = new Random(seed), taps = height * width;
    const gone = Array.from(
      { length: Math.ceil(outputs / 4) },
      (_, o) =>
        Array.from(
          { length: Math.ceil(inputs / 4) },
          () => random.next() < share || share > 0 && o === 0 && outputs > 4,
        ),
    );
    return data.map((x, at) => {
      const row = Math.floor(at / taps);
      return gone[Math.floor(row / inputs) >> 2][row % inputs >> 2] ? 0 : x;
    });
  };
}
