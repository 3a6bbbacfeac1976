/**
 * What a reader of a data set puts right or leaves out: counted by its kind, with the first case named, or refused.
 *
 * @module
 */

import type { FeatherdetError } from "../graph/error.ts";

/** What happened to one thing, and to several: `box left out`, `boxes left out`. */
export type RemarkKind = readonly [one: string, several: string];

/** Collects remarks on one data set. */
export class Remarks {
  readonly #counted = new Map<string, { kind: RemarkKind; count: number; first: string }>();
  readonly #said = new Set<string>();

  /** With `strict`, whatever would be counted is refused. `maxPixels` is the most that pictures may have. */
  constructor(readonly strict = false, readonly maxPixels?: number) {}

  /** Counts one more of a kind. `fault` says what is wrong and where; with `strict` it is thrown. */
  count(kind: RemarkKind, fault: FeatherdetError): void {
    if (this.strict) throw fault;
    this.note(kind, fault);
  }

  /** Counts one more of a kind that is no reason to refuse a set, with `strict` neither. */
  note(kind: RemarkKind, fault: FeatherdetError): void {
    const known = this.#counted.get(kind[0]);
    if (known) known.count++;
    else this.#counted.set(kind[0], { kind, count: 1, first: fault.message });
  }

  /** Keeps a sentence on what was understood in one of several ways; once, however often it is said. */
  say(sentence: string): void {
    this.#said.add(sentence);
  }

  /** All remarks, a sentence each. */
  warnings(): string[] {
    const counted = [...this.#counted.values()].map(({ kind: [one, several], count, first }) =>
      count === 1 ? `1 ${one}: ${first}` : `${count} ${several}, the first: ${first}`
    );
    return [...this.#said, ...counted];
  }
}
