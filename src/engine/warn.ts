/**
 * Sentences about what is doubtful, for whoever wants to be told.
 *
 * @module
 */

/** Tells a sentence, on the console by default, and adds it to `warnings` where there are some. */
export function warn(
  sentence: string,
  tell: (sentence: string) => void = (sentence) => console.warn(`warning: ${sentence}`),
  warnings?: string[],
): void {
  warnings?.push(sentence);
  tell(sentence);
}
