/**
 * The font of labels beyond ASCII, fetched when a label first needs it.
 *
 * @module
 */

import { sentence } from "../host/file_error.ts";
import { missingCharacters } from "../report/draw/text.ts";
import { loadUnicodeFont } from "../report/draw/unicode_font.ts";

/** Characters that were said to be missing. */
const noted = new Set<string>();

/** Gets the font that labels need, if they need one; says once which characters have their numbers drawn instead. */
export async function prepareLabels(labels: readonly string[], note: (text: string) => void): Promise<void> {
  const text = labels.join("");
  if (missingCharacters(text).every((character) => noted.has(character))) return;
  let why = "the font lacks them";
  try {
    await loadUnicodeFont();
  } catch (error) {
    why = sentence(error);
  }
  const missing = missingCharacters(text).filter((character) => !noted.has(character));
  for (const character of missing) noted.add(character);
  if (missing.length > 0) note(`drawn by number in labels: ${missing.join(" ")} (${why})`);
}
