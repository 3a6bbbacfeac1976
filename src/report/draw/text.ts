/**
 * Lines of text, measured and drawn: as strokes, or as pixels where the strokes lack a character.
 *
 * @module
 */

import { type Glyph, glyphOf, METRICS } from "./font.ts";
import type { Rgb } from "./palette.ts";
import { fillAreas, type Point, type Rectangle, strokePaths, type Surface } from "./raster.ts";
import { GRID, type PixelGlyph, pixelGlyph } from "./unicode_font.ts";

/** Height of capitals in font units. */
const CAPITALS = METRICS.ascent + METRICS.baseline;

/** Font units of a pixel of a pixel glyph, with which capitals are as high as those of the strokes. */
const PIXEL = CAPITALS / GRID.capitals;

type AnyGlyph = Glyph | PixelGlyph;

/** Characters of a text that have neither strokes nor pixels, as far as fonts are loaded; each once. */
export function missingCharacters(text: string): string[] {
  const lacks = (character: string) => glyphOf(character) === undefined && pixelGlyph(character) === undefined;
  return [...new Set(text.normalize("NFC"))].filter(lacks);
}

/** The glyphs of a text; for a character that cannot be drawn those of its number: `U+732B`. */
function glyphsOf(text: string): AnyGlyph[] {
  return [...text.normalize("NFC")].flatMap((character) => {
    const glyph = glyphOf(character) ?? pixelGlyph(character);
    if (glyph !== undefined) return [glyph];
    const number = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0");
    return [...`U+${number}`].map((one) => glyphOf(one)!);
  });
}

function widthOf(glyph: AnyGlyph): number {
  return "strokes" in glyph ? glyph.right - glyph.left : glyph.columns * PIXEL;
}

/** Width in pixels of a line of text whose capitals are `capitals` pixels high. */
export function measureText(text: string, capitals: number): number {
  const units = glyphsOf(text).reduce((sum, glyph) => sum + widthOf(glyph), 0);
  return (units * capitals) / CAPITALS;
}

/** Writes a line of text; `left`, `top` is the top left corner of its capitals, which are `capitals` pixels high. */
export function drawText(surface: Surface, text: string, [left, top]: Point, capitals: number, colour: Rgb): void {
  const scale = capitals / CAPITALS;
  const paths: Point[][] = [], areas: Rectangle[] = [];
  let pen = 0;
  for (const glyph of glyphsOf(text)) {
    if ("strokes" in glyph) {
      for (const stroke of glyph.strokes) {
        paths.push(stroke.map(([x, y]): Point => {
          return [left + (pen + x - glyph.left) * scale, top + (METRICS.ascent + y) * scale];
        }));
      }
    } else {
      const rowTop = (row: number) => top + (CAPITALS - (GRID.rows - GRID.below - row) * PIXEL) * scale;
      for (const [row, from, to] of glyph.runs) {
        areas.push([
          left + (pen + from * PIXEL) * scale,
          rowTop(row),
          left + (pen + to * PIXEL) * scale,
          rowTop(row + 1),
        ]);
      }
    }
    pen += widthOf(glyph);
  }
  strokePaths(surface, paths, Math.max(1.3, capitals * 0.13), colour);
  fillAreas(surface, areas, colour);
}
