/**
 * The extent that a Resize makes of another.
 *
 * @module
 */

/** Output extent that a scale leads to. The product is rounded to f32 as runtimes do: 13 times f32(25 / 13) must be 25. */
export function resizedExtent(extent: number, scale: number): number {
  return Math.floor(Math.fround(extent * scale));
}
