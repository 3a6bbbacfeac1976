/**
 * Checksums of files, and the pins of those that nobody has published.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { FeatherdetError } from "../../graph/error.ts";
import { accessError, kindOf, readText } from "../files.ts";

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

/** Writes a file so that it is there whole or not at all, and makes its folder. */
export async function writeWhole(file: string, content: string): Promise<void> {
  await Deno.mkdir(dirname(file), { recursive: true });
  const partial = `${file}.partial`;
  await Deno.writeTextFile(partial, content);
  await Deno.rename(partial, file);
}

/** Checksums that were found on the first download of files whose right ones are unknown, kept in one file. */
export class Pins {
  #pins: Record<string, string> = {};
  #changed = false;

  private constructor(private readonly file: string) {}

  /** Reads the pins; none if there is no such file. */
  static async read(file: string): Promise<Pins> {
    const pins = new Pins(file);
    if (kindOf(file) !== "file") return pins;
    try {
      pins.#pins = JSON.parse(await readText(file));
    } catch (error) {
      throw new FeatherdetError("broken list of pinned checksums, delete it to pin anew", { file }, { cause: error });
    }
    return pins;
  }

  /** The checksum of what was first downloaded from an address. */
  of(url: string): string | undefined {
    return this.#pins[url];
  }

  /** Remembers one. */
  set(url: string, sha256: string): void {
    if (this.#pins[url] === sha256) return;
    this.#pins[url] = sha256;
    this.#changed = true;
  }

  /** Writes them where there are new ones. */
  async write(): Promise<void> {
    if (!this.#changed) return;
    const sorted = Object.fromEntries(Object.entries(this.#pins).sort(([a], [b]) => a < b ? -1 : 1));
    await writeWhole(this.file, `${JSON.stringify(sorted, null, 1)}\n`);
    this.#changed = false;
  }
}
