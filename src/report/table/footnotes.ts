/**
 * Footnotes of a table, in signs that read well in plain text, in notebooks and on pages alike.
 *
 * @module
 */

const DIGITS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

const raised = (number: number) => [...String(number)].map((digit) => DIGITS[Number(digit)]).join("");

/** Numbers texts in the order in which they are first asked for. */
export class Footnotes {
  readonly #numbers = new Map<string, number>();

  /** The sign of a note; notes with equal texts share one. */
  sign(text: string): string {
    const number = this.#numbers.get(text) ?? this.#numbers.size + 1;
    this.#numbers.set(text, number);
    return raised(number);
  }

  /** The notes as lines of Markdown, each a paragraph of its own, which every reader of Markdown knows; empty if there are none. */
  lines(): string[] {
    return [...this.#numbers].flatMap(([text, number], i) => [...i > 0 ? [""] : [], `${raised(number)} ${text}.`]);
  }
}
