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
