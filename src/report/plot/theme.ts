/**
 * The look of all plots: ink, fonts, and one colour for each thing that is compared.
 *
 * @module
 */

import { classColour, luminance, type Rgb } from "../draw/palette.ts";

/** Text and axes. */
export const INK = "#222222";

/** Text that explains, and lines that help to read. */
export const FAINT = "#6b6b6b";

/** What is not one of the things that are compared. */
export const NEUTRAL = "#b4b4b4";

/** Plots are read on dark pages too: they bring their paper. */
export const PAPER = "#ffffff";

/** Fonts of equal widths on the usual systems, so that text is as wide as it was measured; their digits are all equally wide. */
export const FONTS = "Helvetica, Arial, Liberation Sans, sans-serif";

/** Height of text in pixels. */
export const SIZES = { title: 16, text: 12, label: 11 } as const;

/** Contrast with the paper that lines and dots have at least (WCAG 2.1, 1.4.11). */
const LEAST_CONTRAST = 3;

function contrastWithPaper(colour: Rgb): number {
  return 1.05 / (luminance(colour) + 0.05);
}

/** The colour of the n-th thing that is compared: that of the n-th class in pictures, darker where it would be pale on paper. */
export function seriesColour(index: number): string {
  let colour = classColour(index);
  while (contrastWithPaper(colour) < LEAST_CONTRAST) {
    colour = [colour[0] * 0.95, colour[1] * 0.95, colour[2] * 0.95];
  }
  return hex(colour);
}

/** Gives every name its colour, in the order in which they come first. */
export function seriesColours(names: Iterable<string>): ReadonlyMap<string, string> {
  return new Map([...new Set(names)].map((name, index) => [name, seriesColour(index)]));
}

/** A colour as SVG writes it. */
export function hex(colour: Rgb): string {
  return `#${colour.map((value) => Math.round(value).toString(16).padStart(2, "0")).join("")}`;
}
