/**
 * Seeded synthetic pictures: clearly coloured objects on a muted, cluttered background, with their true boxes.
 *
 * They need no download and no licence, which makes them the embedded default of the demo, and the truth is exact.
 *
 * @module
 */

import type { RgbImage } from "../image/rgb_image.ts";
import { FeatherdetError } from "../graph/error.ts";
import { Random } from "../numbers/random.ts";
import {
  type Box,
  type Canvas,
  type Colour,
  disc,
  paint,
  rectangle,
  type SignedDistance,
  triangle,
} from "./synthetic_shapes.ts";

/** One kind of object. */
export interface SyntheticClass {
  readonly label: string;
  readonly shape: SignedDistance;
  /** Height of the box over its width. */
  readonly aspect: number;
  /** Middle of the colours its objects have. */
  readonly colour: Colour;
}

/** The kinds of objects, in the order of their class numbers. */
export const SYNTHETIC_CLASSES: readonly SyntheticClass[] = [
  { label: "red disc", shape: disc, aspect: 1, colour: [0.84, 0.14, 0.13] },
  { label: "green square", shape: rectangle, aspect: 1, colour: [0.12, 0.68, 0.2] },
  { label: "blue triangle", shape: triangle, aspect: 0.9, colour: [0.13, 0.28, 0.86] },
];

/** An object of a synthetic picture. */
export interface SyntheticObject {
  /** Index into `SYNTHETIC_CLASSES`. */
  readonly classId: number;
  /** Left, top, right, bottom in pixels. */
  readonly box: readonly [number, number, number, number];
}

/** What to paint. */
export interface SyntheticOptions {
  /** Equal seeds give equal pictures. */
  readonly seed: number;
  /** Width in pixels, at least 32. */
  readonly width: number;
  /** Height in pixels, at least 32. */
  readonly height: number;
  /** How many objects to place; 9 by default. Objects for which there is no free place are left out. */
  readonly objects?: number;
  /** Range of the objects' widths in pixels; by default from 1/16 to 1/3 of the shorter side. */
  readonly sizes?: readonly [number, number];
  /** How many muted shapes and bars lie behind the objects; 40 by default. */
  readonly clutter?: number;
  /** Standard deviation of the sensor noise in 0..1; 0.012 by default. */
  readonly noise?: number;
}

/** A synthetic picture and what is on it. */
export interface SyntheticPicture {
  /** The pixels. */
  readonly image: RgbImage;
  /** What was painted, in order. */
  readonly objects: readonly SyntheticObject[];
}

/** A grey of the given lightness with a hint of colour. */
function muted(random: Random, lightness: number): Colour {
  const tint = () => lightness + random.uniform(-0.045, 0.045);
  return [tint(), tint(), tint()];
}

/** A background that goes from one muted colour to another, with soft waves of light. */
function background(canvas: Canvas, random: Random): void {
  const [from, to] = [muted(random, random.uniform(0.5, 0.7)), muted(random, random.uniform(0.35, 0.55))];
  const waves = Array.from({ length: 4 }, () => ({
    x: random.uniform(-0.03, 0.03),
    y: random.uniform(-0.03, 0.03),
    phase: random.uniform(0, 2 * Math.PI),
  }));
  let at = 0;
  for (let y = 0; y < canvas.height; y++) {
    const blend = y / canvas.height;
    for (let x = 0; x < canvas.width; x++) {
      let light = 0;
      for (const wave of waves) light += 0.02 * Math.sin(wave.x * x + wave.y * y + wave.phase);
      for (let channel = 0; channel < 3; channel++) {
        canvas.data[at++] = from[channel] + blend * (to[channel] - from[channel]) + light;
      }
    }
  }
}

/** To bytes, with noise. */
function quantize(values: Float32Array, random: Random, noise: number): Uint8Array {
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Math.min(255, Math.max(0, Math.round((values[i] + noise * random.normal()) * 255)));
  }
  return bytes;
}

/** Muted shapes, the objects' own among them, and long bars. */
function clutter(canvas: Canvas, random: Random, count: number): void {
  const shorter = Math.min(canvas.width, canvas.height);
  for (let i = 0; i < count; i++) {
    const isBar = random.next() < 0.3;
    const half = random.uniform(0.02, 0.14) * shorter;
    paint(canvas, {
      shape: isBar ? rectangle : random.pick([disc, rectangle, triangle]),
      centre: [random.uniform(0, canvas.width), random.uniform(0, canvas.height)],
      half: isBar ? [half * 4, Math.max(1, half * 0.12)] : [half, half],
      colour: muted(random, random.uniform(0.25, 0.8)),
      angle: random.uniform(0, Math.PI),
      opacity: random.uniform(0.4, 0.9),
    });
  }
}

function touches(a: Box, b: Box, gap: number): boolean {
  return a[0] < b[2] + gap && b[0] < a[2] + gap && a[1] < b[3] + gap && b[1] < a[3] + gap;
}

/** Finds free places for objects, largest first so that they find room. */
function place(random: Random, options: SyntheticOptions): SyntheticObject[] {
  const { width, height } = options;
  const shorter = Math.min(width, height);
  const [smallest, largest] = options.sizes ?? [shorter / 16, shorter / 3];
  const gap = Math.max(3, shorter / 64);
  const sizes = Array.from({ length: options.objects ?? 9 }, () => {
    return Math.exp(random.uniform(Math.log(smallest), Math.log(largest)));
  }).sort((a, b) => b - a);
  const placed: SyntheticObject[] = [];
  sizes.forEach((size, i) => {
    const classId = i % SYNTHETIC_CLASSES.length;
    const tall = size * SYNTHETIC_CLASSES[classId].aspect;
    if (size + 2 * gap > width || tall + 2 * gap > height) return;
    for (let attempt = 0; attempt < 60; attempt++) {
      const x = random.uniform(gap, width - gap - size);
      const y = random.uniform(gap, height - gap - tall);
      const box: Box = [x, y, x + size, y + tall];
      if (placed.some((other) => touches(box, other.box, gap))) continue;
      placed.push({ classId, box });
      return;
    }
  });
  return placed;
}

/** The class's colour, a little brighter or darker and with a hint of another tone. */
function colourOf(random: Random, { colour }: SyntheticClass): Colour {
  const light = random.uniform(0.92, 1.08);
  const tone = () => random.uniform(-0.03, 0.03);
  return [colour[0] * light + tone(), colour[1] * light + tone(), colour[2] * light + tone()];
}

/**
 * Paints a picture from a seed.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { syntheticPicture } from "./synthetic.ts";
 * const { image, objects } = syntheticPicture({ seed: 7, width: 160, height: 120 });
 * assert.equal(image.data.length, 160 * 120 * 3);
 * assert.ok(objects.length > 0);
 * ```
 */
export function syntheticPicture(options: SyntheticOptions): SyntheticPicture {
  const { seed, width, height } = options;
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 32 || height < 32) {
    throw new FeatherdetError(`a synthetic picture of ${width}x${height} cannot be made, at least 32x32 is needed`);
  }
  const random = new Random(seed);
  const canvas: Canvas = { width, height, data: new Float32Array(width * height * 3) };
  background(canvas, random);
  clutter(canvas, random, options.clutter ?? 40);
  const objects = place(random, options);
  for (const { classId, box: [x1, y1, x2, y2] } of objects) {
    const kind = SYNTHETIC_CLASSES[classId];
    paint(canvas, {
      shape: kind.shape,
      centre: [(x1 + x2) / 2, (y1 + y2) / 2],
      half: [(x2 - x1) / 2, (y2 - y1) / 2],
      colour: colourOf(random, kind),
      shade: random.uniform(0, 0.08),
    });
  }
  return { image: { width, height, data: quantize(canvas.data, random, options.noise ?? 0.012) }, objects };
}
