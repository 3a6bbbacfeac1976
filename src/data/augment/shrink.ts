/**
 * Shrinks pictures by averaging, so that nothing of them aliases.
 *
 * @module
 */

/** Bytes of a picture, three a pixel, without padding. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** For each cell of a shorter axis, the first of the longer axis's that it covers, and what part of the cell each of them is. */
function coverage(from: number, to: number): { readonly first: Int32Array; readonly weights: Float64Array[] } {
  const step = from / to;
  const first = new Int32Array(to);
  const weights: Float64Array[] = [];
  for (let cell = 0; cell < to; cell++) {
    const low = cell * step, high = Math.min(from, low + step);
    first[cell] = Math.floor(low);
    const end = Math.min(from, Math.ceil(high));
    weights.push(Float64Array.from({ length: end - first[cell] }, (_, i) => {
      const at = first[cell] + i;
      return (Math.min(high, at + 1) - Math.max(low, at)) / step;
    }));
  }
  return { first, weights };
}

/** The picture in fewer pixels, each the mean of the area that it covers, rounded to bytes. Neither side may become longer. */
export function shrink({ width: from, height: fromHeight, data }: Pixels, width: number, height: number): Pixels {
  const columns = coverage(from, width), rows = coverage(fromHeight, height);
  const out = new Uint8Array(width * height * 3);
  const blended = new Float64Array(from * 3);
  for (let y = 0; y < height; y++) {
    blended.fill(0.5);
    rows.weights[y].forEach((weight, i) => {
      let at = (rows.first[y] + i) * from * 3;
      for (let x = 0; x < from * 3; x++) blended[x] += weight * data[at++];
    });
    for (let x = 0, to = y * width * 3; x < width; x++, to += 3) {
      const weights = columns.weights[x];
      let red = 0, green = 0, blue = 0;
      for (let i = 0, at = 3 * columns.first[x]; i < weights.length; i++, at += 3) {
        red += weights[i] * blended[at];
        green += weights[i] * blended[at + 1];
        blue += weights[i] * blended[at + 2];
      }
      // Half a level is in the sums already, so that cutting rounds.
      out[to] = red;
      out[to + 1] = green;
      out[to + 2] = blue;
    }
  }
  return { width, height, data: out };
}
