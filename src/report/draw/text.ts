/**
 * Lines of text, measured and drawn as strokes.
 *
 * @module
 */

import { glyphOf, METRICS } from "./font.ts";
import type { Rgb } from "./palette.ts";
import { type Point, strokePaths, type Surface } from "./raster.ts";

/** Height of capitals in font units. */
const CAPITALS = METRICS.ascent + METRICS.baseline;

/** Width in pixels of a line of text whose capitals are `capitals` pixels high. */
export function measureText(text: string, capitals: number): number {
  const units = [...text].map(glyphOf).reduce((sum, { left, right }) => sum + right - left, 0);
  return (units * capitals) / CAPITALS;
}

/** Writes a line of text; `left`, `top` is the top left corner of its capitals, which are `capitals` pixels high. */
export function drawText(surface: Surface, text: string, [left, top]: Point, capitals: number, colour: Rgb): void {
  const scale = capitals / CAPITALS;
  const paths: Point[][] = [];
  let pen = 0;
  for (const glyph of [...text].map(glyphOf)) {
    for (const stroke of glyph.strokes) {
      paths.push(stroke.map(([x, y]): Point => {
        return [left + (pen + x - glyph.left) * scale, top + (METRICS.ascent + y) * scale];
      }));
    }
    pen += glyph.right - glyph.left;
  }
  strokePaths(surface, paths, Math.max(1.3, capitals * 0.13), colour);
}
