/**
 * Who makes the candidates of a compression: this process, one after the other, or workers elsewhere, all at the same time.
 *
 * @module
 */

import type { MadeFile } from "../reproduce/make.ts";
import { type MakeElsewhere, reproduce, type ReproduceOptions, type Reproduction } from "../reproduce/reproduce.ts";

/** What all candidates have in common. */
export interface MakerSettings extends Pick<ReproduceOptions, "data" | "manifest" | "checkOptions" | "out" | "run"> {
  /** Makes files elsewhere; here by default. */
  readonly elsewhere?: MakeElsewhere;
  /** Ends the waiting for what is made elsewhere. */
  readonly signal?: AbortSignal;
}

/** Makes candidates, each once, with all that they are made from. */
export class Makers {
  readonly #files = new Map<string, Promise<MadeFile | undefined>>();
  readonly #candidates = new Map<string, Promise<Reproduction>>();
  readonly #unwanted = new AbortController();

  constructor(private readonly settings: MakerSettings) {}

  /** Has other machines begin with candidates that may be wanted later; without other machines it does nothing. */
  begin(ids: readonly string[]): void {
    if (!this.settings.elsewhere) return;
    // An error is told when the candidate is asked for.
    for (const id of ids) this.#start(id).catch(() => {});
  }

  /** Makes one, or waits for it. */
  async make(id: string): Promise<Reproduction> {
    return await this.#start(id);
  }

  /** Waits until nothing is waited for; what was begun is called off first unless the next call shall find it. */
  async end(isWanted: boolean): Promise<void> {
    if (!isWanted) this.#unwanted.abort();
    await Promise.allSettled(this.#candidates.values());
  }

  #start(id: string): Promise<Reproduction> {
    const known = this.#candidates.get(id);
    if (known) return known;
    const { elsewhere, signal, ...settings } = this.settings, unwanted = this.#unwanted.signal;
    // Candidates that share what they are made from wait for the same file.
    const shared: MakeElsewhere | undefined = elsewhere && ((shop, variant, seed, local) => {
      const key = `${variant.id} ${seed}`;
      const file = this.#files.get(key) ?? elsewhere(shop, variant, seed, local, { signal, unwanted });
      this.#files.set(key, file);
      return file;
    });
    const made = reproduce({ ...settings, only: [id], elsewhere: shared });
    this.#candidates.set(id, made);
    return made;
  }
}
