/**
 * Keeps pictures that are ready for sampling within a budget of memory. The least recently used pictures go first.
 *
 * @module
 */

import { bytesOf, type Source } from "./source.ts";

/** What is known of a picture: it may be under way. */
interface Entry {
  readonly source: Promise<Source>;
  /** 0 until it is there. */
  bytes: number;
}

/** Keeps what `make` gives, in memory of about `budget` bytes. */
export class SourceStore {
  /** In the order of their last use. */
  readonly #entries = new Map<number, Entry>();
  #bytes = 0;

  constructor(private readonly make: (picture: number) => Promise<Source>, private readonly budget: number) {}

  /** A picture, made if it is not there. A failure is not kept. */
  get(picture: number): Promise<Source> {
    const entry = this.#entries.get(picture) ?? this.#begin(picture);
    this.#entries.delete(picture);
    this.#entries.set(picture, entry);
    return entry.source;
  }

  #begin(picture: number): Entry {
    const entry: Entry = { source: this.make(picture), bytes: 0 };
    entry.source.then((source) => {
      if (this.#entries.get(picture) !== entry) return;
      entry.bytes = bytesOf(source);
      this.#bytes += entry.bytes;
      this.#forget();
    }, () => {
      if (this.#entries.get(picture) === entry) this.#entries.delete(picture);
    });
    return entry;
  }

  #forget(): void {
    for (const [picture, { bytes }] of this.#entries) {
      if (this.#bytes <= this.budget) return;
      // Those under way have no size yet, and somebody waits for them.
      if (bytes === 0) continue;
      this.#entries.delete(picture);
      this.#bytes -= bytes;
    }
  }
}
