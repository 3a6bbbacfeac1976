/**
 * Parsers of option values, with errors that say what is expected.
 *
 * @module
 */

import { InvalidArgumentError } from "npm:commander@15.1.0";

/** A number within `[low, high]`. */
export function numberIn(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !(value >= low && value <= high)) {
      throw new InvalidArgumentError(`Expected a number from ${low} to ${high}.`);
    }
    return value;
  };
}

/** A whole number within `[low, high]`. */
export function integerIn(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isInteger(value) || value < low || value > high) {
      throw new InvalidArgumentError(`Expected a whole number from ${low} to ${high}.`);
    }
    return value;
  };
}

/** Number of the first pixel. */
export function firstPixel(text: string): 0 | 1 {
  if (text === "0" || text === "1") return text === "0" ? 0 : 1;
  throw new InvalidArgumentError("Expected 0 or 1.");
}

/** A side of the network's input in pixels: a multiple of 32. */
export function inputSize(text: string): number {
  const value = Number(text);
  const isInRange = text.trim() !== "" && Number.isInteger(value) && value >= 32 && value <= 8192;
  if (isInRange && value % 32 === 0) return value;
  const below = 32 * Math.floor(value / 32);
  const near = isInRange ? `, such as ${below} or ${below + 32}` : "";
  throw new InvalidArgumentError(`Expected a multiple of 32 from 32 to 8192${near}.`);
}

/** Adds one more `inputSize` to those given before: for options that may be repeated. */
export function inputSizes(text: string, before: readonly number[] | undefined): number[] {
  return [...(before ?? []), inputSize(text)];
}

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};

/** A number of bytes, with a unit or without: 128MB, 1.5GB, 64MiB. */
export function byteCount(text: string): number {
  const [, number, unit] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text) ?? [];
  const bytes = Number(number) * (UNITS[unit?.toLowerCase()] ?? NaN);
  if (bytes > 0) return Math.floor(bytes);
  throw new InvalidArgumentError("Expected a number of bytes such as 128MB, 1.5GB or 64MiB.");
}

/** How pictures are cut: `auto`, or a tile's side in pixels. */
export function tiles(text: string): "auto" | number {
  const side = Number(text);
  if (text === "auto") return text;
  if (text.trim() !== "" && Number.isInteger(side) && side >= 16) return side;
  throw new InvalidArgumentError("Expected auto, or a tile's side in pixels, 16 at least.");
}
