/**
 * How wide text is, without a browser.
 *
 * @module
 */

import pixelWidth from "npm:string-pixel-width@1.11.0";

/** Where Arial is missing, DejaVu Sans often stands in, whose letters are about so much wider, bold ones more. */
const WIDER = 1.12, WIDER_BOLD = 1.2;

/** Pixels that a line of text takes at most. */
export function textWidth(text: string, size: number, bold = false): number {
  // The library knows Latin letters; the few others (arrows, multiplication signs) are about as wide as a digit.
  const known = text.normalize("NFD").replaceAll(/\p{M}/gu, "").replaceAll(/[^\x20-\x7e]/gu, "0");
  return (bold ? WIDER_BOLD : WIDER) * pixelWidth(known, { size, bold, font: "arial" });
}

/** Breaks text between words so that no line is wider than `width` pixels; a word that is stays whole. */
export function wrapText(text: string, width: number, size: number, bold = false): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter((part) => part !== "")) {
    const longer = lines.length === 0 ? word : `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && textWidth(longer, size, bold) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
