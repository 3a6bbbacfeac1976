/**
 * Windows of a convolution: a part of its output, and the part of its input that makes it.
 *
 * @module
 */

import type { ConvAttributes, Shape } from "../../../graph/mod.ts";

/** A window of maps: rows and columns from `top` and `left` on, which may begin before the map and reach beyond it. */
export interface Window {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** The window of the input of which a convolution without padding makes a window of its output. */
export function inputWindow(
  { top, left, height, width }: Window,
  { strides, pads, dilations }: ConvAttributes,
  [kernelHeight, kernelWidth]: readonly number[],
): Window {
  return {
    top: top * strides[0] - pads[0],
    left: left * strides[1] - pads[1],
    height: (height - 1) * strides[0] + (kernelHeight - 1) * dilations[0] + 1,
    width: (width - 1) * strides[1] + (kernelWidth - 1) * dilations[1] + 1,
  };
}

/** Copies a window of a map `[1, C, H, W]` to `target` from an offset on; what lies beyond the map is 0, as padding is. */
export function copyWindow(
  map: Float32Array,
  [, channels, mapHeight, mapWidth]: Shape,
  { top, left, height, width }: Window,
  target: Float32Array,
  offset: number,
): void {
  const first = Math.max(0, -left), last = Math.min(width, mapWidth - left);
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < height; row++) {
      const y = top + row;
      if (y < 0 || y >= mapHeight || last <= first) continue;
      const from = (channel * mapHeight + y) * mapWidth + left;
      target.set(map.subarray(from + first, from + last), offset + (channel * height + row) * width + first);
    }
  }
}
