/**
 * Surface patterns of scene objects: how much of the second colour there is at a point.
 *
 * @module
 */

import { clamp01, noiseAt } from "./arithmetic.ts";

/** The patterns there are. */
export type TextureName = "stripes" | "rings" | "spots" | "checks" | "mottled" | "plain";

/** A pattern as one object has it. */
export interface Texture {
  readonly name: TextureName;
  /** Periods in one unit of the object, so twice as many across it. */
  readonly frequency: number;
  /** Where its period begins, `[0, 1)`. */
  readonly phase: number;
  /** Seed of what is irregular in it. */
  readonly seed: number;
}

/** From 0 (first colour) to 1 (second) at a point of the object. */
export type Pattern = (x: number, y: number) => number;

/** -1 to 1 and back once a period: the sign is the stripe, the value tells how far its edge is. */
function wave(value: number): number {
  return Math.abs(value - Math.floor(value) - 0.5) * 4 - 1;
}

/**
 * The pattern of a texture on an object of a radius in pixels; edges are a pixel wide, so that what is finer than the pixels goes
 * grey instead of flickering.
 */
export function patternOf({ name, frequency, phase, seed }: Texture, radius: number): Pattern {
  // Pixels in a period.
  const period = radius / frequency;
  const edge = (signed: number) => clamp01(0.5 + signed * period * 0.25);
  switch (name) {
    case "stripes":
      return (x) => edge(wave(x * frequency + phase));
    case "rings":
      return (x, y) => edge(wave(Math.sqrt(x * x + y * y) * frequency + phase));
    case "checks":
      return (x, y) => {
        const a = edge(wave(x * frequency + phase));
        const b = edge(wave(y * frequency + phase));
        return a * b + (1 - a) * (1 - b);
      };
    case "spots":
      return (x, y) => {
        const row = Math.floor(y * frequency + phase);
        // Every second row is half a period further, as eggs lie in a box.
        const u = x * frequency + phase + (row & 1) * 0.5;
        const dx = u - Math.floor(u) - 0.5;
        const dy = y * frequency + phase - row - 0.5;
        return clamp01(0.5 + (0.3 - Math.sqrt(dx * dx + dy * dy)) * period);
      };
    case "mottled":
      return (x, y) => clamp01(noiseAt(x * frequency * 1.5, y * frequency * 1.5, seed) * 2 - 0.5);
    case "plain":
      return () => 0;
  }
}
