/**
 * Where a picture lies in a network's input, with grey around it: the detector's letterbox and that of training are the same.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import { roundHalfEven } from "../graph/quantized_value.ts";

/** Where a picture lies in a network's input; all lengths in pixels. */
export interface LetterboxGeometry {
  /** Input pixels a pixel of the picture. */
  readonly scale: number;
  /** Left edge of the scaled picture in the input. */
  readonly left: number;
  /** Top edge of the scaled picture in the input. */
  readonly top: number;
  /** Width of the scaled picture. */
  readonly width: number;
  /** Height of the scaled picture. */
  readonly height: number;
}

/**
 * The largest place with the picture's aspect ratio in an input of the given size, centred; an odd pixel of border goes right and
 * below. Pictures smaller than the input are enlarged; none becomes thinner than one pixel. Throws FeatherdetError for a size
 * that is no positive integer.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { letterboxGeometry } from "./letterbox_geometry.ts";
 * const geometry = letterboxGeometry(500, 375, 640, 640);
 * assert.deepEqual(geometry, { scale: 1.28, left: 0, top: 80, width: 640, height: 480 });
 * ```
 */
export function letterboxGeometry(
  width: number,
  height: number,
  inputWidth: number,
  inputHeight: number,
): LetterboxGeometry {
  for (const length of [width, height, inputWidth, inputHeight]) {
    if (!(Number.isInteger(length) && length > 0)) {
      throw new FeatherdetError(
        `a picture of ${width}x${height} cannot be fitted into an input of ${inputWidth}x${inputHeight}`,
      );
    }
  }
  const scale = Math.min(inputHeight / height, inputWidth / width);
  // Halves to even, as the models' own pre-processing rounds.
  const scaledWidth = Math.max(1, roundHalfEven(width * scale));
  const scaledHeight = Math.max(1, roundHalfEven(height * scale));
  return {
    scale,
    left: Math.floor((inputWidth - scaledWidth) / 2),
    top: Math.floor((inputHeight - scaledHeight) / 2),
    width: scaledWidth,
    height: scaledHeight,
  };
}
