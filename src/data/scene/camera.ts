/**
 * The camera that takes a picture of a scene: light, blur, noise, bytes.
 *
 * @module
 */

import type { RgbImage } from "../../image/rgb_image.ts";
import type { Random } from "../../numbers/random.ts";
import { clamp01, mix, mostlyLow } from "./arithmetic.ts";
import type { Planes } from "./paint.ts";

/** Uneven light with a tint, and how strongly lights and darks differ. */
function applyLight(planes: Planes, width: number, height: number, random: Random): void {
  const exposure = random.uniform(0.6, 1.2);
  const [slopeX, slopeY] = [random.uniform(-0.4, 0.4), random.uniform(-0.4, 0.4)];
  const bend = random.uniform(-0.4, 0.4);
  planes.forEach((plane) => {
    const gain = exposure * random.uniform(0.88, 1.12);
    for (let y = 0, at = 0; y < height; y++) {
      const row = gain * (1 + slopeY * (y / height - 0.5));
      for (let x = 0; x < width; x++, at++) {
        const value = plane[at] * row * (1 + slopeX * (x / width - 0.5));
        const within = value < 0 ? 0 : value > 1 ? 1 : value;
        // A parabola through black and white: what a gamma curve does, without a power.
        plane[at] = within * (1 + bend * (1 - within));
      }
    }
  });
}

/** One pass of the binomial filter 1-2-1 in both directions; edges repeat. */
function blurOnce(plane: Float32Array, width: number, height: number): void {
  for (let y = 0; y < height; y++) {
    const row = y * width;
    let before = plane[row];
    for (let x = 0; x < width; x++) {
      const here = plane[row + x];
      const after = x + 1 < width ? plane[row + x + 1] : here;
      plane[row + x] = (before + 2 * here + after) * 0.25;
      before = here;
    }
  }
  const above = plane.slice(0, width);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    const next = y + 1 < height ? row + width : row;
    for (let x = 0; x < width; x++) {
      const here = plane[row + x];
      plane[row + x] = (above[x] + 2 * here + plane[next + x]) * 0.25;
      above[x] = here;
    }
  }
}

/** Standard deviation of the sum of four bytes, each value as likely as any other: the sum is close to normal. */
const FOUR_BYTES_DEVIATION = 147.79715;

/** To bytes, with noise of the given standard deviation. */
function toBytes(planes: Planes, width: number, height: number, noise: number, seed: number): Uint8Array {
  const data = new Uint8Array(width * height * 3);
  const scale = (noise * 255) / FOUR_BYTES_DEVIATION;
  planes.forEach((plane, channel) => {
    for (let i = 0, to = channel; i < plane.length; i++, to += 3) {
      const bits = mix(seed + to);
      const sum = (bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24);
      data[to] = Math.floor(clamp01(plane[i] + ((sum - 510) * scale) / 255) * 255 + 0.5);
    }
  });
  return data;
}

/** Photographs painted planes; they are changed. */
export function photograph(planes: Planes, width: number, height: number, random: Random): RgbImage {
  applyLight(planes, width, height, random);
  // Passes add up as squares of the blur's width, which is to be the same part of a picture of any size.
  const share = Math.min(width, height) / 320;
  const passes = random.next() < 0.4 ? 0 : Math.round(random.uniform(0.5, 4) * share * share);
  for (let pass = 0; pass < Math.min(passes, 40); pass++) {
    for (const plane of planes) blurOnce(plane, width, height);
  }
  const noise = mostlyLow(random, 0.004, 0.06);
  return { width, height, data: toBytes(planes, width, height, noise, random.integer(2 ** 31)) };
}
