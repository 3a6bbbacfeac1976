/**
 * The Hershey Roman Simplex font as strokes.
 *
 * Only the tables of the package `hershey` are used: its own reader needs Node's `Buffer` as soon as it is imported, which browsers
 * lack.
 *
 * @module
 */

import characterNumbers from "npm:hershey@2.1.7/lib/characterNumbers.js";
import rowmans from "npm:hershey@2.1.7/lib/rowmans.js";

/** A letter: its left and right edge and the strokes between them, y downwards. */
interface Glyph {
  readonly left: number;
  readonly right: number;
  readonly strokes: readonly (readonly (readonly [x: number, y: number])[])[];
}

/** A line of text as strokes, y upwards, centred on x = 0. */
export interface TextPaths {
  readonly bounds: { readonly minX: number; readonly maxX: number };
  readonly paths: readonly (readonly (readonly [x: number, y: number])[])[];
}

/** What a CommonJS module exports as default: runtimes and bundlers disagree on whether it comes wrapped. */
function exported<T>(module: unknown): T {
  return (typeof module === "object" && module !== null && "default" in module ? module.default : module) as T;
}

/** Coordinates are letters that count from R. */
const coordinate = (text: string, at: number) => text.charCodeAt(at) - "R".charCodeAt(0);

/** Reads `NNNNNCCClrxyxy...`: number, count of pairs, edges, points; the point " R" lifts the pen. */
function glyph(line: string): Glyph {
  const strokes: [number, number][][] = [[]];
  for (let at = 10; at + 1 < line.length; at += 2) {
    if (line.slice(at, at + 2) === " R") strokes.push([]);
    else strokes.at(-1)!.push([coordinate(line, at), coordinate(line, at + 1)]);
  }
  return { left: coordinate(line, 8), right: coordinate(line, 9), strokes };
}

let font: ReadonlyMap<string, Glyph> | undefined;

function glyphs(): ReadonlyMap<string, Glyph> {
  if (font) return font;
  const lines = atob(exported<string>(rowmans)).split("\n").filter((line) => line.trim() !== "");
  const byNumber = new Map(lines.map((line) => [Number(line.slice(0, 5)), glyph(line)]));
  const letters = Object.entries(exported<Record<string, number>>(characterNumbers));
  return font = new Map(letters.flatMap(([letter, number]) => {
    const found = byNumber.get(number);
    return found ? [[letter, found] as const] : [];
  }));
}

/** Strokes of a line of printable ASCII; what the font lacks is left blank. */
export function textPaths(text: string): TextPaths {
  const known = glyphs();
  const letters = [...text].map((letter) => known.get(letter) ?? known.get(" ")!);
  const width = letters.reduce((sum, { left, right }) => sum + right - left, 0);
  let pen = -width / 2;
  const paths = letters.flatMap(({ left, right, strokes }) => {
    const start = pen - left;
    pen += right - left;
    return strokes.map((stroke) => stroke.map(([x, y]) => [start + x, -y] as const));
  });
  return { bounds: { minX: -width / 2, maxX: width / 2 }, paths };
}
