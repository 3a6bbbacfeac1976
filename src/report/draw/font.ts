/**
 * The Hershey Roman Simplex font as pen strokes: it scales to any size and needs no canvas and no font file.
 *
 * The `hershey` package carries the font data; its own reader needs Node's Buffer, which browsers lack, so the data is read here.
 * The Hershey fonts were created by A. V. Hershey at the U. S. National Bureau of Standards, this form of the data by
 * James Hurt, Cognition, Inc.
 *
 * @module
 */

import numbersModule from "npm:hershey@2.1.7/lib/characterNumbers.js";
import glyphsModule from "npm:hershey@2.1.7/lib/rowmans.js";

/** A character as strokes in font units: x from its middle, y downwards from the middle of the capitals' height. */
export interface Glyph {
  /** Edges of the room that the character takes. */
  readonly left: number;
  readonly right: number;
  readonly strokes: readonly (readonly (readonly [number, number])[])[];
}

/** The capitals reach from 12 above to 9 below the origin, descenders down to 16 below. */
export const METRICS = { ascent: 12, baseline: 9, descent: 16 } as const;

/** A CommonJS module's default export, which hosts and bundlers hand over with or without its wrapping. */
function unwrap<T>(module: unknown): T {
  return (typeof module === "object" && module !== null && "default" in module ? module.default : module) as T;
}

/** Coordinates are letters, counted from R. */
function coordinate(line: string, at: number): number {
  return line.charCodeAt(at) - "R".charCodeAt(0);
}

/** Reads one line: number (5 columns), count of pairs (3), then pairs: the edges first, then points and pen lifts (" R"). */
function parseGlyph(line: string): [number, Glyph] {
  const count = Number(line.slice(5, 8)) - 1;
  const strokes: [number, number][][] = [[]];
  for (let i = 0; i < count; i++) {
    const at = 10 + 2 * i;
    if (line.slice(at, at + 2) === " R") strokes.push([]);
    else strokes.at(-1)!.push([coordinate(line, at), coordinate(line, at + 1)]);
  }
  const drawn = strokes.filter((stroke) => stroke.length > 0);
  return [Number(line.slice(0, 5)), { left: coordinate(line, 8), right: coordinate(line, 9), strokes: drawn }];
}

function readFont(): (character: string) => Glyph | undefined {
  const numbers = unwrap<Readonly<Record<string, number>>>(numbersModule);
  const lines = atob(unwrap<string>(glyphsModule)).split("\n").filter((line) => line.trim() !== "");
  const glyphs = new Map(lines.map(parseGlyph));
  return (character) => Object.hasOwn(numbers, character) ? glyphs.get(numbers[character]) : undefined;
}

let font: ((character: string) => Glyph | undefined) | undefined;

/** The strokes of a character; undefined where the font lacks it. */
export function glyphOf(character: string): Glyph | undefined {
  font ??= readFont();
  return font(character);
}
