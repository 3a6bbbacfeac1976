/**
 * Keeps what meters measured in the checkout's `.cache/meter/`, a file a number.
 *
 * A file is written under a name of its own and then renamed, so that other processes find it whole or not at all; of two that measured
 * the same, the later one's number stays. A file that is damaged, or of another format or key, is as good as none: its number is
 * measured again.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { sha256 } from "npm:@noble/hashes@2.4.0/sha2.js";
import * as v from "npm:valibot@1.5.0";
import { createMemoryMemo, type Memo } from "../compress/meter.ts";
import { faultOf, NUMBER, WORDS } from "../numbers/forms.ts";

const FOLDER = new URL("../../.cache/meter/", import.meta.url);

/** Version of what files hold and of how numbers are measured; files of another one are not read. */
export const METER_FORMAT = 1;

/** What a file holds. */
interface Kept {
  readonly format: number;
  readonly kind: string;
  readonly key: string;
  readonly value: number;
}

const KEPT_FORM: v.GenericSchema = v.object({
  format: v.literal(METER_FORMAT, `expected ${METER_FORMAT}`),
  kind: WORDS,
  key: WORDS,
  value: NUMBER,
}, "expected an object");

/** The file of a number. */
export function memoFile(kind: string, key: string, folder: URL = FOLDER): string {
  const name = sha256(new TextEncoder().encode(`${METER_FORMAT}\n${kind}\n${key}`)).toHex();
  return fileURLToPath(new URL(`${kind}/${name}.json`, folder));
}

async function readKept(kind: string, key: string, folder: URL): Promise<number | undefined> {
  try {
    const found: Kept = JSON.parse(await Deno.readTextFile(memoFile(kind, key, folder)));
    return faultOf(KEPT_FORM, found) === undefined && found.kind === kind && found.key === key
      ? found.value
      : undefined;
  } catch {
    // Without a usable file the number is measured.
    return undefined;
  }
}

async function writeKept(kept: Kept, folder: URL): Promise<void> {
  const file = memoFile(kept.kind, kept.key, folder);
  const unfinished = `${file}.${crypto.randomUUID()}.partial`;
  try {
    await Deno.mkdir(fileURLToPath(new URL(`${kept.kind}/`, folder)), { recursive: true });
    await Deno.writeTextFile(unfinished, `${JSON.stringify(kept)}\n`);
    await Deno.rename(unfinished, file);
  } catch {
    // A memo saves time; where it cannot be written, nothing but time is lost.
    await Deno.remove(unfinished).catch(() => {});
  }
}

/** A memo on this machine's disk. What a program has read or written it finds in memory. */
export function createDiskMemo(folder: URL = FOLDER): Memo {
  const memory = createMemoryMemo();
  return {
    async read(kind, key) {
      const known = await memory.read(kind, key);
      if (known !== undefined) return known;
      const kept = await readKept(kind, key, folder);
      if (kept !== undefined) await memory.write(kind, key, kept);
      return kept;
    },
    async write(kind, key, value) {
      await memory.write(kind, key, value);
      await writeKept({ format: METER_FORMAT, kind, key, value }, folder);
    },
  };
}
