/**
 * What a detector checks of what it is given.
 *
 * @module
 */

import { FeatherdetError, type Graph } from "../graph/mod.ts";
import type { RgbImage } from "../image/rgb_image.ts";
import { changeShapes, MOST_ELEMENTS } from "../passes/mod.ts";

/** Throws FeatherdetError for an input size that is no size, or one that no device has memory for. */
export function checkInputSize(size: number | readonly [number, number] | undefined): void {
  if (size === undefined) return;
  const sides = typeof size === "number" ? [size, size] : size;
  const isSize = sides.length === 2 && sides.every((side) => Number.isInteger(side) && side > 0);
  if (isSize && 3 * sides[0] * sides[1] <= MOST_ELEMENTS) return;
  const most = Math.floor(Math.sqrt(MOST_ELEMENTS / 3));
  throw new FeatherdetError(
    `inputSize is ${sides.join("x")}, it must be whole numbers of pixels, ${most}x${most} or as many pixels at most`,
  );
}

/** The graph at batch 1 and the wanted input size. */
export function resized(graph: Graph, size: number | readonly [number, number] | undefined): Graph {
  const [input] = graph.inputs;
  const [height, width] = size === undefined ? input.shape.slice(2) : typeof size === "number" ? [size, size] : size;
  const shape = [1, 3, height, width];
  return String(shape) === String(input.shape) ? graph : changeShapes(graph, { [input.name]: shape });
}

/** The picture, if it is one. Throws FeatherdetError for bytes that do not fill it, and for levels that are no bytes. */
export function checkedImage(image: RgbImage, file?: string): RgbImage {
  const { width, height, data } = image;
  const levels: unknown = data;
  const isBytes = levels instanceof Uint8Array || levels instanceof Uint8ClampedArray;
  if (!isBytes && (ArrayBuffer.isView(levels) || Array.isArray(levels))) {
    throw new FeatherdetError(
      `a picture's levels are bytes in 0..255, given was a ${levels.constructor.name}: ` +
        "levels in 0..1 times 255, rounded, in a Uint8Array are such",
      { file },
    );
  }
  if (
    !(Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0) ||
    data?.length !== width * height * 3
  ) {
    throw new FeatherdetError(
      `a picture of ${width}x${height} needs ${width * height * 3} bytes of RGB, given were ${data?.length}`,
      { file },
    );
  }
  return image;
}

/** Throws FeatherdetError for a setting outside 0..1. */
export function checkFraction(name: string, value: number | undefined): void {
  if (value !== undefined && !(value >= 0 && value <= 1)) {
    throw new FeatherdetError(`${name} is ${value}, it must lie in 0..1`);
  }
}

/** Throws FeatherdetError for a limit that is no number above 0. */
export function checkLimit(name: string, value: number | undefined): void {
  if (value !== undefined && !(value > 0)) throw new FeatherdetError(`${name} is ${value}, it must be above 0`);
}
