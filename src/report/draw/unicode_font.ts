/**
 * GNU Unifont for characters that the strokes of `font.ts` lack: Latin with accents, Greek, Cyrillic, Chinese, Japanese, Korean and all
 * else in Unicode's basic plane. It is fetched (8 MB with its reader) when a label first needs it.
 *
 * Its outlines are squares of a grid, which are read back as such. Text is drawn character by character from left to right: scripts
 * that join their letters or run from right to left stay legible letter by letter only.
 *
 * Unifont is under the SIL Open Font Licence 1.1.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";

/** Not written into the `import`s, so that programs that never need them do not fetch them. */
const READER = "npm:opentype.js@2.0.0", FONT = "npm:@fontsource/unifont@5.3.0";

/** Pixels of a character's height, and those of them below the base line. */
export const GRID = { rows: 16, below: 2, capitals: 10 } as const;

/** A character as runs of pixels, rows counted from the top. */
export interface PixelGlyph {
  readonly columns: number;
  readonly runs: readonly (readonly [row: number, from: number, to: number])[];
}

/** What is used of opentype.js. */
interface Outlines {
  charToGlyphIndex(character: string): number;
  charToGlyph(character: string): {
    readonly advanceWidth: number;
    readonly path: {
      readonly commands: readonly { readonly type: string; readonly x?: number; readonly y?: number }[];
    };
  };
  readonly unitsPerEm: number;
  readonly descender: number;
}

let font: Outlines | undefined;
let loading: Promise<void> | undefined;
const glyphs = new Map<string, PixelGlyph | undefined>();

async function load(): Promise<void> {
  const { default: { parse } } = await import(READER);
  // The package has to be there before a file of it has a place.
  await import(`${FONT}/metadata.json`, { with: { type: "json" } });
  const file = await fetch(import.meta.resolve(`${FONT}/files/unifont-latin-400-normal.woff`));
  font = parse(await file.arrayBuffer());
}

/** Gets the font. Throws `FeatherdetError` where it cannot be fetched. */
export async function loadUnicodeFont(): Promise<void> {
  try {
    await (loading ??= load());
  } catch (error) {
    loading = undefined;
    const [why] = (error instanceof Error ? error.message : String(error)).split("\n");
    throw new FeatherdetError(`the font for these characters could not be loaded, ${why}`, {}, { cause: error });
  }
}

type Contour = (readonly [x: number, y: number])[];

function readGlyph({ charToGlyph, unitsPerEm, descender }: Outlines, character: string): PixelGlyph {
  const { advanceWidth, path } = charToGlyph.call(font, character);
  const contours: Contour[] = [];
  for (const { type, x, y } of path.commands) {
    if (type === "M") contours.push([]);
    // Curves are straight here: their control points lie on their ends.
    if (x !== undefined && y !== undefined) contours.at(-1)!.push([x, y]);
  }
  const unit = unitsPerEm / GRID.rows;
  const columns = Math.round(advanceWidth / unit);
  const isInside = (x: number, y: number) =>
    contours.reduce((inside, points) =>
      points.reduce((now, [bx, by], i) => {
        const [ax, ay] = points.at(i - 1)!;
        const crosses = (ay > y) !== (by > y) && x < (ax - bx) * (y - by) / (ay - by) + bx;
        return crosses ? !now : now;
      }, inside), false);
  const runs: [number, number, number][] = [];
  for (let row = 0; row < GRID.rows; row++) {
    const y = descender + (GRID.rows - row - 0.5) * unit;
    for (let column = 0; column < columns; column++) {
      if (!isInside((column + 0.5) * unit, y)) continue;
      const last = runs.at(-1);
      if (last?.[0] === row && last[2] === column) last[2]++;
      else runs.push([row, column, column + 1]);
    }
  }
  return { columns, runs };
}

/** The pixels of a character; undefined where the font lacks it or has not been loaded. */
export function pixelGlyph(character: string): PixelGlyph | undefined {
  if (font === undefined) return undefined;
  if (!glyphs.has(character)) {
    glyphs.set(character, font.charToGlyphIndex(character) > 0 ? readGlyph(font, character) : undefined);
  }
  return glyphs.get(character);
}
