/**
 * A fault of one line that somebody could make, and the test that must see it: plain data.
 *
 * @module
 */

/** One line of the toolkit as it is and as it would be wrong. */
export interface Mutant {
  /** Names it in lists and records. */
  readonly id: string;
  /** Where the line is, from the root of the checkout. */
  readonly file: string;
  /** The line without the blanks around it; there is one such line in the file. */
  readonly before: string;
  /** What is put in its place; may be empty. */
  readonly after: string;
  /** The test file that must fail, from `tests/`. */
  readonly test: string;
  /** Part of the names of the tests in it that are run. */
  readonly filter: string;
  /** What would be wrong for whoever uses the toolkit. */
  readonly why: string;
  /** Why no test can see it, where none does. */
  readonly survives?: string;
}

/** Lines of a text, as mutants name them, with their places. */
export function placesOf({ before }: Pick<Mutant, "before">, text: string): number[] {
  return text.split("\n").flatMap((line, at) => line.trim() === before ? [at] : []);
}

/** The text with the mutant. Throws where the line is not there, or more than once: the list is stale then. */
export function mutated(mutant: Mutant, text: string): string {
  const places = placesOf(mutant, text);
  if (places.length !== 1) {
    throw new Error(`stale mutant ${mutant.id}: ${mutant.file} has the line ${places.length} times: ${mutant.before}`);
  }
  const lines = text.split("\n"), [at] = places;
  const indent = lines[at].slice(0, lines[at].length - lines[at].trimStart().length);
  return lines.with(at, mutant.after === "" ? "" : indent + mutant.after).join("\n");
}
