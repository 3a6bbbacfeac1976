/**
 * Renders the pixels of a batch. Each pixel of the input is sampled once from the picture that lies there, through the one map into which
 * all geometry was composed.
 *
 * @module
 */

import { type Affine, chain, inverse, scaleAndMove } from "./affine.ts";
import { changeColour } from "./colour.ts";
import type { SamplePixels } from "./sample.ts";
import type { Level, Source } from "./source.ts";
import type { InputSize } from "./tile.ts";

/** Level of the border, as the detector's letterbox has it. */
const GREY = Math.fround(114 / 255);

/** Pixels of a source that a step in the input may be long before a smaller level is read. */
const LONGEST_STEP = 2;

/** Widens the tiles' edges by this part of a pixel, so that rounding leaves no gap between two of them. */
const TOLERANCE = 1e-6;

/**
 * Bilinear samples of a level at `(x, y)`, `(x + dx, y + dy)` and so on, in pixels counted from the middle of the first, for pixels `from`
 * to `end` of the picture's planes. Beyond the edge its pixels go on.
 */
function sampleSpan(
  image: Float32Array,
  plane: number,
  from: number,
  end: number,
  { width, height, data }: Level,
  x: number,
  y: number,
  dx: number,
  dy: number,
): void {
  const right = width - 1, bottom = height - 1, stride = 3 * (width + 1);
  for (let red = from, green = from + plane, blue = green + plane; red < end; red++, green++, blue++) {
    const inX = x < 0 ? 0 : x > right ? right : x;
    const inY = y < 0 ? 0 : y > bottom ? bottom : y;
    // Neither is negative, so that cutting is rounding down.
    const column = inX | 0, row = inY | 0;
    const restX = inX - column, restY = (inY - row) * (1 / 255);
    const lower = restX * restY, lowerLeft = restY - lower;
    const upper = restX * (1 / 255) - lower, upperLeft = 1 / 255 - restY - upper;
    const at = row * stride + 3 * column, below = at + stride;
    image[red] = upperLeft * data[at] + upper * data[at + 3] + lowerLeft * data[below] + lower * data[below + 3];
    image[green] = upperLeft * data[at + 1] + upper * data[at + 4] + lowerLeft * data[below + 1] +
      lower * data[below + 4];
    image[blue] = upperLeft * data[at + 2] + upper * data[at + 5] + lowerLeft * data[below + 2] +
      lower * data[below + 5];
    x += dx;
    y += dy;
  }
}

/** The level that is read: the largest of which a step in the input passes no more than two pixels. */
function levelFor(source: Source, toPicture: Affine): Level {
  const step = Math.max(Math.hypot(toPicture[0], toPicture[3]), Math.hypot(toPicture[1], toPicture[4]));
  const fits = source.levels.find(({ width }) => step * width / source.width <= LONGEST_STEP);
  return fits ?? source.levels[source.levels.length - 1];
}

/** The whole numbers x, `0 <= x < width`, at whose pixel's middle `start + step * (x + 0.5)` is within `low` and `high`. */
function span(start: number, step: number, low: number, high: number, width: number): [first: number, end: number] {
  low -= TOLERANCE;
  high += TOLERANCE;
  if (step === 0) return start >= low && start <= high ? [0, width] : [0, 0];
  const a = (low - start) / step - 0.5, b = (high - start) / step - 0.5;
  return [Math.max(0, Math.ceil(Math.min(a, b))), Math.min(width, Math.floor(Math.max(a, b)) + 1)];
}

/** Makes a picture into `image`, three planes of red, green and blue in 0..1; `sourceAt` has the pictures of its tiles. */
export function renderSample(
  image: Float32Array,
  { tiles, colour }: SamplePixels,
  sourceAt: (picture: number) => Source,
  [height, width]: InputSize,
): void {
  const plane = width * height;
  image.fill(GREY);
  for (const { picture, map, shown: [left, top, right, bottom] } of tiles) {
    const source = sourceAt(picture);
    const toPicture = inverse(map);
    const level = levelFor(source, toPicture);
    const [xx, xy, x0, yx, yy, y0] = toPicture;
    const scaleX = level.width / source.width, scaleY = level.height / source.height;
    const toLevel = chain(toPicture, scaleAndMove(scaleX, scaleY, -0.5, -0.5));
    for (let row = 0; row < height; row++) {
      const acrossX = span(xy * (row + 0.5) + x0, xx, left, right, width);
      const acrossY = span(yy * (row + 0.5) + y0, yx, top, bottom, width);
      const first = Math.max(acrossX[0], acrossY[0]), end = Math.min(acrossX[1], acrossY[1]);
      if (end <= first) continue;
      const x = toLevel[0] * (first + 0.5) + toLevel[1] * (row + 0.5) + toLevel[2];
      const y = toLevel[3] * (first + 0.5) + toLevel[4] * (row + 0.5) + toLevel[5];
      const at = row * width;
      sampleSpan(image, plane, at + first, at + end, level, x, y, toLevel[0], toLevel[3]);
      // Here, while the row is in the cache.
      if (colour) changeColour(image, plane, at + first, at + end, colour);
    }
  }
}
