/**
 * Text as strokes: the Hershey Roman Simplex font, which scales to any size and needs no canvas and no font file.
 *
 * @module
 */

import { textPaths } from "./font.ts";
import type { Rgb } from "./palette.ts";
import { type Point, strokePaths, type Surface } from "./raster.ts";

/** Units of the font: the capitals stand on the baseline at -9 and reach up to 12; descenders go down to -16. */
const CAPITALS = 21;
const ASCENT = 12;
const DESCENT = 16;

/** What the font lacks is written as a question mark. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/gu, "?");
}

/** Width and height in pixels of a line of text whose capitals are `capitals` pixels high. */
export function measureText(text: string, capitals: number): { width: number; height: number; descent: number } {
  const scale = capitals / CAPITALS;
  const { bounds } = textPaths(printable(text));
  const descent = (DESCENT - (CAPITALS - ASCENT)) * scale;
  return { width: (bounds.maxX - bounds.minX) * scale, height: capitals + descent, descent };
}

/** Writes a line of text with its top left corner (of the capitals) at the given point. */
export function drawText(surface: Surface, text: string, [left, top]: Point, capitals: number, colour: Rgb): void {
  const scale = capitals / CAPITALS;
  const { bounds, paths } = textPaths(printable(text));
  const placed = paths.map((path) =>
    path.map(([x, y]): Point => [left + (x - bounds.minX) * scale, top + (ASCENT - y) * scale])
  );
  strokePaths(surface, placed, Math.max(1.3, capitals * 0.13), colour);
}
