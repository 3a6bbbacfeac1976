/**
 * Random change of hue, saturation and value (the hexcone model of Smith 1978).
 *
 * @module
 */

import type { Random } from "../../numbers/random.ts";
import type { AugmentOptions } from "./options.ts";

/** A change of colours. */
export interface ColourChange {
  /** Added to the hue, as a part of the circle, -0.5..0.5. */
  readonly hue: number;
  /** Multiplied with the saturation. */
  readonly saturation: number;
  /** Multiplied with the value. */
  readonly value: number;
}

/** Draws within the ranges of the options; undefined where they leave colours alone. */
export function drawColour(
  random: Random,
  { hue, saturation, value }: Required<AugmentOptions>,
): ColourChange | undefined {
  const change = {
    hue: random.uniform(-hue, hue),
    saturation: 1 + random.uniform(-saturation, saturation),
    value: 1 + random.uniform(-value, value),
  };
  return hue === 0 && saturation === 0 && value === 0 ? undefined : change;
}

/**
 * Changes pixels `from` to `end` of a picture in place: three planes of `plane` numbers in 0..1. Saturation and value that leave 0..1
 * are cut.
 */
export function changeColour(
  image: Float32Array,
  plane: number,
  from: number,
  end: number,
  { hue, saturation, value }: ColourChange,
): void {
  for (let r = from, g = from + plane, b = g + plane; r < end; r++, g++, b++) {
    const red = image[r], green = image[g], blue = image[b];
    const most = red > green ? red > blue ? red : blue : green > blue ? green : blue;
    const least = red < green ? red < blue ? red : blue : green < blue ? green : blue;
    const chroma = most - least;
    const bright = most * value;
    const newMost = bright < 1 ? bright : 1;
    if (chroma === 0) {
      image[r] = image[g] = image[b] = newMost;
      continue;
    }
    // In sixths of the circle, from red.
    let angle = most === red
      ? (green - blue) / chroma
      : most === green
      ? 2 + (blue - red) / chroma
      : 4 + (red - green) / chroma;
    angle += 6 * hue;
    if (angle < 0) angle += 6;
    else if (angle >= 6) angle -= 6;
    const strong = chroma / most * saturation;
    const newChroma = newMost * (strong < 1 ? strong : 1);
    const base = newMost - newChroma;
    const fromRed = Math.abs(angle - 3) - 1, fromGreen = 2 - Math.abs(angle - 2), fromBlue = 2 - Math.abs(angle - 4);
    image[r] = base + newChroma * (fromRed < 0 ? 0 : fromRed > 1 ? 1 : fromRed);
    image[g] = base + newChroma * (fromGreen < 0 ? 0 : fromGreen > 1 ? 1 : fromGreen);
    image[b] = base + newChroma * (fromBlue < 0 ? 0 : fromBlue > 1 ? 1 : fromBlue);
  }
}
