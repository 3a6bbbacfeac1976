/**
 * The output of a command: results go to stdout, remarks to stderr. With `--json` exactly one object goes to stdout, with `--jsonl` one a
 * line as the results come.
 *
 * @module
 */

import { printable } from "../graph/error.ts";

/** Writes for people or for programs. What is for people shows control characters, which names may hold, as their escapes. */
export class Output {
  /** Adapters that were named. */
  readonly #adapters = new Set<string>();

  /** With `json`, stdout is kept for the one object, with `lines` for the records. */
  constructor(readonly json: boolean, readonly lines: boolean = false) {
    // Whatever a library logs must not end up beside the objects.
    if (json || lines) console.log = console.info = console.debug = console.error;
  }

  /** A line of the result, for people. */
  line(text = ""): void {
    if (!this.json && !this.lines) Output.#write(Deno.stdout, `${printable(text, { lines: true })}\n`);
  }

  /** One result of several for programs, as it comes, if they asked for lines. */
  record(result: object): void {
    if (this.lines) Output.#write(Deno.stdout, `${JSON.stringify(result)}\n`);
  }

  /** A remark that is no part of the result. Whoever names the adapter, it is said once. */
  note(text: string): void {
    if (text.startsWith("adapter: ")) {
      if (this.#adapters.has(text)) return;
      this.#adapters.add(text);
    }
    Output.#write(Deno.stderr, `${printable(text, { lines: true })}\n`);
  }

  /** The result for programs; call it once. */
  object(result: object): void {
    if (this.json) Output.#write(Deno.stdout, `${JSON.stringify(result)}\n`);
  }

  static #write(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
    let bytes = new TextEncoder().encode(text);
    try {
      // A pipe may take less than it is given.
      while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
    } catch (error) {
      // Whoever reads has gone (`| head`): nothing is left to say.
      if (error instanceof Deno.errors.BrokenPipe) Deno.exit(0);
      throw error;
    }
  }
}
