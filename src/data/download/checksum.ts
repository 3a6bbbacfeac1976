/**
 * Checksums of files, and the pins of those that nobody has published.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { dirname } from "node:path";
import * as v from "npm:valibot@1.5.0";
import { FeatherdetError } from "../../graph/error.ts";
import { FileLock } from "../file_lock.ts";
import { accessError, kindOf, readText } from "../files.ts";
import { writeWholeIn } from "../whole_file.ts";

/** SHA-256 of a file in hexadecimal, read in pieces. */
export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    for await (const piece of (await Deno.open(file)).readable) hash.update(piece);
  } catch (error) {
    throw accessError(error, file);
  }
  return hash.digest("hex");
}

/** SHA-256 of bytes or text in hexadecimal. */
export function sha256Of(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}

const PINS_FORM = v.record(
  v.string(),
  v.pipe(v.string("expected text"), v.regex(/^[0-9a-f]{64}$/, "expected a SHA-256")),
);

async function readPins(file: string): Promise<Record<string, string>> {
  if (kindOf(file) !== "file") return {};
  try {
    return v.parse(PINS_FORM, JSON.parse(await readText(file)));
  } catch (error) {
    throw new FeatherdetError("broken list of pinned checksums, delete it to pin anew", { file }, { cause: error });
  }
}

/** Checksums that were found on the first download of files whose right ones are unknown, kept in one file. */
export class Pins {
  #pins: Record<string, string> = {};
  readonly #found: Record<string, string> = {};

  private constructor(private readonly file: string) {}

  /** Reads the pins; none if there is no such file. */
  static async read(file: string): Promise<Pins> {
    const pins = new Pins(file);
    pins.#pins = await readPins(file);
    return pins;
  }

  /** The checksum of what was first downloaded from an address. */
  of(url: string): string | undefined {
    return this.#pins[url];
  }

  /** Remembers one. */
  set(url: string, sha256: string): void {
    if (this.#pins[url] === sha256) return;
    this.#pins[url] = this.#found[url] = sha256;
  }

  /** Adds those that were set to what the file holds now: others may download at the same time. */
  async write(): Promise<void> {
    if (Object.keys(this.#found).length === 0) return;
    await Deno.mkdir(dirname(this.file), { recursive: true });
    using _ = await FileLock.wait(`${this.file}.lock`);
    const all = { ...await readPins(this.file), ...this.#found };
    const sorted = Object.fromEntries(Object.entries(all).sort(([a], [b]) => a < b ? -1 : 1));
    await writeWholeIn(this.file, `${JSON.stringify(sorted, null, 1)}\n`);
  }
}
